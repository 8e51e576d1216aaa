// Complaints: the list, and one with its evidence and the one right thing to do.
import { age, byId, el, keyed, mark, moment, named, product, say, show, sign, text, yuan } from "/static/dom.js";
import { fillFact, makeFact } from "/static/sales.js";

const TONES = { hinted: "quiet", pending: "stop", processing: "wait", processed: "quiet" };
const link = (id) => `/complaints/${encodeURIComponent(id)}`;
const place = (row) => (row.machine ? `${row.machine} · ${say("lane")} ${row.lane}` : "");

export function drawComplaints(found) {
  show("complaints", found !== null); // a bridge may have nobody who looks after them
  if (found === null) return;
  show("complaints-empty", found.length === 0);
  keyed(byId("complaint-list"), found, {
    key: (each) => each.complaint_id,
    make: () => el("li", {}, sign(), el("a"), el("span"), el("p"), el("p", { class: "quiet" })),
    fill: fillComplaint,
  });
}

function fillComplaint(node, each) {
  const [state, id, what, next, quiet] = node.children;
  markState(state, each);
  text(id, `…${each.complaint_id.slice(-8)}`).href = link(each.complaint_id);
  text(what, [place(each), product(each), yuan(each.amount_fen), verdict(each)].filter(Boolean).join(" · "));
  text(next, `${say("next")}: ${named("todo", each.next)}`);
  quiet.replaceChildren(...waiting(each));
  node.className = each.waits_since_wall_ms ? "" : "calm";
}

function markState(node, each) {
  mark(node, each.overdue ? "stop" : TONES[each.standing] ?? "info", named("standing", each.standing));
}

const problem = (each) => [named("problem", each.problem), each.pictures ? `${say("pictures")}: ${each.pictures}` : ""]
  .filter(Boolean).join(" · ");
const verdict = (each) => (each.verdict ? named("verdict", each.verdict) : "");

function waiting(each) {
  const since = each.waits_since_wall_ms || each.made_wall_ms;
  const words = each.waits_since_wall_ms ? `${say("waits")} · ${say("since")}` : say("complained");
  const late = each.overdue ? ` · ${say("overdue")}` : "";
  return [`${words} `, moment(el("time"), since), ` (${age(since, Date.now())})${late}`];
}

// ---------------------------------------------------------------- one of them

export function drawComplaint(each, person, act) {
  show("no-complaint", each === null);
  show("complaint-told", each !== null);
  if (each === null) return;
  const title = byId("complaint-title");
  if (!title.firstChild) title.append(sign(), el("span"));
  markState(title.firstChild, each);
  text(title.lastChild, product(each) || say("complaint"));
  text(byId("complaint-words"), each.words || "–");
  text(byId("complaint-problem"), problem(each));
  drawPairs(each);
  drawActs(each);
  drawNext(each, person, act);
  const start = each.timeline[0]?.wall_ms;
  const facts = each.timeline.map((fact, at) => ({ ...fact, key: at, after_ms: fact.wall_ms - start }));
  show("evidence-empty", facts.length === 0);
  keyed(byId("evidence"), facts, { key: (fact) => fact.key, make: makeFact, fill: fillFact });
}

function drawPairs(each) {
  const plain = [
    ["complaint", each.complaint_id], ["sale", each.sale_id || "–"], ["machine", each.machine || "–"], ["lane", each.lane || "–"],
    ["paid", yuan(each.amount_fen)], ["refunded", yuan(each.refunded_fen)], ["books_say", verdict(each) || "–"],
    ["complained", each.made_wall_ms], ["times", each.times],
  ];
  keyed(byId("complaint-facts"), plain, {
    key: ([name]) => name,
    make: ([name]) => el("div", {}, el("dt"), el("dd", {}, ...(name === "complained" ? [el("time")] : name === "sale" ? [el("a")] : []))),
    fill: (node, [name, value]) => {
      text(node.firstChild, say(name));
      if (name === "complained") moment(node.lastChild.firstChild, value);
      else if (name === "sale" && value !== "–") text(node.lastChild.firstChild, `…${value.slice(-8)}`).href = `/sales/${encodeURIComponent(value)}`;
      else text(node.lastChild, value);
    },
  });
}

function drawActs(each) {
  show("acts-empty", each.acts.length === 0);
  const items = each.acts.map((act, at) => ({ ...act, key: at }));
  keyed(byId("act-list"), items, {
    key: (act) => act.key,
    make: () => el("li", {}, el("time"), el("span", { class: "who" }), el("span", { class: "what" })),
    fill: (node, act) => {
      const [time, who, what] = node.children;
      moment(time, act.wall_ms);
      text(who, act.by === "bridge" ? say("who.bridge") : act.by);
      const failed = act.outcome && act.outcome !== "done" ? ` · ${say("not_done")}: ${act.outcome}` : "";
      const open = act.outcome ? "" : ` · ${say("on_its_way")}`;
      text(what, `${named("act", act.kind)}${act.words ? `: ${act.words}` : ""}${failed}${open}`);
    },
  });
}

// One button, the right one. Without somebody who decides cases there is none, but the command for it.
const DOES = {
  send_prepared: { act: "answer", button: "send_prepared", sure: "sure_answer", command: "--prepared" },
  answer: { act: "answer", button: "send_answer", sure: "sure_answer", command: "--text '…'" },
  complete: { act: "complete", button: "settle", sure: "sure_settle", command: "--complete" },
};

function drawNext(each, person, act) {
  const does = DOES[each.next], able = Boolean(person?.actions?.includes("decide_case"));
  text(byId("complaint-next"), named("todo", each.next));
  show("prepared", each.next === "send_prepared");
  text(byId("prepared"), each.prepared);
  show("answer-box", able && each.next === "answer");
  show("do-it", able && Boolean(does));
  show("to-sale", each.next === "resolve");
  byId("to-sale").href = `/sales/${encodeURIComponent(each.sale_id)}`;
  show("by-command", !able && Boolean(does));
  text(byId("command"), does ? `wxvend bridge answer ${each.complaint_id} ${does.command} --by …` : "");
  show("show-phone", able);
  if (!does) return;
  text(byId("do-it"), say(does.button));
  byId("do-it").onclick = () => {
    const words = each.next === "answer" ? byId("answer-words").value.trim() : "";
    if (each.next === "answer" && !words) return byId("answer-words").focus();
    return confirm(`${words || each.prepared}\n\n${say(does.sure)}`) && act(does.act, words);
  };
}

export function drawOutcome({ why, said }) {
  const node = byId("outcome");
  node.hidden = false;
  node.className = why ? "stop" : "go";
  text(node, why ? `${say("not_done")}: ${why}` : said || say("asked"));
}

export const phoneWords = (said) => said || say("phone_none");
