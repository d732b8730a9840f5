// What the pages have in common that ask the server for rows.

import { el, put, count } from "./dom.js";
import { ask } from "./feed.js";

/** Rows is a page with a table of one pool's, asked for with each frame. */
export class Rows {
  static ofPool = true;

  constructor(app, what, noun, title, table, ...filters) {
    Object.assign(this, { app, what, noun, table });
    this.found = el("p", { className: "found" });
    this.filters = filters;
    const search = { className: "row", role: "search", onsubmit: (event) => event.preventDefault() };
    const row = filters.length > 0 ? el("form", search) : el("div", { className: "row" });
    row.append(...filters.flatMap((f) => [el("label", { htmlFor: f.id }, f.label), f.node]), this.found);
    for (const f of filters) f.node.addEventListener("input", () => this.refresh());
    this.node = el("div", {}, el("h1", {}, title), row, table.node);
  }

  /** seek sets the filters to what the address asks for. */
  seek(find, outcome) {
    for (const f of this.filters) {
      if (f.name === "find") f.node.value = find;
      if (f.name === "outcome") f.node.value = outcome;
    }
  }

  show(frame, pool) {
    this.pool = pool;
    this.refresh();
  }

  // refresh asks for the rows. While an answer is on its way, one more question waits.
  async refresh() {
    if (!this.pool) return this.table.show([]);
    if (this.asking) {
      this.more = true;
      return;
    }
    this.asking = true;
    await this.app.attempt(async () => {
      const question = Object.fromEntries(this.filters.map((f) => [f.name, f.node.value]));
      this.rows(await ask(this.what, { pool: this.pool.label, ...question }));
    });
    this.asking = false;
    if (this.more) {
      this.more = false;
      this.refresh();
    }
  }

  /** rows shows an answer. */
  rows(said) {
    const rows = said[this.what] ?? said.tasks;
    this.table.show(rows);
    const found = said.found ?? said.total;
    put(this.found, (found > rows.length ? `the first ${count(rows.length)} of ${count(found)}`
      : found < said.total ? `${count(found)} of ${count(said.total)}` : count(found)) + ` ${this.noun}${said.total === 1 ? "" : "s"}`);
  }
}

/** filter is a field to narrow rows by. */
export function filter(name, label, node) {
  const id = `filter-${name}`;
  node.id = id;
  return { name, label, node, id };
}

/** choice is a field with some values to choose from, given with what they are called. */
export const choice = (values) => el("select", {}, ...Object.entries(values).map(([value, text]) => el("option", { value }, text)));

/** more shows text that is too long for a line behind a button. Which are open is kept in a set. */
export function more(td, key, open, summary, parts) {
  if (td.firstChild?.tagName !== "DETAILS") {
    // Later it is opened and closed by the user alone, of which the set learns a moment later.
    const details = el("details", { open: open.has(key), ontoggle: () => (details.open ? open.add(key) : open.delete(key)) }, el("summary"), el("div"));
    td.replaceChildren(details);
  }
  const details = td.firstChild;
  put(details.firstChild, summary);
  const body = details.lastChild;
  const wanted = parts.filter(([, text]) => text);
  while (body.children.length > wanted.length) body.lastChild.remove();
  wanted.forEach(([title, text], i) => {
    const part = body.children[i] ?? body.appendChild(el("div", {}, el("h2"), el("pre", { tabIndex: 0 })));
    put(part.firstChild, title);
    put(part.lastChild, text);
  });
}
