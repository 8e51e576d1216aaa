// The stock's pages: somebody filled a lane or counted it; it counts once, however often it is sent.

import { byId, post, refresh, text } from "/static/site.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.count");
  if (!form) return;
  event.preventDefault();
  const said = byId("stock-outcome"), { machine, lane } = form.dataset, { hand, count } = form.elements;
  const name = hand.selectedOptions[0].textContent;
  if (!confirm(`${machine} ${lane}: ${name} ${count.value}. ${said.dataset.means}`)) return;
  // Drawn once for what was typed: a second try of the same is the same act.
  const typed = `${hand.value} ${count.value}`;
  if (form.dataset.typed !== typed) Object.assign(form.dataset, { typed, act: crypto.randomUUID() });
  const wished = { machine, lane: Number(lane), hand: hand.value, count: Number(count.value), key: form.dataset.act };
  const { ok, told } = await post("/api/stock", wished).catch((error) => ({ ok: false, told: error }));
  const wrong = ok ? told.why : told.message;
  said.className = wrong ? "stop" : "go";
  text(said, wrong ? `${machine} ${lane}: ${wrong}` : said.dataset.done);
  if (wrong) return;
  form.reset();
  delete form.dataset.typed;
  refresh();
});

byId("print")?.addEventListener("click", () => print());
