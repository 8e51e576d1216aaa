// Draws what the running programs say; decides nothing.
"use strict";

const $ = (id) => document.getElementById(id);
const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const IDLE_MS = 8000;
const KEPT = 400;
const QUEUE = 3;
const lanes = new Map();
let state = null;
let keyed = "";
let firstMs = 0;
let lastMs = 0;
let following = true;
let falling = 0;

async function wish(name, body = {}) {
  try {
    const answer = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) say((await answer.json()).error, "stop");
  } catch {
    say("the demo has stopped", "stop");
  }
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function piece(goods) {
  const made = $("piece").content.firstElementChild.cloneNode(true);
  made.style.setProperty("--colour", goods.colour);
  made.querySelector("use").setAttribute("href", `#${goods.shape}`);
  const text = made.querySelector("text");
  text.textContent = goods.name_zh;
  text.style.fontSize = `${Math.min(17, 40 / goods.name_zh.length)}px`;
  return made;
}

// ---------------------------------------------------------------- the cabinet

function newLane(goods) {
  const box = $("lane").content.firstElementChild.cloneNode(true);
  box.title = `${goods.name_zh} ${goods.name_en}`;
  box.dataset.lane = goods.lane;
  box.setAttribute("aria-label", `Lane ${goods.lane}: ${goods.name_en}, ${yuan(goods.price_fen)}`);
  box.querySelector("b").textContent = goods.lane;
  box.querySelector("em").textContent = yuan(goods.price_fen);
  box.addEventListener("click", () => choose(goods.lane));
  $("glass").append(box);
  return { box, stock: -1 };
}

function drawLanes() {
  for (const goods of state.lanes) {
    if (!lanes.has(goods.lane)) lanes.set(goods.lane, newLane(goods));
    const lane = lanes.get(goods.lane);
    if (goods.stock !== lane.stock) {
      lane.stock = goods.stock;
      lane.box.classList.remove("fell");
      const shown = Math.min(goods.stock ?? 0, QUEUE);
      lane.box.querySelector(".queue").replaceChildren(...Array.from({ length: shown }, () => piece(goods)));
      lane.box.dataset.stock = goods.stock ?? "";
    }
    lane.box.classList.toggle("turning", goods.turning);
    lane.box.classList.toggle("shut", Boolean(goods.reason));
    lane.box.querySelector(".out").textContent = goods.reason === "sold_out" ? "售罄 sold out" : goods.reason;
  }
}

function drop({ lane }) {
  const box = lanes.get(lane)?.box;
  const front = box?.querySelector(".queue .piece:last-child svg");
  if (!front) return;
  const from = front.getBoundingClientRect();
  const to = $("tray").getBoundingClientRect();
  const flying = make("div", "falling");
  Object.assign(flying.style, { left: `${from.left}px`, top: `${from.top}px`, width: `${from.width}px`, height: `${from.height}px` });
  const goods = state.lanes.find((each) => each.lane === lane);
  flying.append(piece(goods));
  document.body.append(flying);
  falling += 1;
  box.classList.add("fell");
  const down = to.top + to.height * 0.35 - from.top;
  const across = to.left + to.width / 2 - (from.left + from.width / 2);
  const steps = [
    { transform: "none" },
    { transform: `translate(${across * 0.1}px, ${down * 0.86}px) rotate(24deg)`, offset: 0.7, easing: "ease-out" },
    { transform: `translate(${across}px, ${down}px) rotate(82deg) scale(.6)`, opacity: 1, offset: 0.98 },
    { transform: `translate(${across}px, ${down}px) rotate(82deg) scale(.6)`, opacity: 0 },
  ];
  flying.animate(steps, { duration: 900, easing: "cubic-bezier(.5,0,.9,.5)" }).finished.then(() => {
    flying.remove();
    falling -= 1;
    drawTray();
  });
}

function drawTray() {
  const landed = state.tray.slice(0, Math.max(0, state.tray.length - falling));
  const goods = (each) => state.lanes.find((lane) => lane.lane === each.lane);
  if ($("pieces").children.length !== landed.length) {
    $("pieces").replaceChildren(...landed.map((each) => piece(goods(each))));
  }
  $("tray").classList.toggle("full", landed.length > 0);
}

function choose(lane) {
  keyed = "";
  $("keyed").textContent = lane;
  wish("choose", { lane: Number(lane) });
}

$("keypad").addEventListener("click", (event) => {
  const key = event.target.dataset.key;
  if (!key) return;
  if (key === "cancel") wish("cancel");
  if (key === "enter" && lanes.has(Number(keyed))) return choose(keyed);
  keyed = /[0-9]/.test(key) ? (keyed + key).slice(-2) : "";
  if (lanes.has(Number(keyed))) return choose(keyed);
  $("keyed").textContent = keyed || "\u00a0";
});
$("tray").addEventListener("click", () => wish("take"));
$("refill").addEventListener("click", () => wish("refill"));

