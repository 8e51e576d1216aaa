// One complaint: the one right button, which says what follows and asks once, and the payer's phone.
import { byId, post, refresh, text } from "/static/site.js";

async function act(button, name, words) {
  button.disabled = true;
  const { ok, told } = await post(`${button.dataset.path}${name}`, { words });
  button.disabled = false;
  const { why, said } = ok ? told : { why: told.message };
  const node = byId("outcome");
  node.className = why ? "stop" : "go";
  text(node, why ? `${node.dataset.failed}: ${why}` : name === "phone" ? said || button.dataset.none : node.dataset.done);
  refresh();
}

document.addEventListener("click", ({ target }) => {
  if (target.id === "show-phone") act(target, "phone", "");
  if (target.id !== "do-it") return;
  const { act: name, words: own, prepared, sure } = target.dataset;
  const words = own ? byId("answer-words").value.trim() : "";
  if (own && !words) byId("answer-words").focus();
  else if (confirm(`${words || prepared}\n\n${sure}`)) act(target, name, words);
});
