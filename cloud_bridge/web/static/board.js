// Machines, alarms and money.
import { age, byId, el, keyed, known, mark, moment, named, product, say, show, sign, text, yuan } from "/static/dom.js";
import { about } from "/static/told.js";

const FEW = 2; // so many machines show their lanes without being asked
const LOW = 0.25;
const HEADS = ["lane", "product", "price", "stock", "state"];

export function drawMachines(machines) {
  show("machines-empty", machines.length === 0);
  keyed(byId("machine-list"), machines, {
    key: (machine) => machine.machine,
    make: () => makeMachine(machines.length <= FEW),
    fill: fillMachine,
  });
  keyed(byId("only"), [{ machine: "" }, ...machines], {
    key: (machine) => machine.machine,
    make: (machine) => el("option", { value: machine.machine }),
    fill: (node, { machine }) => text(node, machine || say("all_machines")),
  });
}

function makeMachine(open) {
  const node = el("article", { class: "card" });
  const heads = el("p", { class: "lane quiet", "aria-hidden": "true" }, ...HEADS.map(() => el("span")));
  const lanes = el("details", {}, el("summary"), heads, el("ul"), el("p", { class: "quiet bare" }));
  lanes.open = open;
  const head = el("div", { class: "head" }, el("h3"), sign(), sign());
  node.append(head, el("p", { class: "quiet told" }), lanes);
  return node;
}

function fillMachine(node, machine) {
  const [name, link, sells] = node.querySelector(".head").children;
  const heard = machine.boot > 0 || machine.seen_wall_ms > 0;
  text(name, machine.machine);
  mark(link, machine.online ? "go" : heard ? "stop" : "quiet", say(machine.online ? "online" : "offline"));
  sells.hidden = !heard;
  const reason = machine.reason ? `: ${named("stop", machine.reason)}` : "";
  if (machine.selling) mark(sells, "go", say("selling"));
  else mark(sells, "wait", say("not_selling") + reason);
  fillTold(node.querySelector(".told"), machine, heard);
  fillLanes(node.querySelector("details"), machine.lanes, heard);
}

function fillTold(node, machine, heard) {
  if (!heard) {
    node.replaceChildren(say("never"));
    return;
  }
  const parts = [`${say("session")} ${machine.boot}`];
  if (machine.temperature_c !== null) parts.push(`${say("temperature")} ${machine.temperature_c} °C`);
  if (machine.door_open !== null) parts.push(`${say("door")} ${say(machine.door_open ? "open" : "shut")}`);
  parts.push(`${say("catalogue")} ${machine.catalogue_version}`);
  if (machine.software) parts.push(`${say("software")} ${machine.software}`);
  const seen = el("span", {}, `${say("seen")} `, moment(el("time"), machine.seen_wall_ms));
  node.replaceChildren(seen, ...parts.map((words) => el("span", {}, words)));
}

// A board may have lanes that the machine sells nothing from: no fault, and nothing to count.
const bare = (lane) => !product(lane);

function fillLanes(node, all, heard) {
  node.hidden = !heard;
  const lanes = all.filter((lane) => !bare(lane)), empty = all.filter(bare);
  const [summary, heads, list, rest] = node.children;
  text(summary, all.length ? countLanes(lanes) : say("lanes_empty"));
  rest.hidden = empty.length === 0;
  text(rest, `${named("stop", "no_product")}: ${empty.map((lane) => lane.lane).join(", ")}`);
  heads.hidden = lanes.length === 0;
  HEADS.forEach((head, at) => {
    text(heads.children[at], say(head)).className = head === "price" || head === "stock" ? "number" : "";
  });
  keyed(list, lanes, {
    key: (lane) => lane.lane,
    make: () => el("li", { class: "lane" }, el("b"), el("span"), el("span", { class: "number" }),
      el("span", { class: "number" }), sign()),
    fill: fillLane,
  });
}

