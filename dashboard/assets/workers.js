// The workers of a pool: what each is doing, and how it has fared.

import { el, put, badge, Table, count, span, counters } from "./dom.js";
import { Rows, filter, choice } from "./page.js";

export class Workers extends Rows {
  static label = "Workers";

  constructor(app) {
    const table = new Table("Workers", [
      { head: "Worker", header: true, cell: (w, td) => {
        td.title = w.id;
        return w.name;
      } },
      { head: "State", cell: (w, td) => (
        badge(td, w.long ? "trouble" : levels[w.state] ?? "warning", w.long ? `${w.state}, for too long` : w.state)) },
      { head: "Task in hand", cell: (w, td) => {
        if (!w.task) return "";
        const a = td.firstElementChild ?? td.appendChild(el("a"));
        put(a, w.task);
        a.href = app.link("tasks", { find: w.task });
      } },
      { head: "For", number: true, cell: (w) => (w.task ? span(w.elapsed) : "") },
      { head: "Mean run", number: true, cell: (w) => span(w.meanRun) },
      { head: "Queued", number: true, cell: (w) => count(w.queued) },
      { head: "Succeeded", number: true, cell: (w) => count(w.succeeded) },
      { head: "Failed", number: true, cell: (w) => count(w.failed) },
      { head: "Panicked", number: true, cell: (w) => count(w.panicked) },
      { head: "Timed out", number: true, rare: true, cell: (w) => count(w.timedOut) },
      { head: "Canceled", number: true, rare: true, cell: (w) => count(w.canceled) },
      { head: "Dropped", number: true, rare: true, cell: (w) => count(w.dropped) },
      { head: "Quarantined", number: true, rare: true, cell: (w) => count(w.quarantined) },
      { head: "Restarts", number: true, cell: (w) => count(w.restarts) },
      { head: "Counts of its own", rare: true, least: true, cell: (w) => counters(w.custom) },
    ], (w) => w.id, { empty: "No worker matches." });
    super(app, "workers", "worker", "Workers", table,
      filter("find", "ID or state", el("input", { type: "search", autocomplete: "off" })),
      filter("order", "Order", choice({ concern: "problems first", pool: "as in the pool" })));
  }
}

const levels = { idle: "fine", busy: "fine", suspended: "trouble", stopping: "note" };
