// Draws what the running programs say; decides nothing.
"use strict";

const $ = (id) => document.getElementById(id);
const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const lanes = new Map();
let state = null;
let keyed = "";
let firstMs = 0;
let lastMs = 0;

async function post(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) say((await answer.json()).error || answer.statusText, "stop");
}

function say(words, tone = "") {
  $("phone-status").textContent = words;
  $("phone-status").className = `status ${tone}`;
}

// ---------------------------------------------------------------- the cabinet

function drawLanes() {
  for (const lane of state.lanes) {
    let box = lanes.get(lane.lane);
    if (!box) {
      box = $("lane").content.firstElementChild.cloneNode(true);
      box.style.setProperty("--colour", lane.colour);
      box.title = `${lane.name_zh} ${lane.name_en}`;
      box.dataset.lane = lane.lane;
      box.querySelector("b").textContent = lane.lane;
      box.querySelector(".tag").textContent = yuan(lane.price_fen);
      box.addEventListener("click", () => choose(String(lane.lane)));
      lanes.set(lane.lane, box);
      $("glass").append(box);
    }
    box.querySelector(".stock").textContent = `× ${lane.stock}`;
    box.classList.toggle("fault", Boolean(lane.fault));
    for (const left of [0, 1, 2]) box.classList.toggle(`left-${left}`, lane.stock === left);
    box.classList.toggle("turning", lane.turning);
  }
}

function drop(fallen) {
  const box = lanes.get(fallen.lane);
  if (!box) return;
  box.classList.add("fell");
  setTimeout(() => box.classList.remove("fell"), 600);
}

function drawTray() {
  $("fallen").replaceChildren(...state.tray.map((piece) => {
    const item = document.createElement("i");
    item.style.setProperty("--colour", piece.colour);
    item.title = piece.name_en;
    return item;
  }));
  $("tray").classList.toggle("full", state.tray.length > 0);
}

function choose(lane) {
  keyed = "";
  $("keyed").textContent = lane;
  post("/api/press", { lane: Number(lane) });
}

$("keypad").addEventListener("click", (event) => {
  const key = event.target.dataset.key || event.target.textContent;
  if (event.target.tagName !== "BUTTON") return;
  if (key === "cancel") {
    keyed = "";
    post("/api/cancel");
  } else if (key === "enter") {
    if (keyed) choose(keyed);
    return;
  } else {
    keyed = (keyed + key).slice(-2);
    if (keyed.length === 2) return choose(keyed);
  }
  $("keyed").textContent = keyed || "\u00a0";
});
$("tray").addEventListener("click", () => post("/api/take"));

// ---------------------------------------------------------------- the phone

function drawPhone() {
  const phone = state.phone;
  document.querySelector(".finder").classList.toggle("seen", Boolean(phone.read));
  $("read").textContent = phone.read ? `Camera read: ${phone.read}` : "Camera: no code in sight";
  $("merchant").textContent = phone.merchant || "\u00a0";
  $("amount").textContent = yuan(phone.amount_fen);
  $("about").textContent = phone.about || "Choose a product at the machine";
  for (const id of ["pay-now", "pay-late", "pay-cancel"]) $(id).disabled = !phone.may_pay;
  say(phone.status, phone.tone);
}

$("pay-now").addEventListener("click", () => post("/api/pay", { late: false }));
$("pay-late").addEventListener("click", () => post("/api/pay", { late: true }));
$("pay-cancel").addEventListener("click", () => post("/api/phone-cancel"));

// ---------------------------------------------------------------- the timeline

function drawFaults() {
  $("faults").replaceChildren(...state.faults.map((fault) => {
    const button = document.createElement("button");
    button.textContent = fault.label;
    button.title = fault.words;
    button.setAttribute("aria-pressed", String(fault.on));
    button.addEventListener("click", () => post("/api/fault", { name: fault.name, on: !fault.on }));
    button.addEventListener("mouseenter", () => { $("warn").textContent = fault.words; });
    return button;
  }));
  const on = state.faults.filter((fault) => fault.on);
  if (on.length) $("warn").textContent = on.map((fault) => fault.words).join(" ");
}

function addFact(fact) {
  const list = $("facts");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  if (!firstMs || fact.t_ms - lastMs > 8000) {
    firstMs = fact.t_ms;
    if (list.children.length) list.append(Object.assign(document.createElement("li"), { className: "gap" }));
  }
  lastMs = fact.t_ms;
  const line = document.createElement("li");
  line.className = fact.who;
  const time = document.createElement("time");
  time.textContent = `${((fact.t_ms - firstMs) / 1000).toFixed(2)} s`;
  const who = document.createElement("em");
  who.textContent = fact.who;
  const what = document.createElement("span");
  if (fact.detail) {
    const details = document.createElement("details");
    details.append(Object.assign(document.createElement("summary"), { textContent: fact.what }));
    details.append(Object.assign(document.createElement("code"), { textContent: fact.detail }));
    what.append(details);
  } else {
    what.textContent = fact.what;
  }
  line.append(time, who, what);
  list.append(line);
  while (list.children.length > 400) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function drawBooks() {
  $("books").textContent = state.books.words;
  $("books").className = state.books.tone;
}

function draw(next) {
  state = next;
  $("machine").textContent = state.machine;
  drawLanes();
  drawTray();
  drawPhone();
  drawFaults();
  drawBooks();
}

const events = new EventSource("/api/events");
events.addEventListener("state", (event) => draw(JSON.parse(event.data)));
events.addEventListener("fact", (event) => addFact(JSON.parse(event.data)));
events.addEventListener("drop", (event) => drop(JSON.parse(event.data)));
events.addEventListener("screen", (event) => {
  const source = `/screen.png?v=${event.data}`;
  $("screen").src = source;
  $("finder").src = source;
});
events.onerror = () => say("the demo has stopped", "stop");
