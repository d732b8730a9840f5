// The frame around the pages: which page and pool are shown, by the address, and what all
// pages have in common.

import { el, put, Each, count } from "./dom.js";
import { follow } from "./feed.js";
import { Overview } from "./overview.js";
import { Workers } from "./workers.js";
import { Tasks } from "./tasks.js";
import { Quarantine } from "./quarantine.js";

const pages = { overview: Overview, workers: Workers, tasks: Tasks, quarantine: Quarantine };
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

// address is what the address says: the page's name, the pool, and what to find there.
function address() {
  const [name, question] = location.hash.slice(1).split("?");
  return { name: Object.hasOwn(pages, name) ? name : "overview", question: new URLSearchParams(question) };
}

function turn() {
  const { name, question } = address();
  if (app.page?.name !== name) {
    app.page?.leave?.();
    app.page = new pages[name](app);
    app.page.name = name;
    main.replaceChildren(app.page.node);
  }
  app.page.seek?.(question.get("find") ?? "", question.get("outcome") ?? "");
  show();
}

function show() {
  const frame = app.frame;
  if (!frame || document.hidden) return;
  const { name, question } = address();
  const pools = frame.pools;
  app.pool = pools.find((p) => p.label === question.get("pool")) ?? pools.find((p) => p.state !== "stopped") ?? pools[0] ?? null;
  options.show(pools);
  if (app.pool) select.value = app.pool.label;
  select.disabled = pools.length < 2;
  links.show(Object.entries(pages).filter(([key]) => key !== "quarantine" || app.pool?.quarantine || name === key).map(([key, page]) => ({
    name: key,
    label: key === "quarantine" && app.pool?.inQuarantine ? `${page.label} (${count(app.pool.inQuarantine)})` : page.label,
    link: app.link(key),
    current: key === name,
  })));
  document.title = app.pool ? `${app.pool.label}: ${pages[name].label} · Troupe` : "Troupe";
  app.page.show(frame, app.pool);
}

select.addEventListener("change", () => {
  location.hash = app.link(address().name, { pool: select.value });
});

const theme = document.getElementById("theme");
theme.value = localStorage.getItem("troupe-theme") ?? "";
theme.addEventListener("change", () => {
  localStorage.setItem("troupe-theme", theme.value);
  paint();
});

function paint() {
  document.documentElement.style.colorScheme = theme.value || "light dark";
  app.page?.paint?.();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
addEventListener("hashchange", () => {
  turn();
  main.focus({ preventScroll: true });
});
document.addEventListener("visibilitychange", () => {
  app.page?.again?.();
  show();
});

paint();
turn();
follow((frame) => {
  app.frame = frame;
  show();
}, (connected) => {
  if (connected && live.classList.contains("lost")) app.page.again?.();
  put(live, connected ? "live" : "no connection: trying again");
  live.classList.toggle("lost", !connected);
});
