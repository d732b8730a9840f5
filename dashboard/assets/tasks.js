// The last tasks of a pool, and why those went wrong that did.

import { el, put, badge, Table, count, span, clock } from "./dom.js";
import { Rows, filter, choice, more } from "./page.js";

const outcomes = ["succeeded", "failed", "panicked", "timed out", "canceled", "dropped", "quarantined"];

const levels = { succeeded: "fine", canceled: "note", "timed out": "warning", dropped: "warning", failed: "warning",
  panicked: "trouble", quarantined: "trouble" };

export class Tasks extends Rows {
  static label = "Tasks";

  constructor(app) {
    const open = new Set();
    const table = new Table("The last tasks", [
      { head: "Task", header: true, cell: (t) => t.id },
      { head: "Outcome", cell: (t, td) => (
        badge(td, levels[t.outcome], t.again ? `${t.outcome}, again${t.delay ? ` after ${span(t.delay)}` : ""}` : t.outcome)) },
      { head: "At", cell: (t) => clock(t.at) },
      { head: "Waited", number: true, cell: (t) => span(t.wait) },
      { head: "Ran", number: true, cell: (t) => (t.bound ? `< ${span(t.run)}` : span(t.run)) },
      { head: "Attempt", number: true, cell: (t) => count(t.attempts) },
      { head: "Worker", cell: (t) => t.worker },
      { head: "Priority", number: true, rare: true, least: true, cell: (t) => count(t.priority) },
      { head: "Key", rare: true, least: true, cell: (t) => t.key },
      { head: "Result", wide: true, cell: (t, td) => {
        if (!t.error && !t.payload) return "";
        more(td, t.number, open, t.error || t.payload, [["Error", t.error], ["Payload", t.payload], ["Stack", t.stack]]);
      } },
    ], (t) => t.number, { empty: "No task matches." });
    super(app, "tasks", "task", "The last tasks", table,
      filter("find", "ID or key", el("input", { type: "search", autocomplete: "off" })),
      filter("outcome", "Outcome", choice({ "": "all", wrong: "all but success", ...Object.fromEntries(outcomes.map((o) => [o, o])) })));
    this.common = el("p", { className: "faint row", hidden: true });
    table.node.before(this.common);
    this.node.append(el("p", { className: "faint" },
      "Kept are the last 512 that succeeded and the last 512 others. When more succeed than one could read, only some of them are."));
  }

  rows(said) {
    super.rows(said);
    const times = new Map();
    for (const { error } of said.tasks) if (error) times.set(error, (times.get(error) ?? 0) + 1);
    const most = [...times].filter(([, n]) => n > 1).sort(([, a], [, b]) => b - a).slice(0, 3);
    this.common.hidden = most.length === 0;
    put(this.common, `Most often: ${most.map(([error, n]) => `${count(n)} × ${error.slice(0, 120)}`).join("; ")}`);
  }
}
