// What a person does: each button says what follows in fen and pieces, asks once, and tells what became of it.
import { byId, post, refresh, text } from "/static/site.js";

const SALE = new Set(["refund", "vended", "close"]);
const fills = () => [...document.querySelectorAll("#refill input[data-lane]")]
  .map((node) => ({ lane: Number(node.dataset.lane), count: Number(node.value) }))
  .filter(({ count }) => count > 0);

function say(words, tone) {
  const node = byId("doing-outcome");
  node.className = tone;
  text(node, words);
}

// Where it goes, and with what.
function asked(button, why) {
  const { do: what, lane } = button.dataset;
  if (what === "free") return ["free", { lane: Number(byId("free-lane").value), why }];
  if (what === "refill") return ["refill", { fills: fills(), why }];
  if (SALE.has(what) || what.includes("/")) return [what, { why }];
  const site = lane ? byId(`site-${lane}`).checked : false;
  return ["commands", { what, why, lane: Number(lane ?? 0), on_site: site }];
}

function told({ ok, told: answer }, room) {
  const { done, failed, unsure, waits } = room.dataset;
  if (!ok) return [`${failed}: ${answer.message}`, "stop"];
  if (answer.done) return [[done, answer.said, answer.after].filter(Boolean).join(" · "), "go"];
  if (answer.waits) return [`${waits}: ${answer.waits_why}`, "wait"];
  if (answer.certain === false) return [unsure, "wait"];
  const [name, ...more] = answer.why.split(".");
  const words = room.dataset[`why_${name}`];
  return [`${failed}: ${words ? [words, ...more].join(": ") : answer.why}`, "stop"];
}

async function act(button) {
  const room = byId("doing");
  const why = byId("doing-why")?.value.trim() ?? "";
  const needs = SALE.has(button.dataset.do) || "needsWhy" in button.dataset;
  if (needs && !why) {
    byId("doing-why").focus();
    return say(room.dataset.need, "wait");
  }
  let means = button.dataset.means;
  if (button.dataset.do === "refill") {
    const put = fills(), pieces = put.reduce((sum, { count }) => sum + count, 0);
    if (!pieces) return say(button.dataset.nothing, "wait");
    means = `${pieces} ${button.dataset.lanes} ${put.length}: ${means}`;
  }
  if (!confirm(means)) return;
  const [path, body] = asked(button, why);
  button.disabled = true;
  say(room.dataset.busy, "wait");
  try {
    say(...told(await post(`${room.dataset.path}${path}`, body), room));
    if (button.dataset.do === "refill") for (const node of document.querySelectorAll("#refill input")) node.value = "";
  } catch (error) {
    say(`${room.dataset.failed}: ${error.message}`, "stop");
  }
  button.disabled = false;
  refresh();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("#doing button");
  if (button?.id === "fill-all") {
    for (const node of document.querySelectorAll("#refill input[data-lane]")) {
      node.value = node.dataset.room > 0 ? node.dataset.room : "";
    }
  } else if (button?.dataset.do) act(button);
});
