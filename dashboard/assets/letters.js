// The dead letters of a durable queue. They are in a store elsewhere, so they are asked for
// when somebody wants them, and not with each frame.

import { el, put, badge, Table, count, clock, date, moment } from "./dom.js";
import { more } from "./page.js";
import { Chosen } from "./chosen.js";
import { ask, order } from "./feed.js";

export class Letters {
  #letters = [];
  #starts = [""]; // the number after which each page begins, up to the one that is shown
  #asked = 0; // how many questions; only the answer to the last one is shown

  constructor(app, queue) {
    Object.assign(this, { app, queue });
    const open = new Set();
    this.chosen = new Chosen(app, (what, numbers) => this.#do(what, numbers), () => this.table.show(this.#letters));
    this.table = new Table("Dead letters", [
      this.chosen.column,
      { head: "Number", number: true, cell: (l) => l.number },
      { head: "Task", header: true, cell: (l) => l.id },
      { head: "Reason", cell: (l, td) => badge(td, levels[l.reason] ?? "warning", l.reason === "attempts" ? `attempts: ${l.outcome}` : l.reason) },
      { head: "Died at", cell: (l, td) => {
        td.title = moment(l.at);
        return date(l.at);
      } },
      { head: "Attempts", number: true, cell: (l) => count(l.attempts) },
      { head: "Node", cell: (l) => l.node },
      { head: "Priority", number: true, rare: true, least: true, cell: (l) => count(l.priority) },
      { head: "Key", rare: true, least: true, cell: (l) => l.key },
      { head: "Error", wide: true, cell: (l, td) => {
        const parts = [["Error", l.error], ["Payload", l.payload], ["Stack", l.stack]];
        if (!parts.some(([, text]) => text)) return "";
        more(td, l.number, open, l.error || "what was submitted", parts);
      } },
    ], (l) => l.number, { empty: "No dead letter is there." });
    this.found = el("p", { className: "found", role: "status" });
    const button = (text, onclick) => el("button", { type: "button", onclick }, text);
    this.back = button("Back", () => this.#load(this.#starts.slice(0, -1)));
    this.next = button("Next", () => this.#load([...this.#starts, this.#letters.at(-1).number]));
    this.back.disabled = this.next.disabled = true;
    this.node = el("div", {}, el("h3", {}, "Dead letters"),
      el("div", { className: "row" }, button("Refresh", () => this.#load(this.#starts)), this.back, this.next, this.found, this.chosen.node),
      this.table.node);
    this.table.empty.hidden = this.table.frame.hidden = true; // nothing is known yet
  }

  /** show is told how the queue is. It asks for dead letters when it has none to show and there are some. */
  show(queue, controls) {
    if (this.chosen.node.hidden === controls) {
      this.chosen.node.hidden = !controls;
      this.table.show(this.#letters);
    }
    const dead = queue.figures?.dead;
    if (queue.state !== "reachable" || dead === this.dead) return;
    this.dead = dead;
    if (this.#letters.length === 0) this.#load(this.#starts);
  }

  async #load(starts) {
    const turn = ++this.#asked;
    await this.app.attempt(async () => {
      const { letters, more: follow } = await ask("letters", { queue: this.queue, after: starts.at(-1) });
      if (turn !== this.#asked) return;
      if (letters.length === 0 && starts.length > 1) return this.#load(starts.slice(0, -1)); // they have been dealt with
      this.#letters = letters;
      this.#starts = starts;
      this.chosen.show(letters);
      this.table.show(letters);
      this.back.disabled = starts.length === 1;
      this.next.disabled = !follow;
      put(this.found, `${count(letters.length)} ${letters.length === 1 ? "letter" : "letters"}${
        follow ? ", and more follow" : ""}, as of ${clock(Date.now())}`);
    });
  }

  async #do(what, numbers) {
    try {
      return await order(`${what}-letters`, { queue: this.queue, numbers });
    } finally {
      this.#load(this.#starts);
    }
  }
}

const levels = { attempts: "warning", payload: "warning", lost: "trouble" };
