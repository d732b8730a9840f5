// What the server says: a frame a second with the state of all pools, and answers to
// questions about one.

/** follow calls onFrame with each frame, and onLive with whether there is a connection. */
export function follow(onFrame, onLive) {
  const source = new EventSource("events");
  source.onmessage = (event) => {
    onLive(true);
    onFrame(JSON.parse(event.data));
  };
  source.onerror = () => {
    onLive(false);
    // The browser tries again by itself, unless it was answered: by a proxy, say, with an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 1000, onFrame, onLive);
  };
}

/** ask gets an answer to a question about a pool. */
export async function ask(what, question) {
  return answer(await fetch(`${what}?${new URLSearchParams(question)}`));
}

/** order has something done to a pool. */
export async function order(what, details) {
  return answer(await fetch(what, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(details),
  }));
}

async function answer(response) {
  const said = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(said.error);
  return said;
}