function countLanes(lanes) {
  const count = (wanted) => lanes.filter(wanted).length;
  const soldOut = count((lane) => lane.reason === "sold_out");
  const faulty = count((lane) => tone(lane) === "stop");
  const parts = [`${lanes.length} ${say("lanes")}`];
  if (soldOut) parts.push(`▲ ${soldOut} ${named("stop", "sold_out")}`);
  if (faulty) parts.push(`■ ${faulty} ${named("stop", "fault")}`);
  return parts.join(" · ");
}

function fillLane(node, lane) {
  const [number, name, price, stock, state] = node.children;
  text(number, lane.lane);
  text(name, product(lane));
  text(price, yuan(lane.price_fen));
  const of = lane.capacity === null ? "" : `/${lane.capacity}`;
  text(stock, lane.stock === null ? "?" : `${lane.stock}${of}`);
  stock.title = lane.stock === null ? say("stock_unknown") : say("stock");
  mark(state, tone(lane), lane.reason ? named("stop", lane.reason) : say("sells"));
}

const WAITS = new Set(["sold_out", "unknown"]); // nobody has to repair anything

function tone(lane) {
  if (lane.reason) return WAITS.has(lane.reason) ? "wait" : "stop";
  return lane.stock !== null && lane.capacity && lane.stock / lane.capacity < LOW ? "wait" : "go";
}

// `sales` are rows that may tell the lane of an alarm that names its sale and no lane.
export function drawAlarms(alarms, sales = []) {
  show("alarms-empty", alarms.length === 0);
  keyed(byId("alarm-list"), alarms, {
    key: (alarm) => JSON.stringify([alarm.machine, alarm.name, alarm.lane]),
    make: () => el("li", {}, sign(), el("span", { class: "quiet" }), el("span", {}, el("a"), el("span")), el("p")),
    fill: (node, alarm) => fillAlarm(node, alarm, sales),
  });
}

// A name that goes on with a cause, a merchant or a chat has the words of its beginning.
function family(name) {
  const parts = name.split("_");
  while (parts.length) {
    const start = parts.join("_");
    if (["stop", "why", "next"].some((group) => known(group, start))) return start;
    parts.pop();
  }
  return name;
}

function fillAlarm(node, alarm, sales) {
  const [head, place, told, next] = node.children;
  const { sale_id, words } = about(alarm.text);
  const lane = alarm.lane || sales.find((sale) => sale.sale_id === sale_id)?.lane || 0;
  const name = family(alarm.name);
  mark(head, "stop", [alarm.code, known("stop", name) ?? named("why", name)].filter(Boolean).join(" "));
  const where = lane ? `${say("lane")} ${lane}` : !alarm.machine || sale_id ? "" : say("whole_machine");
  const parts = [alarm.machine || say("who.bridge"), where, `${say("since")} `].filter(Boolean).join(" · ");
  const since = moment(el("time"), alarm.since_wall_ms);
  place.replaceChildren(parts, since, ` (${age(alarm.since_wall_ms, Date.now())})`);
  told.firstChild.hidden = !sale_id;
  text(told.firstChild, sale_id ? `…${sale_id.slice(-8)}` : "").href = `/sales/${sale_id}`;
  text(told.lastChild, `${sale_id ? " " : ""}${words}`);
  const explained = alarm.code && `wxvend tech explain ${alarm.code}`;
  const todo = [known("next", name), explained].filter(Boolean).join(" · ");
  text(next, `${say("next")}: ${todo || say("look_in_log")}`);
}

export function drawMoney(totals) {
  const figures = [
    ["sales_count", totals.sales ?? 0],
    ...["paid_fen", "vended_fen", "refunded_fen"]
      .filter((name) => name in totals).map((name) => [name, yuan(totals[name])]),
  ];
  keyed(byId("money"), figures, {
    key: ([name]) => name,
    make: () => el("div", {}, el("dt"), el("dd")),
    fill: (node, [name, figure]) => {
      text(node.firstChild, say(name));
      text(node.lastChild, figure);
    },
  });
}
