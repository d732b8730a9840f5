// The overview: whether the pools and the durable queues are well, and the figures of a pool.

import { el, put, badge, Each, Table, Tiles, count, rate, span, percent, counters } from "./dom.js";
import { ask, order } from "./feed.js";
import { Charts } from "./charts.js";

/** ranks are the levels of alerts. */
export const ranks = { fine: 0, note: 1, warning: 2, trouble: 3 };
const maxAlerts = 12;
export const words = { fine: "well", note: "well", warning: "look here", trouble: "in trouble" };

export class Overview {
  static label = "Overview";

  constructor(app) {
    this.app = app;
    this.verdict = el("p", { className: "verdict", role: "status" });
    this.alerts = el("ul", { className: "alerts" });
    this.rest = el("p", { className: "faint row", hidden: true });
    this.blame = new Each(this.alerts, (a) => a.key, (a) => el("li", {},
      el("span", { className: "badge" }), " ", a.page ? el("a") : el("span")),
    (li, a) => {
      li.firstChild.className = `badge ${a.level}`;
      put(li.firstChild, a.level);
      put(li.lastChild, `${a.of}: ${a.text}`);
      if (a.page) li.lastChild.href = app.link(a.page, { ...a.pool, find: a.find ?? "", outcome: a.page === "tasks" ? "wrong" : "" });
    });
    this.pools = new Table("All pools", [
      { head: "Pool", header: true, cell: (p, td) => {
        const a = td.firstChild ?? td.appendChild(el("a"));
        put(a, p.label);
        a.href = app.link("overview", { pool: p.label });
        if (p.label === app.pool?.label) a.setAttribute("aria-current", "true");
        else a.removeAttribute("aria-current");
      } },
      { head: "State", cell: (p, td) => badge(td, p.level, p.state === "running" ? words[p.level] : p.state) },
      { head: "Done a second", number: true, cell: (p) => rate(p.throughput) },
      { head: "Went wrong", number: true, cell: (p) => wrong(p) },
      { head: "Queued", number: true, cell: (p) => count(p.ledger.queued) },
      { head: "Oldest", number: true, cell: (p) => span(p.point[4]) },
      { head: "Busy", number: true, cell: (p) => `${count(p.busy)} of ${count(p.size)}` },
      { head: "Waited, p95", number: true, least: true, cell: (p) => span(p.point[9]) },
      { head: "Ran, p95", number: true, least: true, cell: (p) => span(p.point[12]) },
    ], (p) => p.label, { empty: "There is no pool in this actor system yet.", mark: (p) => (p.label === app.pool?.label ? "chosen" : "") });
    this.title = el("h2");
    this.tiles = new Tiles();
    this.ledger = el("p", { className: "ledger" });
    this.controls = this.#controls();
    this.plots = el("div", { className: "plots" });
    this.detail = el("section", { hidden: true, "aria-label": "The pool" },
      el("div", { className: "row" }, this.title, this.controls), this.tiles.node, this.plots, this.ledger);
    this.node = el("div", {},
      el("h1", { className: "hidden" }, "Overview"), this.verdict, this.alerts, this.rest, this.pools.node, this.detail);
  }

  #controls() {
    this.pause = el("button", { type: "button", onclick: () => {
      const pool = this.app.pool.label;
      const what = this.app.pool.state === "paused" ? "resume" : "pause";
      this.app.attempt(() => order(what, { pool }), () => `${pool}: ${what}d`);
    } });
    this.size = el("input", { type: "number", min: 1, max: 100000, id: "size", required: true });
    this.form = el("form", { className: "row", onsubmit: (event) => {
      event.preventDefault();
      const pool = this.app.pool.label;
      const size = this.size.valueAsNumber;
      this.app.attempt(() => order("resize", { pool, size }), () => `${pool}: ${size} workers`);
    } }, el("label", { htmlFor: "size" }, "Workers"), this.size, el("button", {}, "Resize"));
    return el("div", { className: "row controls", hidden: true }, this.pause, this.form);
  }

  show(frame, pool) {
    const queues = (frame.queues ?? []).filter((q) => q.state !== "unknown");
    const all = [...frame.pools.map((p) => ({ ...p, name: p.label, pool: { pool: p.label } })), ...queues];
    const alerts = worstFirst(all.flatMap((of) => (of.alerts ?? []).map((a, i) => (
      { ...a, of: of.name, pool: of.pool, key: `${of.pool ? "pool" : "queue"} ${of.name} ${i} ${a.page ?? ""}` }))));
    const worst = alerts[0]?.level ?? "fine";
    this.verdict.className = `verdict ${worst}`;
    put(this.verdict, verdict(frame.pools.length, queues.length, worstFirst(all.filter((of) => ranks[of.level] >= ranks.warning))));
    this.blame.show(alerts.slice(0, maxAlerts));
    this.rest.hidden = alerts.length <= maxAlerts;
    put(this.rest, `and ${count(alerts.length - maxAlerts)} more`);
    this.pools.show(frame.pools);
    this.detail.hidden = !pool;
    if (!pool) return;
    put(this.title, pool.label);
    this.tiles.show(figures(pool));
    put(this.ledger, ledger(pool));
    this.controls.hidden = !frame.controls || pool.state === "stopped";
    put(this.pause, pool.state === "paused" ? "Resume" : "Pause");
    this.#chart(pool);
    this.#follow(pool);
  }

  // #follow has the field say the size of the pool, but not while somebody is at it.
  #follow(pool) {
    if (this.shown === pool.label && (this.said === pool.size || this.form.contains(document.activeElement))) return;
    this.shown = pool.label;
    this.size.value = this.said = pool.size;
  }

  // #chart adds the newest point, once the history before it is there.
  #chart(pool) {
    this.charts ??= new Charts(this.plots);
    if (this.loaded === pool.label) {
      this.charts.add(pool.point);
      return;
    }
    this.loaded = pool.label;
    this.charts.load([]);
    this.app.attempt(async () => {
      const { points } = await ask("history", { pool: pool.label });
      if (this.loaded === pool.label) this.charts.load(points);
    });
  }

  paint() {
    this.charts?.redraw();
  }

  leave() {
    this.charts?.destroy();
  }

  /** again has the history loaded anew: some frames may have been missed. */
  again() {
    this.loaded = null;
  }
}

