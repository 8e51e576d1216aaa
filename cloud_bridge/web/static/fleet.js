// The fleet: rows that are patched as machines change, a search, a filter and an order that the address keeps.
import { byId, calmly, el, localise, text } from "/static/site.js";

const ORDER = { stop: 0, wait: 1, quiet: 2, go: 3 };
const table = byId("fleet"), tools = byId("tools"), body = table?.tBodies[0];
const rows = new Map([...(body?.rows ?? [])].map((node) => [node.dataset.key, node]));
const number = (node) => Number(node?.textContent.replace(/[^\d.-]/g, "") || 0);

const tone = (row) => row.cells[0].className.replace("sign ", "");
const alarms = (row) => number(row.cells[row.cells.length - 1]);
const meter = (row) => row.cells[3].querySelector("meter");
const share = (row) => (meter(row) ? meter(row).value / meter(row).max : 2);
const { compare } = new Intl.Collator(undefined, { numeric: true });
const name = (one, other) => compare(one.dataset.key, other.dataset.key);

const SHOWS = {
  selling: (row) => tone(row) === "go",
  stopped: (row) => tone(row) === "wait",
  offline: (row) => tone(row) === "stop" || tone(row) === "quiet",
  alarms: (row) => alarms(row) > 0,
  low: (row) => Boolean(meter(row)?.classList.contains("low")),
};
const SORTS = {
  state: (one, other) => ORDER[tone(one)] - ORDER[tone(other)] || name(one, other),
  stock: (one, other) => share(one) - share(other) || name(one, other),
  takings: (one, other) => number(other.cells[4]) - number(one.cells[4]) || name(one, other),
  alarms: (one, other) => alarms(other) - alarms(one) || name(one, other),
};

function fits(row, { q, show }) {
  return (!q || row.dataset.key.toLowerCase().includes(q)) && (!SHOWS[show] || SHOWS[show](row));
}

function wished() {
  const { q, show, sort, view } = Object.fromEntries(new FormData(tools));
  return { q: q.trim().toLowerCase(), show, sort, view };
}

function filter() {
  const wish = wished();
  let shown = 0;
  for (const row of rows.values()) {
    const hidden = !fits(row, wish);
    if (row.hidden !== hidden) row.hidden = hidden;
    shown += hidden ? 0 : 1;
  }
  byId("none-fits").hidden = shown > 0;
}

function sort() {
  const ordered = [...rows.values()].sort(SORTS[wished().sort] ?? name);
  if (ordered.some((row, at) => body.rows[at] !== row)) body.append(...ordered);
}

function keep() {
  const query = new URLSearchParams([...new FormData(tools)].filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

function count() {
  const tones = { go: 0, wait: 0, stop: 0, quiet: 0 };
  for (const row of rows.values()) tones[tone(row)] += 1;
  text(byId("count-go"), tones.go);
  text(byId("count-wait"), tones.wait);
  text(byId("count-stop"), tones.stop + tones.quiet);
}

// One machine's row: cells change only where something else stands there now.
function patch([machine, tone, state, since_ms, temperature, stock, room, low]) {
  const row = rows.get(machine);
  if (!row) return false;
  const [first, , degrees, pieces] = row.cells;
  const turned = first.className !== `sign ${tone}`;
  if (turned) first.className = `sign ${tone}`;
  text(first.firstChild, state);
  if (!since_ms) first.querySelector("time")?.remove();
  else if (!first.querySelector("time")) {
    first.append(" ", el("time", { datetime: new Date(since_ms).toISOString() }));
    localise(first);
  }
  text(degrees, temperature);
  if (room) fill(pieces, stock, room, low);
  return turned;
}

function fill(cell, stock, room, low) {
  const bar = cell.querySelector("meter") ?? cell.appendChild(el("meter"));
  if (bar.max !== room) bar.max = room;
  if (bar.value !== stock) bar.value = stock;
  bar.classList.toggle("low", low > 0);
  const words = `${stock}/${room}`;
  if (bar.nextSibling) {
    if (bar.nextSibling.data !== words) bar.nextSibling.data = words;
  } else cell.append(words);
}

const settle = calmly(() => { filter(); sort(); count(); }, 1000);

if (table) {
  for (const [key, value] of new URLSearchParams(location.search)) {
    if (tools.elements[key]) tools.elements[key].value = value;
  }
  const redraw = () => {
    table.classList.toggle("grid", wished().view === "grid");
    filter();
    sort();
  };
  redraw();
  tools.addEventListener("input", () => { redraw(); keep(); });
  tools.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("rows", ({ detail }) => {
    let turned = false;
    for (const row of detail) turned = patch(row) || turned;
    if (turned || wished().sort || wished().show) settle();
  });
  document.addEventListener("drawn", () => {
    for (const row of body.rows) rows.set(row.dataset.key, row);
    redraw();
  });
}
