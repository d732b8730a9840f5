// The charts of a pool: five minutes of points, a second each.

import { rate, span } from "./dom.js";

const length = 300;

// What a point has, in the order in which the server sends it.
const columns = ["at", "throughput", "troubled", "queued", "oldest", "busy", "size", "utilization",
  "wait50", "wait95", "wait99", "run50", "run95", "run99"];

const charts = [
  { title: "Throughput", unit: rate, per: "a second", series: [["done", "throughput", 1], ["went wrong", "troubled", 3]] },
  { title: "Queue", unit: rate, series: [["queued", "queued", 1]] },
  { title: "Oldest queued task", unit: span, series: [["age", "oldest", 2]] },
  { title: "Workers", unit: rate, series: [["busy", "busy", 1], ["all", "size", 4]] },
  { title: "Waiting time", unit: span, per: "of the last 10 s", series: [["p50", "wait50", 4], ["p95", "wait95", 2], ["p99", "wait99", 1]] },
  { title: "Running time", unit: span, per: "of the last 10 s", series: [["p50", "run50", 4], ["p95", "run95", 2], ["p99", "run99", 1]] },
];

/** Charts shows the points of one pool in a node. */
export class Charts {
  #plots = [];
  #points = [];

  constructor(node) {
    this.node = node;
    this.resize = new ResizeObserver(() => this.#plots.forEach((p) => p.plot.setSize(size(p.box))));
    this.redraw();
  }

  /** redraw makes the charts anew, in the colors of the page. */
  redraw() {
    this.destroy();
    this.node.replaceChildren();
    this.#plots = charts.map((chart) => this.#plot(chart));
    this.#draw();
  }

  /** destroy gives up the charts, which else all others of the page would keep. */
  destroy() {
    this.#plots.forEach((p) => p.plot.destroy());
    this.resize.disconnect();
  }

  #plot(chart) {
    const box = document.createElement("div");
    box.className = "plot";
    box.setAttribute("role", "img");
    const figure = document.createElement("figure");
    const title = document.createElement("figcaption");
    title.textContent = chart.per ? `${chart.title}, ${chart.per}` : chart.title;
    const key = document.createElement("p");
    key.className = "key";
    const values = chart.series.map(([label, , color]) => {
      const value = document.createElement("span");
      value.className = `series${color}`;
      value.dataset.label = label;
      key.append(value);
      return value;
    });
    figure.append(title, key, box);
    this.node.append(figure);
    const plot = new uPlot({
      ...size(box),
      cursor: { sync: { key: "troupe" }, points: { size: 6 }, drag: { x: false, y: false } },
      legend: { show: false },
      padding: [8, 28, 0, 0],
      scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        axis({ space: 80, size: 26, values: (_, marks) => marks.map((s) => new Date(s * 1000).toLocaleTimeString("en-GB")) }),
        axis({ size: 64, values: (_, marks) => marks.map((v) => chart.unit(v)) }),
      ],
      series: [{}, ...chart.series.map(([label, , color]) => ({
        label, stroke: style(`--series${color}`), width: 1.5, points: { show: false },
      }))],
      hooks: { setCursor: [(u) => this.#say(u, chart, values, box)] },
    }, [[], ...chart.series.map(() => [])], box);
    this.resize.observe(box);
    return { plot, box, chart, values };
  }

  /** load replaces all points. */
  load(points) {
    this.#points = points.slice(-length);
    this.#draw();
  }

  /** add adds a point, unless it is there already. */
  add(point) {
    if (this.#points.length > 0 && this.#points.at(-1)[0] >= point[0]) return;
    this.#points.push(point);
    if (this.#points.length > length) this.#points.shift();
    this.#draw();
  }

  #draw() {
    const at = this.#points.map((p) => p[0]);
    for (const { plot, chart, values, box } of this.#plots) {
      plot.setData([at, ...chart.series.map(([, name]) => {
        const i = columns.indexOf(name);
        return this.#points.map((p) => p[i]);
      })]);
      this.#say(plot, chart, values, box);
    }
  }

  // #say writes the values under the cursor, or the last ones.
  #say(plot, chart, values, box) {
    const at = plot.cursor.idx ?? plot.data[0].length - 1;
    const said = chart.series.map(([label], i) => {
      const value = plot.data[i + 1]?.[at];
      const text = `${label} ${value === undefined ? "–" : chart.unit(value)}`;
      if (values[i].textContent !== text) values[i].textContent = text;
      return text;
    });
    box.setAttribute("aria-label", `${chart.title}: ${said.join(", ")}`);
  }
}

const size = (box) => ({ width: Math.max(box.clientWidth, 200), height: 150 });

// style is a color of the page, as a canvas takes it: which of its two, the theme decides.
function style(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

const axis = (more) => ({
  stroke: style("--faint"),
  font: "12px system-ui, sans-serif",
  grid: { stroke: style("--line"), width: 1 },
  ticks: { show: false },
  ...more,
});

