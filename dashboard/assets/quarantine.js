// The tasks that a pool has given up, to be submitted again or deleted.

import { el, put, Table, count, clock } from "./dom.js";
import { Rows, more } from "./page.js";
import { order } from "./feed.js";

export class Quarantine extends Rows {
  static label = "Quarantine";

  constructor(app) {
    const open = new Set();
    const chosen = new Set();
    const table = new Table("The quarantine", [
      { head: "Choose", rare: true, cell: (t, td) => {
        if (this.controls.hidden) return td.replaceChildren();
        const box = td.firstChild ?? td.appendChild(el("input", { type: "checkbox", "aria-label": `task ${t.id}`, onchange: () => {
          if (box.checked) chosen.add(t.number);
          else chosen.delete(t.number);
          this.choose();
        } }));
        box.checked = chosen.has(t.number);
      } },
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
    this.shown = []; // the tasks of the last answer
    this.sure = 0; // how many the user has been asked about; 0: not asked
    this.requeue = el("button", { type: "button", onclick: () => this.do("requeue", (n) => `${n} submitted again`) }, "Requeue");
    this.delete = el("button", { type: "button", onclick: () => {
      if (this.sure) this.do("delete", (n) => `${n} deleted`);
      else this.ask();
    } }, "Delete");
    const all = el("button", { type: "button", onclick: () => {
      for (const t of this.shown) chosen.add(t.number);
      this.refresh();
    } }, "Choose all shown");
    this.controls = el("div", { className: "row controls", hidden: true }, all, this.requeue, this.delete);
    this.found.before(this.controls);
  }

  show(frame, pool) {
    this.controls.hidden = !frame.controls || !pool || pool.state === "stopped";
    super.show(frame, pool);
  }

  rows(said) {
    this.shown = said.tasks;
    const there = new Set(said.tasks.map((t) => t.number));
    for (const number of this.chosen) if (!there.has(number)) this.chosen.delete(number);
    super.rows(said);
    this.choose();
  }

  // choose is called when what is chosen may have changed.
  choose() {
    this.requeue.disabled = this.delete.disabled = this.chosen.size === 0;
    if (this.sure !== this.chosen.size) this.calm();
  }

  // ask has the user press the button a second time, for this cannot be undone. A dialog of
  // the browser's would be what browsers offer to suppress.
  ask() {
    this.sure = this.chosen.size;
    put(this.delete, `Delete ${count(this.sure)} for good`);
    clearTimeout(this.doubt);
    this.doubt = setTimeout(() => this.calm(), 6000);
  }

  calm() {
    this.sure = 0;
    put(this.delete, "Delete");
  }

  async do(what, done) {
    this.calm();
    const numbers = [...this.chosen].sort((a, b) => a - b);
    await this.app.attempt(() => order(what, { pool: this.pool.label, numbers }), (answer) => done(count(answer.count)));
    this.refresh();
  }
}
