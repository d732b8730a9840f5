// The tasks that a pool has given up, to be submitted again or deleted.

import { Table, count, clock } from "./dom.js";
import { Rows, more } from "./page.js";
import { Chosen } from "./chosen.js";
import { order } from "./feed.js";

export class Quarantine extends Rows {
  static label = "Quarantine";

  constructor(app) {
    const open = new Set();
    const chosen = new Chosen(app, (what, numbers) => this.do(what, numbers), () => this.refresh());
    const table = new Table("The quarantine", [
      chosen.column,
      { head: "Task", header: true, cell: (t) => t.id },
      { head: "Given up at", cell: (t) => clock(t.at) },
      { head: "Attempts", number: true, cell: (t) => count(t.attempts) },
      { head: "Worker", cell: (t) => t.worker },
      { head: "Priority", number: true, rare: true, least: true, cell: (t) => count(t.priority) },
      { head: "Key", rare: true, least: true, cell: (t) => t.key },
      { head: "Why", wide: true, cell: (t, td) => {
        more(td, t.number, open, t.error, [["Error", t.error], ["Payload", t.payload],
          ...t.stacks.map((stack, i) => [`Stack of panic ${i + 1}`, stack])]);
      } },
    ], (t) => t.number, { empty: "No task is in quarantine." });
    super(app, "quarantine", "task", "Quarantine", table);
    this.chosen = chosen;
    this.found.before(chosen.node);
  }

  show(frame, pool) {
    this.chosen.node.hidden = !frame.controls || !pool || pool.state === "stopped";
    super.show(frame, pool);
  }

  rows(said) {
    this.chosen.show(said.tasks);
    super.rows(said);
  }

  async do(what, numbers) {
    try {
      return await order(what, { pool: this.pool.label, numbers });
    } finally {
      this.refresh();
    }
  }
}
