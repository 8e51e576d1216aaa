// Matched days: whether each is closed, what both sides say, and where its page and table are.
import { byId, el, keyed, lang, mark, moment, say, show, sign, text, yuan } from "/static/dom.js";

const SHOWN = 7;

export function drawBills(days) {
  show("bills", days !== null);
  if (days === null) return;
  show("bills-empty", days.length === 0);
  keyed(byId("bill-list"), days.slice(0, SHOWN), {
    key: (each) => `${each.merchant} ${each.day}`,
    make: () => el("li", {}, sign(), el("a"), el("span"), el("a"), el("p", { class: "quiet" })),
    fill: fillDay,
  });
}

function fillDay(node, each) {
  const [state, day, sides, table, more] = node.children;
  const query = each.merchant ? `merchant=${encodeURIComponent(each.merchant)}` : "";
  if (each.closed) mark(state, "go", say("bill_closed"));
  else if (each.fault) mark(state, "stop", say("bill_failed"));
  else mark(state, "stop", `${say("bill_open")} · ${each.open} ${say("bill_unexplained")}`);
  text(day, [each.merchant, each.day].filter(Boolean).join(" ")).href = `/bills/${each.day}?language=${lang()}&${query}`;
  text(sides, [
    `${say("bill_payments")} ${pair(each.bill_paid_fen, each.books_paid_fen)}`,
    `${say("bill_refunds")} ${pair(each.bill_refunds_fen, each.books_refunds_fen)}`,
  ].join(" · "));
  text(table, "CSV").href = `/bills/${each.day}/table?${query}`;
  node.className = each.closed ? "calm" : "";
  const at = each.matched_wall_ms ? [`${say("bill_matched_at")} `, moment(el("time"), each.matched_wall_ms)] : [];
  more.replaceChildren(...(each.fault ? [`${each.fault} `] : []), ...at);
}

const pair = (bill, books) => (bill === books ? yuan(bill) : `${yuan(bill)} / ${yuan(books)}`);
