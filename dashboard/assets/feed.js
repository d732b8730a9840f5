// What the server says: a frame a second with the state of all pools, and answers to
// questions about one.

// How long it may take, in milliseconds, until a connection is given up that has fallen
// silent, or a question: of neither does anybody tell.
const patience = 10000;

// Where the page is, without the name and the password that its address may have: what is
// relative to that cannot be fetched.
const base = location.origin + location.pathname;

/**
 * follow calls onFrame with each frame, and onLive with whether they come, until the
 * function is called that it returns.
 */
export function follow(onFrame, onLive) {
  let source, failed, timer;
  const wait = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      onLive(false);
      source.close();
      connect();
    }, ms);
  };
  const connect = () => {
    source = new EventSource("events");
    source.onmessage = (event) => {
      failed = false;
      wait(patience);
      onLive(true);
      onFrame(JSON.parse(event.data));
    };
    source.onerror = () => {
      const closed = source.readyState === EventSource.CLOSED;
      if (closed || failed) onLive(false); // where the server cannot stream, the connection ends after each frame
      failed = true;
      // The browser tries again by itself, unless it was answered: by a proxy, say, with an error.
      if (closed) wait(1000);
    };
    wait(patience);
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** ask gets an answer to a question about a pool. */
export async function ask(what, question) {
  return answer(await fetch(`${base}${what}?${new URLSearchParams(question)}`, { signal: AbortSignal.timeout(patience) }));
}

/** order has something done to a pool. */
export async function order(what, details) {
  return answer(await fetch(base + what, {
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
