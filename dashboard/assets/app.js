// The frame around the pages: which page and pool are shown, by the address, and what all
// pages have in common.

import { el, put, Each, count } from "./dom.js";
import { follow } from "./feed.js";
import { Overview, ranks } from "./overview.js";
import { Workers } from "./workers.js";
import { Tasks } from "./tasks.js";
import { Quarantine } from "./quarantine.js";
import { Cluster } from "./cluster.js";

const pages = { overview: Overview, workers: Workers, tasks: Tasks, quarantine: Quarantine, cluster: Cluster };
const main = document.getElementById("main");
const select = document.getElementById("pool");
const live = document.getElementById("live");
const notice = document.getElementById("notice");

const app = {
  frame: null,
  pool: null, // the one that is shown, as the last frame has it
  page: null,

  /** link is the address of a page, of the pool that is shown unless another is named. */
  link(page, more = {}) {
    const chosen = { pool: app.pool?.label ?? "", ...more };
    return `#${page}?${new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ""))}`;
  },

  /** say tells the user of something for a while. */
  say(text) {
    put(notice, text);
    clearTimeout(app.saying);
    app.saying = setTimeout(() => put(notice, ""), 6000);
  },

  /** attempt does something that may fail, and says so if it does. */
  async attempt(something, done) {
    try {
      const answer = await something();
      if (done) app.say(done(answer));
    } catch (error) {
      app.say(`That did not work: ${error.message}`);
    }
  },
};

const links = new Each(document.getElementById("pages"), (page) => page.name,
  () => el("a"), (a, page) => {
    put(a, page.label);
    a.href = page.link;
    if (page.current) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  });

const options = new Each(select, (pool) => pool.label, (pool) => el("option", { value: pool.label }), (option, pool) => {
  put(option, pool.state === "running" ? pool.label : `${pool.label} (${pool.state})`);
});

// exists reports whether there is a page of a name: one of durable queues only where there
// are any, which the first frame says.
const exists = (name) => Object.hasOwn(pages, name) && (name !== "cluster" || !app.frame || Boolean(app.frame.queues));

// offered reports whether a page is worth a link.
const offered = (name) => exists(name) && (name !== "quarantine" || app.pool?.quarantine);

// address is what the address says: the page's name, the pool, and what to find there.
function address() {
  const [name, question] = location.hash.slice(1).split("?");
  return { name: exists(name) ? name : "overview", question: new URLSearchParams(question) };
}

// seek has the page look for what the address says.
function seek() {
  const { question } = address();
  app.page.seek?.(question.get("find") ?? "", question.get("outcome") ?? "");
}

// open makes the page of a name, unless it is there. One that shows what a pool has is made
// anew for another pool: what was chosen of the one is not meant for the other.
function open(name) {
  const of = pages[name].ofPool ? app.pool?.label : undefined;
  if (app.page?.name === name && app.page.of === of) return;
  app.page?.leave?.();
  app.page = Object.assign(new pages[name](app), { name, of });
  main.replaceChildren(app.page.node);
  seek();
}

// choose says which pool is shown: the one of the address, or none if that is not there. An
// address without one gets the pool that is worst off, and keeps it, whatever becomes of it.
function choose(pools, { name, question }) {
  if (!question.has("pool") && pools.length > 0) {
    question.set("pool", pools.reduce((worst, p) => (rank(p) > rank(worst) ? p : worst)).label);
    history.replaceState(null, "", `#${name}?${question}`);
  }
  return pools.find((p) => p.label === question.get("pool")) ?? null;
}

// rank says how badly a pool is off.
const rank = (p) => (p.state === "stopped" ? -1 : ranks[p.level]);

function show() {
  const { frame } = app;
  const at = address();
  const { name } = at;
  const pools = frame?.pools ?? [];
  app.pool = choose(pools, at);
  open(name);
  if (!frame) return;
  options.show(pools);
  select.value = app.pool?.label ?? "";
  select.disabled = pools.length < (app.pool ? 2 : 1);
  links.show(Object.entries(pages).filter(([key]) => offered(key) || name === key).map(([key, page]) => ({
    name: key,
    label: key === "quarantine" && app.pool?.inQuarantine ? `${page.label} (${count(app.pool.inQuarantine)})` : page.label,
    link: app.link(key),
    current: key === name,
  })));
  app.page.show(frame, app.pool);
  const subject = app.page.subject ?? app.pool?.label;
  document.title = subject === undefined ? "Troupe" : `${subject}: ${pages[name].label} · Troupe`;
}

select.addEventListener("change", () => {
  location.hash = app.link(address().name, { pool: select.value });
});

const theme = document.getElementById("theme");
remembered(() => {
  theme.value = localStorage.getItem("troupe-theme") ?? "";
});
theme.addEventListener("change", () => {
  remembered(() => localStorage.setItem("troupe-theme", theme.value));
  paint();
});

// remembered does something with the browser's storage, which it may have forbidden.
function remembered(something) {
  try {
    something();
  } catch {
    // then nothing is remembered
  }
}

function paint() {
  document.documentElement.style.colorScheme = theme.value || "light dark";
  app.page?.paint?.();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
addEventListener("hashchange", () => {
  const { name } = app.page;
  seek();
  show();
  if (app.page.name !== name) main.focus({ preventScroll: true }); // a select keeps it while one goes through the pools
});

let stop = () => {};

// listen follows what happens while somebody looks: a browser has few connections for all
// tabs, and those that are hidden must not keep them.
function listen() {
  stop();
  if (document.hidden) return;
  app.page.again?.();
  stop = follow((frame) => {
    app.frame = frame;
    show();
  }, (connected) => {
    if (connected && live.classList.contains("lost")) app.page.again?.();
    put(live, connected ? "live" : "no connection: trying again");
    live.classList.toggle("lost", !connected);
  });
}

document.addEventListener("visibilitychange", listen);

paint();
show();
listen();
