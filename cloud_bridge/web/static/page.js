// The operators' page: read everything once, then follow the event stream and read again what it says has changed.
import { drawAlarms, drawMachines, drawMoney } from "/static/board.js";
import { drawComplaint, drawComplaints, drawOutcome, phoneWords } from "/static/complaints.js";
import { drawBills } from "/static/bills.js";
import { byId, choose, el, lang, moment, say, show, text, translate } from "/static/dom.js";
import { asCsv, csvName, drawFacts, drawSales, drawStory, drawTodo } from "/static/sales.js";

const SHOWN = 50;
const FACTS = 20;
const CALM_MS = 250;
const AGAIN_MS = 3000;
const AGES_MS = 60_000;
const PATH = /^\/sales\/([^/]+)$/.exec(location.pathname);
const COMPLAINT = /^\/complaints\/([^/]+)$/.exec(location.pathname);

const seen = { machines: [], sales: [], cases: [], alarms: [], complaints: null, bills: null, totals: {}, facts: [], story: undefined, at_ms: 0, ok: true, live: null };
let numbered = 0;

async function read(path) {
  const answer = await fetch(`/api/${path}`, { headers: { Accept: "application/json" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function readBooks() {
  if (PATH) {
    seen.story = await read(`sales/${PATH[1]}`);
    return;
  }
  if (COMPLAINT) {
    [seen.complaint, seen.person] = await Promise.all([read(`complaints/${COMPLAINT[1]}`), read("person")]);
    return;
  }
  const [sales, cases, totals, alarms, complaints, bills] = await Promise.all(
    [`sales?limit=${SHOWN}`, "cases", "totals", "alarms", "complaints", "bills"].map(read));
  Object.assign(seen, { sales, cases, totals, alarms, complaints, bills });
}

async function readMachines() {
  if (!PATH && !COMPLAINT) seen.machines = await read("machines");
}

function draw() {
  translate();
  const other = lang() === "zh" ? "en" : "zh";
  text(byId("language"), other === "en" ? "English" : "Chinese 中文").lang = other; // it has a word in any font
  show("loading", seen.at_ms === 0);
  const lost = !seen.ok || seen.live === false;
  show("lost", lost);
  if (lost) byId("lost").replaceChildren(`${say("lost")} `, seen.at_ms ? moment(el("time"), seen.at_ms) : "–");
  text(byId("line"), seen.live && !lost ? `● ${say("live")}` : "");
  if (seen.at_ms === 0) return;
  show("board", !PATH && !COMPLAINT);
  show("complaint", Boolean(COMPLAINT));
  show("story", Boolean(PATH));
  if (PATH) {
    drawStory(seen.story);
    return;
  }
  if (COMPLAINT) {
    drawComplaint(seen.complaint, seen.person, act);
    return;
  }
  const only = byId("only").value;
  drawMachines(seen.machines);
  drawMoney(seen.totals);
  drawTodo(seen.cases, seen.alarms);
  drawSales(seen.sales.filter((sale) => !only || sale.machine === only));
  drawComplaints(seen.complaints);
  drawBills(seen.bills);
  drawAlarms(seen.alarms, [...seen.sales, ...seen.cases]);
  drawFacts(seen.facts);
}

async function act(name, words) {
  const answer = await fetch(`/api/complaints/${COMPLAINT[1]}/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Wxvend-Token": seen.person.token },
    body: JSON.stringify({ words }),
  });
  const told = await answer.json();
  drawOutcome(answer.ok ? told : { why: told.message });
  books();
  return told;
}

// Run `work` soon, once for many calls, and never twice at a time.
function calmly(work) {
  let wanted = false, busy = false;
  return async function run() {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      await new Promise((done) => setTimeout(done, CALM_MS));
      await work();
    }
    busy = false;
  };
}

async function attempt(work) {
  try {
    await work();
    Object.assign(seen, { ok: true, at_ms: Date.now() });
  } catch {
    seen.ok = false;
    setTimeout(all, AGAIN_MS);
  }
  draw();
}

const books = calmly(() => attempt(readBooks));
const all = calmly(() => attempt(async () => { await Promise.all([readBooks(), readMachines()]); }));

function listen() {
  const stream = new EventSource("/api/events");
  stream.addEventListener("hello", () => { seen.live = true; all(); });
  stream.addEventListener("fact", ({ data }) => {
    const fact = JSON.parse(data);
    seen.facts = [{ ...fact, key: numbered++ }, ...seen.facts].slice(0, FACTS);
    if (!(PATH || COMPLAINT) || fact.sale_id === (seen.story ?? seen.complaint)?.sale_id) books();
  });
  stream.addEventListener("machine", ({ data }) => {
    const machine = JSON.parse(data);
    seen.machines = seen.machines.map((old) => (old.machine === machine.machine ? machine : old));
    draw();
  });
  stream.addEventListener("error", () => {
    seen.live = false;
    all();
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

byId("language").addEventListener("click", () => { choose(lang() === "zh" ? "en" : "zh"); draw(); });
byId("show-phone").addEventListener("click", async () => {
  const { said } = await act("phone", "");
  drawOutcome({ why: "", said: phoneWords(said) });
});
byId("only").addEventListener("change", draw);
byId("csv").addEventListener("click", () => {
  const href = URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" }));
  el("a", { href, download: csvName() }).click();
  setTimeout(() => URL.revokeObjectURL(href), AGAIN_MS);
});
byId("sale-list").addEventListener("keydown", (event) => {
  const row = event.target.closest("tr");
  const next = { ArrowDown: row?.nextSibling, ArrowUp: row?.previousSibling }[event.key];
  if (next) {
    event.preventDefault();
    next.querySelector("a").focus();
  }
});

draw();
all();
listen();
setInterval(draw, AGES_MS);
