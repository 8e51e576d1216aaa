// Sales: the table, what a person has to look at, one sale's timeline, and the facts as they come.
import { age, byId, el, keyed, lang, mark, moment, money, named, product, say, show, sign, text, yuan }
  from "/static/dom.js";
import { about, cause, told } from "/static/told.js";

const TONES = {
  quoted: "info", offered: "wait", closing: "wait", closed: "quiet", paid: "info", unclear: "stop",
  refunding: "wait", vended: "go", refunded: "stop", case: "stop", settled: "quiet",
};
const COLUMNS = ["state", "time", "machine", "product", "price", "paid", "refunded", "why", "sale"];
const NUMBERS = new Set(["price", "paid", "refunded"]);

// A sale that is to vend has no cause of its own: what stands there is a case, or doubt.
function situation({ state, decision, why }) {
  if (state !== "paid") return state;
  if (decision === "refund") return "refunding";
  return why ? "unclear" : "paid";
}

const why = (sale) => cause(sale.why);
const link = (sale_id) => `/sales/${encodeURIComponent(sale_id)}`;

function markSale(node, sale) {
  mark(node, TONES[situation(sale)] ?? "info", named("state", situation(sale)));
}

export function drawSales(sales) {
  show("sales-empty", sales.length === 0);
  show("sale-table", sales.length > 0);
  keyed(byId("sale-list"), sales, { key: (sale) => sale.sale_id, make: makeSale, fill: fillSale });
}

function makeSale() {
  const row = el("tr", { role: "row" });
  for (const name of COLUMNS) {
    row.append(el("td", { role: "cell", class: NUMBERS.has(name) ? `${name} number` : name }));
  }
  row.querySelector(".state").append(sign());
  row.querySelector(".time").append(el("time"));
  row.querySelector(".sale").append(el("a"));
  return row;
}

function fillSale(row, sale) {
  const cell = (name) => row.querySelector(`td.${name}`);
  for (const name of COLUMNS) cell(name).dataset.head = say(name);
  markSale(cell("state").firstChild, sale);
  moment(cell("time").firstChild, sale.opened_wall_ms);
  text(cell("machine"), `${sale.machine} · ${sale.lane}`);
  text(cell("product"), product(sale));
  text(cell("price"), yuan(sale.price_fen));
  text(cell("paid"), money(sale.paid_fen));
  text(cell("refunded"), money(sale.refunded_fen));
  text(cell("why"), why(sale));
  const id = text(cell("sale").firstChild, `…${sale.sale_id.slice(-8)}`);
  Object.assign(id, { href: link(sale.sale_id), title: sale.sale_id });
}

export function drawTodo(cases, alarms) {
  const count = cases.length + alarms.length;
  const words = count === 1 ? say("todo_one") : say("todo_count");
  text(byId("count"), count ? `${count} ${words}` : say("todo_none"));
  byId("count").className = count ? "stop" : "go";
  text(byId("waiting"), count || "");
  document.title = count ? `(${count}) ${say("title")}` : say("title");
  show("todo-empty", count === 0);
  show("todo-alarms", alarms.length > 0);
  text(byId("todo-alarms").firstChild, `${say("alarms")}: ${alarms.length}`);
  keyed(byId("case-list"), cases, {
    key: (each) => `${each.sale_id} ${each.reason}`,
    make: () => el("li", {}, sign(), el("a"), el("span"), el("p"), el("p", { class: "quiet" })),
    fill: fillCase,
  });
}

function fillCase(node, each) {
  const [reason, id, what, next, quiet] = node.children;
  mark(reason, "stop", cause(each.reason));
  text(id, each.sale_id).href = link(each.sale_id);
  const owed = `${say("paid")} ${yuan(each.paid_fen)}`;
  text(what, [place(each), product(each), owed].filter(Boolean).join(" · "));
  text(next, `${say("next")}: ${advice(each)}`);
  const owner = each.owner ? ` · ${say("owner")} ${each.owner}` : "";
  quiet.replaceChildren(`${say("since")} `, moment(el("time"), each.opened_wall_ms),
    ` (${age(each.opened_wall_ms, Date.now())})${owner} · ${about(each.evidence).words}`);
}