const worstFirst = (list) => list.sort((a, b) => ranks[b.level] - ranks[a.level]);

function verdict(pools, queues, bad) {
  const all = pools + queues;
  if (all === 0) return "No pool yet";
  const kinds = Object.entries({ pool: pools, queue: queues }).filter(([, n]) => n > 0);
  if (bad.length === 0 || all === 1) {
    const whole = kinds.map(([kind, n]) => (n === 1 ? `the ${kind}` : `all ${count(n)} ${kind}s`)).join(" and ");
    const verb = bad.length > 0 ? "needs a look" : all === 1 ? "is well" : "are well";
    return `${whole[0].toUpperCase()}${whole.slice(1)} ${verb}`;
  }
  const names = bad.slice(0, 3).map((of) => of.name).join(", ");
  return `${count(bad.length)} of ${count(all)} ${kinds.map(([kind]) => `${kind}s`).join(" and ")} ${bad.length === 1 ? "needs" : "need"} a look: ${
    names}${bad.length > 3 ? ", …" : ""}`;
}

// wrong is the share of the last ten seconds' tasks.
function wrong(pool) {
  const { settled, troubled } = pool.recent;
  return troubled === 0 ? "0" : `${percent(troubled / settled)}`;
}

function figures(pool) {
  const p = pool.point;
  const capacity = pool.capacity < 0 ? "no bound" : `room for ${count(pool.capacity)}`;
  return [
    { name: "Done a second", value: rate(pool.throughput), more: "attempts, mean of 10 s" },
    { name: "Went wrong", value: wrong(pool), more: "of the outcomes of 10 s", level: pool.recent.troubled > 0 ? "warning" : "" },
    { name: "Queued", value: count(pool.ledger.queued), more: pool.delayed > 0 ? `${count(pool.delayed)} to be tried again` : capacity },
    { name: "Oldest queued", value: span(p[4]) },
    { name: "Workers busy", value: `${count(pool.busy)} of ${count(pool.size)}`, more: `used ${percent(p[7])} of their time` },
    { name: "Longest in hand", value: span(pool.longest) },
    { name: "Waited, p95", value: span(p[9]), more: `p50 ${span(p[8])}, p99 ${span(p[10])}` },
    { name: "Ran, p95", value: span(p[12]), more: `p50 ${span(p[11])}, p99 ${span(p[13])}` },
    { name: "Rejected, in all", value: count(pool.rejected), more: counters(pool.rejections).replaceAll("_", " ") },
    { name: "Tried again, in all", value: count(pool.retries) },
    { name: "Restarts, in all", value: count(pool.restarts), more: pool.replaced > 0 ? `${count(pool.replaced)} replaced` : "" },
    ...(pool.recycled > 0 ? [{ name: "Recycled, in all", value: count(pool.recycled), more: "workers that got a new state" }] : []),
    ...Object.entries(pool.custom ?? {}).sort().map(([name, n]) => ({ name: `“${name}”`, value: rate(n), more: "the workers' own count, in all" })),
  ];
}

// ledger says how the books balance, leaving out what there is none of.
function ledger(pool) {
  const l = pool.ledger;
  const names = { queued: "queued", running: "running", succeeded: "succeeded", failed: "failed", panicked: "panicked",
    timedOut: "timed out", canceled: "canceled", dropped: "dropped", quarantined: "quarantined" };
  const parts = Object.entries(names).filter(([key]) => l[key] > 0).map(([key, name]) => `${count(l[key])} ${name}`);
  return `${count(l.submitted)} submitted = ${parts.join(" + ") || "0"}`;
}
