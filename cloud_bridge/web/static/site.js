// What every page does: times in the reader's zone, one line to the bridge, and the page drawn anew by the
// server when that line says that something changed. All words and rows come from the server.

const CALM_MS = 100;
const AGAIN_MS = 3000;
// What a page asks by itself keeps nobody's session alive.
const WATCHING = ["X-Wxvend-Watching", "1"];
const AGES_MS = 60_000;
// What changed before the line stood is drawn by a second look, once the first use of the page is over.
const YOUNG_MS = 2000;
const young = () => performance.now() < YOUNG_MS;

export const byId = (id) => document.getElementById(id);
const content = byId("content");

export function text(node, words) {
  const next = String(words);
  if (node.textContent !== next) node.textContent = next;
  return node;
}

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Send what a person wishes; the answer, or what is wrong with it as `{code, message}`.
export async function post(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Wxvend-Token": document.querySelector("meta[name=token]").content,
    },
    body: JSON.stringify(body),
  });
  return { ok: answer.ok, status: answer.status, told: await answer.json() };
}

// ---------------------------------------------------------------- times

const two = (number) => String(number).padStart(2, "0");
const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

function offset(at) {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function localise(root) {
  for (const node of root.querySelectorAll("time[datetime]")) {
    const at = new Date(node.dateTime);
    node.title = `${day(at)} ${clock(at)} ${offset(at)}`;
    if (node.dataset.after) continue;
    text(node, day(at) === day(new Date()) ? clock(at) : `${day(at)} ${clock(at)}`);
  }
}

// ---------------------------------------------------------------- the same page, drawn anew

const keyOf = (node) => node.dataset?.key ?? node.id ?? "";

// Make `old` like `fresh`, node by node: focus, open details and what a person is typing survive.
export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  const keyed = new Map([...old.children].filter(keyOf).map((node) => [keyOf(node), node]));
  const suits = (mine, next) => mine && !keyOf(mine) && mine.nodeName === next.nodeName;
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const mine = keyOf(next) ? keyed.get(keyOf(next)) : suits(at, next) ? at : null;
    if (!mine || mine.nodeName !== next.nodeName) {
      old.insertBefore(document.importNode(next, true), at);
      continue;
    }
    if (mine === at) at = at.nextSibling;
    else old.insertBefore(mine, at);
    morph(mine, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// A document that is parsed and never run: no text of it can become a script.
function fetched(path) {
  return new Promise((done, failed) => {
    const asked = new XMLHttpRequest();
    asked.responseType = "document";
    asked.onload = () => {
      if (new URL(asked.responseURL).pathname === "/login") location.reload();  // the session has ended
      const whole = asked.responseXML?.getElementById("content");
      if (whole) done(asked.responseXML);
      else failed(new Error(`${path}: ${asked.status}`));
    };
    asked.onerror = () => failed(new Error(path));
    asked.open("GET", path);
    asked.setRequestHeader(...WATCHING);
    asked.send();
  });
}

async function draw() {
  const page = await fetched(location.href);
  localise(page);
  morph(content, page.getElementById("content"));
  document.dispatchEvent(new Event("drawn"));
}

// Run `work` soon, once for many calls, and never twice at a time.
export function calmly(work, wait_ms = CALM_MS) {
  let wanted = false, busy = false;
  return async function run() {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      await new Promise((done) => setTimeout(done, wait_ms));
      await work();
    }
    busy = false;
  };
}

let at_ms = Date.now(), live = false, ok = true;

function standing() {
  const line = byId("line"), lost = byId("lost");
  text(line, live && ok ? `● ${line.dataset.live}` : "");
  lost.hidden = ok && live;
  const seen = el("time", { datetime: new Date(at_ms).toISOString() });
  if (!lost.hidden && lost.lastChild?.nodeName !== "TIME") lost.append(" ", seen);
  if (lost.hidden) lost.querySelector("time")?.remove();
  localise(lost);
}

async function attempt(work) {
  try {
    await work();
    [ok, at_ms] = [true, Date.now()];
  } catch {
    ok = false;
    setTimeout(refresh, AGAIN_MS);
  }
  standing();
}

// A page that is patched row by row is drawn anew less often.
export const refresh = calmly(() => attempt(draw), Number(content.dataset.calm ?? CALM_MS));

// ---------------------------------------------------------------- the line to the bridge

const wait = calmly(() => attempt(async () => {
  const answer = await fetch("/api/waiting", { headers: [WATCHING] });
  if (!answer.ok) throw new Error(`waiting: ${answer.status}`);
  const { count } = await answer.json();
  text(byId("waiting"), count || "");
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = count ? `(${count}) ${title}` : title;
}), 500);

// `data-on` of the content names what it is drawn from: facts, machines, or one sale or machine of them. Rows are
// patched one by one; the whole is drawn anew now and then, and when the line was away.
function listen() {
  const { on = "", sale = "", machine = "", language = "zh" } = content.dataset;
  const of = on.includes("rows") ? "rows" : on.includes("machine") ? "" : "facts";
  const query = new URLSearchParams({ of, machine, language });
  const stream = new EventSource(`/api/events?${query}`);
  stream.addEventListener("hello", () => {
    live = true;
    standing();
    wait();
    if (on) setTimeout(refresh, young() ? YOUNG_MS : 0);
  });
  stream.addEventListener("fact", ({ data }) => {
    const fact = JSON.parse(data);
    wait();
    if (on.includes("fact") && (!sale || fact.sale_id === sale)) refresh();
  });
  stream.addEventListener("machine", () => { if (on.includes("machine")) refresh(); });
  stream.addEventListener("rows", ({ data }) => {
    document.dispatchEvent(new CustomEvent("rows", { detail: JSON.parse(data) }));
  });
  stream.addEventListener("error", () => {
    live = false;
    standing();
    if (stream.readyState === EventSource.CLOSED) again();
  });
}

// Whoever is nobody any more is sent to the login by the page itself.
async function again() {
  const answer = await fetch("/api/person").catch(() => null);
  if (answer?.ok && !(await answer.json()).name) location.reload();
  else setTimeout(listen, AGAIN_MS);
}

// ---------------------------------------------------------------- tables

// A cell that a spreadsheet would run is kept a text.
const csvCell = (words) => `"${(/^[=+\-@\t\r]/.test(words) ? `'${words}` : words).replaceAll('"', '""')}"`;
const cellText = (cell) => cell.dataset.csv ?? cell.querySelector("[title]:only-child")?.title
  ?? cell.textContent.trim().replace(/\s+/g, " ");

export function asCsv(table) {
  const rows = [...table.rows].filter((row) => !row.hidden);
  const lines = rows.map((row) => [...row.cells].map((cell) => csvCell(cellText(cell))).join(","));
  return `\uFEFF${lines.join("\r\n")}\r\n`;
}

export function save(name, words) {
  const href = URL.createObjectURL(new Blob([words], { type: "text/csv" }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), AGAIN_MS);
}

document.addEventListener("click", ({ target }) => {
  const id = target.closest?.("[data-csv]")?.dataset.csv;
  const table = id && byId(id);
  if (table?.rows) save(`wxvend-${id}-${day(new Date())}.csv`, asCsv(table));
});

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("tbody tr");
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!row || !step || event.target.matches("input, select, textarea")) return;
  let next = row[step];
  while (next?.hidden) next = next[step];
  if (!next) return;
  event.preventDefault();
  next.querySelector("a, button")?.focus();
});

localise(document);
if (document.querySelector("nav")) listen();  // the login has nobody to tell anything
setInterval(() => { if (content.dataset.on) refresh(); }, AGES_MS);