// ---------------------------------------------------------------- the phone

function say(words, tone = "") {
  $("status").textContent = words;
  $("status").className = `status ${tone}`;
}

function drawPhone() {
  const phone = state.phone;
  $("finder").classList.toggle("seen", Boolean(phone.read));
  $("read").textContent = phone.read ? `reads ${phone.read}` : "no code in sight";
  $("merchant").textContent = phone.merchant || "\u00a0";
  $("amount").textContent = phone.merchant ? yuan(phone.amount_fen) : "\u00a0";
  $("about").textContent = phone.about || "Choose a product at the machine";
  for (const id of ["pay", "pay-late", "put-away"]) $(id).disabled = !phone.may_pay;
  say(phone.status, phone.tone);
}

for (const id of ["pay", "pay-late", "put-away"]) $(id).addEventListener("click", () => wish(id));

async function drawScreen(version) {
  const picture = new Image();
  picture.src = `/screen.png?v=${version}`;
  try {
    await picture.decode();
  } catch {
    return; // a newer one is on its way
  }
  $("screen").src = picture.src;
  $("seen").src = picture.src;
}

// ---------------------------------------------------------------- the timeline

function drawFaults() {
  if (!$("faults").children.length) {
    $("faults").append(...state.faults.map((fault) => {
      const button = make("button", "", fault.label);
      button.dataset.fault = fault.name;
      button.title = fault.words;
      button.addEventListener("click", () => {
        const now = state.faults.find((each) => each.name === fault.name);
        wish("fault", { name: fault.name, on: !now.on });
      });
      return button;
    }));
  }
  for (const [at, fault] of state.faults.entries()) $("faults").children[at].setAttribute("aria-pressed", String(fault.on));
  const on = state.faults.filter((fault) => fault.on);
  $("warn").className = on.length ? "warn on" : "warn";
  $("warn").textContent = on.length
    ? on.map((fault) => fault.words).join(" ")
    : "Break something before you choose, and see who notices. All below comes from the running programs.";
}

function addFact(fact) {
  const list = $("facts");
  list.querySelector(".empty")?.remove();
  if (!firstMs || fact.t_ms - lastMs > IDLE_MS) {
    firstMs = fact.t_ms;
    if (list.children.length) list.append(make("li", "gap"));
    if (list.lastElementChild) list.lastElementChild.dataset.at = fact.t_ms;
  }
  lastMs = Math.max(lastMs, fact.t_ms);
  const line = make("li", `${fact.who} new`);
  line.dataset.at = fact.t_ms;
  const what = make("div", "");
  if (fact.detail) {
    const details = make("details", "");
    details.append(make("summary", "", fact.what), make("code", "", fact.detail));
    what.append(details);
  } else {
    what.textContent = fact.what;
  }
  line.append(make("time", "", ((fact.t_ms - firstMs) / 1000).toFixed(2)), make("em", "", fact.who), what);
  let after = list.lastElementChild; // programs tell in their own time: a late line goes where it belongs
  while (after && Number(after.dataset.at) > fact.t_ms) after = after.previousElementSibling;
  if (after) after.after(line);
  else list.prepend(line);
  while (list.children.length > KEPT) list.firstElementChild.remove();
  if (following) list.scrollTop = list.scrollHeight;
}

$("facts").addEventListener("scroll", () => {
  const list = $("facts");
  following = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
});
$("facts").addEventListener("toggle", (event) => event.target.scrollIntoView({ block: "nearest" }), true);
new ResizeObserver(() => {
  if (following) $("facts").scrollTop = $("facts").scrollHeight;
}).observe($("facts"));

function draw(next) {
  state = next;
  $("machine").textContent = state.selling ? `${state.machine} · selling` : `${state.machine} · ${state.reason || "starting"}`;
  $("lamp").className = `lamp ${state.selling ? "go" : "stop"}`;
  document.body.classList.toggle("dark", state.reason === "off");
  $("books").className = state.books.tone;
  $("books").querySelector("span").textContent = state.books.words;
  drawLanes();
  drawTray();
  drawPhone();
  drawFaults();
}

const events = new EventSource("/api/events");
events.addEventListener("open", () => $("facts").replaceChildren(make("li", "empty", "Choose a product: press its lane, or key its number.")));
events.addEventListener("state", (event) => draw(JSON.parse(event.data)));
events.addEventListener("fact", (event) => addFact(JSON.parse(event.data)));
events.addEventListener("drop", (event) => drop(JSON.parse(event.data)));
events.addEventListener("screen", (event) => drawScreen(event.data));
events.onerror = () => say("the demo has stopped", "stop");
