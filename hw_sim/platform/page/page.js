// Drives the simulated platform by hand. Everything it knows comes from the wishes under /_sim/; nothing is kept.
"use strict";
const $ = (id) => document.getElementById(id);
const yuan = (fen) => (fen / 100).toFixed(2);
const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
let since = 0, words = {};

async function wish(name, members) {
  const asked = members ? { method: "POST", body: JSON.stringify(members) } : {};
  const answer = await fetch(name, asked);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

async function drive(name, members, done) {
  try {
    const value = await wish(name, members);
    say(done || "✓", true);
    await look();
    return value;
  } catch (error) { say(error.message, false); }
}

function say(text, good) { $("said").textContent = text; $("said").className = good ? "" : "no"; }

function cell(text, name) {
  const td = document.createElement("td");
  td.textContent = text;
  if (name) td.className = name;
  return td;
}

function button(text, act) {
  const made = document.createElement("button");
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

function fill(id, rows, cells) {
  const body = document.querySelector(`#${id} tbody`);
  const at = document.activeElement && body.contains(document.activeElement) ? document.activeElement.dataset.at : "";
  body.replaceChildren(...rows.map((row) => {
    const tr = document.createElement("tr");
    tr.append(...cells(row));
    return tr;
  }));
  if (at) body.querySelector(`[data-at="${CSS.escape(at)}"]`)?.focus();
  const count = $(`n-${id}`);
  if (count) count.textContent = rows.length || "";
}

function does(order) {
  const td = document.createElement("td"), all = document.createElement("div"), account = $("account").value || "somebody";
  all.className = "does";
  const put = (text, act) => {
    const made = button(text, act);
    made.dataset.at = `${order.out_trade_no} ${text}`;
    all.append(made);
  };
  if (order.trade_state === "NOTPAY" || $("race").checked && order.trade_state === "CLOSED") {
    put("扫码 scan", () => drive("scan", { code_url: order.code_url, account }, `${account} 看到 sees ¥${yuan(order.total_fen)}`));
    put("付款 pay", () => drive("pay", { code_url: order.code_url, account, race: $("race").checked }, `已付 paid ¥${yuan(order.total_fen)}`));
    put("离开 go away", () => drive("cancel", { code_url: order.code_url }, "走了 gone"));
  }
  if (order.rest_fen > 0) {
    const part = Math.max(1, Math.floor(order.rest_fen / 2));
    put("后台退款 refund by hand", () => drive("console_refund", { out_trade_no: order.out_trade_no, refund_fen: order.rest_fen }));
    put("退一半 half", () => drive("console_refund", { out_trade_no: order.out_trade_no, refund_fen: part }));
    put("投诉 complain", () => drive("complain", { out_trade_no: order.out_trade_no }));
  }
  td.append(all);
  return td;
}

function showOrders(orders) {
  fill("orders", orders, (row) => [cell(row.out_trade_no, "id"), cell(row.machine), cell(row.description),
    cell(yuan(row.total_fen), "n"), cell(row.trade_state, row.trade_state), does(row)]);
}

function showRest(refunds, books, faults, complaints) {
  fill("refunds", refunds, (row) => [cell(row.out_refund_no, "id"), cell(row.out_trade_no, "id"), cell(yuan(row.refund_fen), "n"),
    cell(row.status, row.status)]);
  fill("notices", books.notices.slice().reverse(), (row) => [cell(row.event_type), cell(row.out_trade_no, "id"),
    cell(row.acknowledged ? "✓ 已收 taken" : "✕ 未收 not yet", row.acknowledged ? "yes" : "no"),
    cell(row.attempts.map((each) => each.verdict).join(", ") || "–")]);
  fill("faults", faults.armed, (row) => [cell(row.name), cell(row.only || "–"),
    cell(row.probability === null ? `${row.times}×` : `${row.probability * 100} %`), cell(`${row.delay_ms} ms`)]);
  fill("complaints", complaints, (row) => [cell(row.complaint_id, "id"), cell(row.out_trade_no, "id"), cell(row.problem), cell(row.state)]);
  fill("bills", Object.entries(books.totals), ([name, fen]) => [cell(name), cell(yuan(fen), "n")]);
}

function showState(state) {
  $("now").textContent = new Date(state.now_ms).toLocaleString("sv-SE");
  $("ahead").textContent = state.ahead_ms ? `${(state.ahead_ms / 3600000).toFixed(2)} h` : "–";
  $("purse").textContent = state.available_fen === null ? "足够 enough" : `¥${yuan(state.available_fen)}`;
  if (document.activeElement !== $("keys") && [...$("keys").options].some((each) => each.value === state.key_mode)) $("keys").value = state.key_mode;
}

function showDiary(events) {
  for (const entry of events) {
    const li = document.createElement("li"), time = document.createElement("time");
    time.textContent = clock(entry.t_ms);
    li.append(time, entry.what);
    $("diary").prepend(li);
    since = entry.n;
  }
  while ($("diary").children.length > 200) $("diary").lastChild.remove();
}

function knowFaults(known) {
  words = known;
  const choose = document.querySelector("#arm select");
  if (choose.options.length) return;
  choose.append(...Object.keys(known).map((name) => new Option(name)));
  $("about").textContent = known[choose.value];
  choose.addEventListener("change", () => { $("about").textContent = words[choose.value]; });
}

async function look() {
  const [state, orders, refunds, books, faults, complaints, events] = await Promise.all(
    ["state", "orders", "refunds", "books", "faults", "complaints", `events?since=${since}`].map((name) => wish(name)));
  showState(state); showOrders(orders); knowFaults(faults.known); showRest(refunds, books, faults, complaints); showDiary(events);
}

for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => {
    for (const each of document.querySelectorAll("[role=tab]")) {
      each.setAttribute("aria-selected", String(each === tab));
      $(each.getAttribute("aria-controls")).hidden = each !== tab;
    }
  });
}
for (const push of document.querySelectorAll("[data-ms]")) {
  push.addEventListener("click", () => drive("clock", { advance_ms: Number(push.dataset.ms) }));
}
$("keys").addEventListener("change", () => drive("keys", { mode: $("keys").value }, `密钥 keys: ${$("keys").value}`));
$("top-up").addEventListener("click", () => drive("top_up", { fen: 10000 }));
$("pay-out").addEventListener("click", () => drive("pay_out", {}));
$("clear").addEventListener("click", () => drive("fault", { clear: true }));
$("arm").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target), share = form.get("share");
  const asked = { name: form.get("name"), only: form.get("only"), times: Number(form.get("times")), delay_ms: Number(form.get("delay_ms")) };
  if (share !== "") asked.probability = Number(share) / 100;
  drive("fault", asked, `${asked.name} ✓`);
});

$("ask-bill").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const bill = await drive("bill", { day: form.get("day"), kind: form.get("kind") });
  if (bill) $("bill").textContent = bill.text;
});

async function watch() {
  try { await look(); } catch { say("平台没有回应。The platform does not answer.", false); }
  setTimeout(watch, 1000);
}
watch();
