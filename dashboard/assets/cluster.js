// Durable queues: what is in each, who takes from it, and where it is stored.

import { el, put, badge, Table, Tiles, count, span, bytes } from "./dom.js";
import { ranks, words } from "./overview.js";
import { Letters } from "./letters.js";

export class Cluster {
  static label = "Cluster";

  constructor(app) {
    this.app = app;
    this.queues = new Table("Durable queues", [
      { head: "Queue", header: true, cell: (q, td) => {
        const a = td.firstChild ?? td.appendChild(el("a"));
        put(a, q.name);
        a.href = app.link("cluster", { find: q.name });
        if (q.name === this.subject) a.setAttribute("aria-current", "true");
        else a.removeAttribute("aria-current");
      } },
      { head: "State", cell: (q, td) => badge(td, q.state === "unknown" ? "note" : q.level, states[q.state] ?? words[q.level]) },
      figure("Ready", (f) => count(f.ready)),
      figure("Delayed", (f) => count(f.delayed)),
      figure("In hand", (f) => count(f.inHand)),
      figure("Retrying", (f) => count(f.retrying)),
      figure("Dead", (f) => count(f.dead)),
      figure("Oldest", (f) => span(f.oldest)),
      figure("Nodes", (f) => count(f.nodesAll)),
    ], (q) => q.name, { mark: (q) => (q.name === this.subject ? "chosen" : "") });
    this.title = el("h2", { className: "row" });
    this.news = el("p", { className: "news", role: "status", hidden: true });
    this.tiles = new Tiles();
    this.levels = new Table("By priority", [
      { head: "Priority", header: true, cell: (l) => count(l.priority) },
      { head: "Ready", number: true, cell: (l) => count(l.ready) },
      { head: "In hand", number: true, cell: (l) => count(l.inHand) },
    ], (l) => l.at, { empty: "No task is in the queue." });
    this.servers = new Table("Servers", [
      { head: "Server", header: true, cell: (s) => s.name },
      { head: "Leads", cell: (s) => (s.leader ? "leader" : "") },
      { head: "State", cell: (s, td) => badge(td, s.current ? "fine" : "warning", s.current ? "current" : "not current") },
      { head: "Behind", number: true, cell: (s) => count(s.lag) },
      { head: "Last heard of", number: true, cell: (s) => (s.leader ? "" : ago(s.active)) },
    ], (s) => s.at, { empty: "Nothing is known of its servers." });
    this.nodes = new Table("Nodes", [
      { head: "Node", header: true, cell: (n) => n.node },
      { head: "Pool", cell: (n) => n.pool },
      { head: "Workers", number: true, cell: (n) => count(n.workers) },
      { head: "Busy", number: true, cell: (n) => count(n.busy) },
      { head: "Held", number: true, cell: (n) => count(n.held) },
      { head: "Done", number: true, cell: (n) => count(n.acked) },
      { head: "Retried", number: true, cell: (n) => count(n.retried) },
      { head: "Dead", number: true, cell: (n) => count(n.dead) },
      { head: "Given back", number: true, cell: (n) => count(n.givenBack) },
      { head: "Given again", number: true, cell: (n) => count(n.again) },
      { head: "Up for", number: true, least: true, cell: (n) => span(n.up) },
      { head: "Last seen", number: true, cell: (n) => ago(n.seen) },
    ], (n) => n.at, { empty: "No node has been heard of lately: nobody takes tasks from this queue." });
    this.cut = el("p", { className: "faint row" });
    this.figures = el("div", {}, this.tiles.node,
      el("div", { className: "pair" },
        el("div", {}, el("h3", {}, "By priority"), this.levels.node),
        el("div", {}, el("h3", {}, "Servers"), this.servers.node)),
      el("h3", {}, "Nodes"), this.nodes.node, this.cut);
    this.place = el("div"); // of the dead letters
    this.detail = el("section", { hidden: true, "aria-label": "The queue" }, this.title, this.news, this.figures, this.place);
    this.node = el("div", {}, el("h1", {}, "Cluster"), this.queues.node, this.detail);
  }

  /** seek is told the name of the queue that is looked for. */
  seek(find) {
    this.subject = find || this.subject;
  }

  show(frame) {
    const queues = frame.queues ?? [];
    // Where none is named, it is the one that is worst off, and stays that.
    this.subject ??= queues.reduce((worst, q) => (ranks[q.level] > ranks[worst.level] ? q : worst)).name;
    this.queues.show(queues);
    const queue = queues.find((q) => q.name === this.subject);
    this.detail.hidden = !queue;
    if (!queue) return;
    put(this.title, queue.name);
    this.#tell(queue);
    this.figures.hidden = !queue.figures;
    if (queue.figures) this.#figures(queue.figures);
    if (this.letters?.queue !== queue.name) {
      this.letters = new Letters(this.app, queue.name);
      this.place.replaceChildren(this.letters.node);
    }
    this.letters.show(queue, frame.controls);
  }

  // #tell says how much the figures are worth.
  #tell(queue) {
    const age = queue.age === null ? "There are no figures yet." : `The figures are of ${ago(Math.round(queue.age))}.`;
    this.news.hidden = queue.state === "reachable";
    this.news.className = `news ${queue.state === "unreachable" ? "verdict trouble" : "faint row"}`;
    put(this.news, queue.state === "unreachable" ? `Unreachable: ${queue.error}. ${age}` : `Asking it how it is. ${age}`);
  }

  #figures(f) {
    this.tiles.show([
      { name: "Ready", value: count(f.ready), more: "a node may take them at once" },
      { name: "Delayed", value: count(f.delayed), more: "their time has not come" },
      { name: "In hand", value: count(f.inHand), more: "of a node, or to be tried again" },
      { name: "Retrying", value: count(f.retrying), more: "of all, those that failed before" },
      { name: "Dead", value: count(f.dead), more: "given up, see below", level: f.dead > 0 ? "warning" : "" },
      { name: "Oldest", value: span(f.oldest), more: "since it was submitted" },
      { name: "Stored", value: bytes(f.bytes) },
    ]);
    this.levels.show(placed(f.levels));
    this.servers.show(placed(f.servers));
    this.nodes.show(placed(f.nodes));
    this.cut.hidden = f.nodes.length === f.nodesAll;
    put(this.cut, `the first ${count(f.nodes.length)} of ${count(f.nodesAll)} nodes`);
  }
}

// placed tells rows apart by their places: names from elsewhere may occur twice.
const placed = (rows) => rows.map((row, at) => ({ ...row, at }));

const states = { unknown: "asking", unreachable: "unreachable" };

const figure = (head, cell) => ({ head, number: true, cell: (q) => (q.figures ? cell(q.figures) : "–") });

const ago = (seconds) => (seconds === null ? "–" : `${span(seconds)} ago`);
