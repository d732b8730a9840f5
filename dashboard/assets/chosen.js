// Rows that are chosen to be submitted again or deleted.

import { el, put, count } from "./dom.js";

/**
 * Chosen is what the user has chosen of rows with a number and an ID: a column to choose
 * them by, and the buttons that have act(what, numbers) do something to them. draw shows
 * the rows again.
 */
export class Chosen {
  #numbers = new Set();
  #shown = []; // the rows
  #sure = 0; // how many the user has been asked about; 0: not asked

  constructor(app, act, draw) {
    Object.assign(this, { app, act });
    this.column = { head: "Choose", rare: true, cell: (row, td) => this.#box(row, td) };
    this.requeue = el("button", { type: "button", onclick: () => this.#do("requeue", (n) => `${n} submitted again`) }, "Requeue");
    this.delete = el("button", { type: "button", onclick: () => {
      if (this.#sure) this.#do("delete", (n) => `${n} deleted`);
      else this.#ask();
    } }, "Delete");
    const all = el("button", { type: "button", onclick: () => {
      for (const { number } of this.#shown) this.#numbers.add(number);
      draw();
      this.#changed();
    } }, "Choose all shown");
    this.node = el("div", { className: "row controls", hidden: true }, all, this.requeue, this.delete);
  }

  /** show says which rows there are: of others, none is chosen. */
  show(rows) {
    this.#shown = rows;
    const there = new Set(rows.map((row) => row.number));
    for (const number of this.#numbers) if (!there.has(number)) this.#numbers.delete(number);
    this.#changed();
  }

  #box(row, td) {
    if (this.node.hidden) return td.replaceChildren();
    const box = td.firstChild ?? td.appendChild(el("input", { type: "checkbox", "aria-label": `task ${row.id}`, onchange: () => {
      if (box.checked) this.#numbers.add(row.number);
      else this.#numbers.delete(row.number);
      this.#changed();
    } }));
    box.checked = this.#numbers.has(row.number);
  }

  #changed() {
    this.requeue.disabled = this.delete.disabled = this.#numbers.size === 0;
    if (this.#sure !== this.#numbers.size) this.#calm();
  }

  // #ask has the user press the button a second time, for this cannot be undone. A dialog
  // of the browser's would be what browsers offer to suppress.
  #ask() {
    this.#sure = this.#numbers.size;
    put(this.delete, `Delete ${count(this.#sure)} for good`);
    clearTimeout(this.doubt);
    this.doubt = setTimeout(() => this.#calm(), 6000);
  }

  #calm() {
    this.#sure = 0;
    put(this.delete, "Delete");
  }

  async #do(what, done) {
    this.#calm();
    const numbers = [...this.#numbers].sort((a, b) => a - b);
    await this.app.attempt(() => this.act(what, numbers), (answer) => done(count(answer.count)));
  }
}
