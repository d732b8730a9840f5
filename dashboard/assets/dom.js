// Elements, and how figures are written.

/** el makes an element. Attributes whose names begin with "on" are listeners. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** put sets the text of a node if it is another: so a selection in it is kept. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Each updates the children of a node to be one for each item, by their keys. */
export class Each {
  #nodes = new Map();

  constructor(parent, key, make, update) {
    Object.assign(this, { parent, key, make, update });
  }

  show(items) {
    const wanted = new Set(items.map(this.key));
    // These go first: a node that need not be moved keeps its focus and what is selected in it.
    for (const [key, node] of this.#nodes) {
      if (wanted.has(key)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    let at = this.parent.firstChild;
    for (const item of items) {
      const key = this.key(item);
      const node = this.#nodes.get(key) ?? this.make(item);
      this.#nodes.set(key, node);
      this.update(node, item);
      if (node === at) at = at.nextSibling;
      else this.parent.insertBefore(node, at);
    }
  }
}

/**
 * Table shows rows in columns of {head, cell, ...}: cell gives a row's text, or changes
 * the td itself and returns nothing. A number is set flush right, a header names its row,
 * a wide column takes what room there is, one that matters least is not shown on a small
 * screen, and a rare one only where a row has something in it.
 */
export class Table {
  constructor(caption, columns, key, options = {}) {
    this.columns = columns;
    const head = el("tr", {}, ...columns.map((c) => el("th", { scope: "col", className: kind(c) }, c.head)));
    const body = el("tbody");
    this.empty = el("p", { className: "empty", hidden: true }, options.empty ?? "Nothing yet.");
    this.frame = el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
      el("table", {}, el("caption", { className: "hidden" }, caption), el("thead", {}, head), body));
    this.node = el("div", {}, this.frame, this.empty);
    this.rows = new Each(body, key, () => this.#row(), (tr, row) => this.#update(tr, row));
    this.mark = options.mark ?? (() => "");
  }

  show(rows) {
    this.rows.show(rows);
    const all = [...this.frame.querySelectorAll("tr")];
    this.columns.forEach((column, i) => {
      if (!column.rare) return;
      const bare = all.slice(1).every(({ children: { [i]: td } }) => !td.firstElementChild && ["", "0"].includes(td.textContent));
      for (const tr of all) tr.children[i].hidden = bare;
    });
    this.empty.hidden = rows.length > 0;
    this.frame.hidden = rows.length === 0;
  }

  #row() {
    return el("tr", {}, ...this.columns.map((c) => el(c.header ? "th" : "td", c.header ? { scope: "row", className: kind(c) } : { className: kind(c) })));
  }

  #update(tr, row) {
    tr.className = this.mark(row);
    this.columns.forEach((column, i) => {
      const td = tr.children[i];
      const text = column.cell(row, td);
      if (text === undefined) return;
      put(td, String(text));
      if (text.length > 40) td.title = text; // it may be cut short
    });
  }
}

/** Tiles are figures of {name, value, more, level}, each on a tile of its own. */
export class Tiles {
  constructor() {
    this.node = el("dl", { className: "tiles" });
    this.figures = new Each(this.node, (f) => f.name, (f) => el("div", {}, el("dt", {}, f.name), el("dd"), el("dd", { className: "more" })),
      (div, f) => {
        put(div.children[1], f.value);
        put(div.children[2], f.more ?? "");
        div.className = f.level ?? "";
      });
  }

  show(figures) {
    this.figures.show(figures);
  }
}

/** badge has a cell say a text in the color of a level. */
export function badge(td, level, text) {
  const node = td.firstChild ?? td.appendChild(el("span"));
  node.className = `badge ${level}`;
  put(node, text);
}

const kind = (c) => [c.number && "number", c.wide && "wide", c.least && "least"].filter(Boolean).join(" ");

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** count writes a whole number in full. */
export const count = (n) => whole.format(n);

/** rate writes a number by its first digits. */
export const rate = (n) => (n === null ? "–" : n < 1000 ? String(+n.toPrecision(3)) : short.format(n));

/** span writes a time in seconds. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0";
  if (seconds < 1e-6) return `${(seconds * 1e9).toFixed(0)} ns`;
  if (seconds < 1e-3) return `${+(seconds * 1e6).toPrecision(3)} µs`;
  if (seconds < 1) return `${+(seconds * 1e3).toPrecision(3)} ms`;
  if (seconds < 60) return `${+seconds.toPrecision(3)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** percent writes a share. */
export const percent = (share) => `${+(100 * share).toPrecision(3)} %`;

/** clock writes a time of day, given in milliseconds since 1970. */
export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

/** moment writes a day and a time of day, given in milliseconds since 1970; date does without seconds. */
export const moment = (ms) => new Date(ms).toLocaleString("sv-SE"); // the most significant comes first
export const date = (ms) => moment(ms).slice(0, -3);

/** bytes writes a size. */
export function bytes(n) {
  const unit = Math.min(n > 0 ? Math.floor(Math.log2(n) / 10) : 0, 4);
  return `${+(n / 1024 ** unit).toPrecision(3)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

/** counters writes counters that workers report, by their names. */
export const counters = (custom) => Object.entries(custom ?? {}).sort().map(([name, n]) => `${name} ${rate(n)}`).join(", ");