const place = (row) => (row.lane ? `${row.machine} · ${say("lane")} ${row.lane}` : row.machine);

function advice(each) {
  const words = named("next", each.reason);
  return words === each.reason.replaceAll("_", " ") ? each.advice : words;
}

// ---------------------------------------------------------------- facts

export function makeFact(fact) {
  return el("li", {}, el("time"), el("span", { class: "who" }), el("span", { class: "what" }),
    ...(fact.link ? [el("a")] : []));
}

export function fillFact(node, fact) {
  const [time, who, what, id] = node.children;
  moment(time, fact.wall_ms);
  if (fact.after_ms !== undefined) text(time, `+${(fact.after_ms / 1000).toFixed(1)} s`);
  who.className = ["edge", "bridge", "wechat", "operator"].includes(fact.who) ? `who ${fact.who}` : "who";
  text(who, named("who", fact.who));
  text(what, told(fact.what));
  if (id) text(id, `…${fact.sale_id.slice(-4)}`).href = link(fact.sale_id);
}

export function drawFacts(facts) {
  show("facts-empty", facts.length === 0);
  const items = facts.map((fact) => ({ ...fact, link: fact.sale_id !== "" }));
  keyed(byId("fact-list"), items, { key: (fact) => fact.key, make: makeFact, fill: fillFact });
}

export function drawStory(story) {
  show("no-sale", story === null);
  show("told", story !== null);
  if (story === null) return;
  const title = byId("story-title");
  if (!title.firstChild) title.append(sign(), el("span"));
  markSale(title.firstChild, story);
  text(title.lastChild, product(story));
  drawPairs(story);
  show("timeline-empty", story.timeline.length === 0);
  const facts = story.timeline.map((fact, at) => (
    { ...fact, key: at, after_ms: fact.wall_ms - story.timeline[0].wall_ms }));
  keyed(byId("timeline"), facts, { key: (fact) => fact.key, make: makeFact, fill: fillFact });
}

function drawPairs(story) {
  const plain = [
    ["sale", story.sale_id], ["machine", story.machine], ["lane", story.lane],
    ["price", yuan(story.price_fen)], ["paid", yuan(story.paid_fen)], ["refunded", yuan(story.refunded_fen)],
    ["why", why(story) || "–"], ["opened", story.opened_wall_ms], ["changed", story.changed_wall_ms],
  ];
  keyed(byId("story-facts"), plain, {
    key: ([name]) => name,
    make: ([name]) => el("div", {}, el("dt"), el("dd", {}, ...(isTime(name) ? [el("time")] : []))),
    fill: (node, [name, value]) => {
      text(node.firstChild, say(name));
      if (isTime(name)) moment(node.lastChild.firstChild, value);
      else text(node.lastChild, value);
    },
  });
}

const isTime = (name) => name === "opened" || name === "changed";

// ---------------------------------------------------------------- a file of exactly what is shown

export function asCsv() {
  const table = byId("sale-table");
  const rows = [...table.rows].map((row) => [...row.cells].map((cell) => csvCell(cellText(cell))).join(","));
  return `\uFEFF${rows.join("\r\n")}\r\n`;
}

const cellText = (cell) => cell.querySelector("[title]")?.title
  ?? (cell.querySelector(".sign") ?? cell).lastChild?.textContent ?? "";

// A cell that a spreadsheet would run is kept a text.
const csvCell = (words) => `"${(/^[=+\-@\t\r]/.test(words) ? `'${words}` : words).replaceAll('"', '""')}"`;

export const csvName = () => `wxvend-${lang()}-${new Date().toISOString().slice(0, 10)}.csv`;
