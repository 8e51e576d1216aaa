// The alarms' page: a person takes an alarm into his hands, snoozes it, or has it told again.

import { post, refresh, text } from "/static/site.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.care");
  if (!form) return;
  event.preventDefault();
  const said = form.querySelector("output"), act = event.submitter?.value ?? "acknowledge";
  const why = form.elements.why.value.trim();
  if (!why) {
    text(said, said.dataset.why);
    form.elements.why.focus();
    return;
  }
  const { machine, name, lane } = form.dataset;
  const wished = { machine, name, lane: Number(lane), why };
  if (act === "snooze") wished.snooze_min = Number(form.elements.snooze_min.value);
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const { ok, told } = await post(`/api/alarms/${act}`, wished).catch((error) => ({ ok: false, told: error }));
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  const wrong = ok ? told.why : told.message;
  text(said, wrong || said.dataset.done);
  said.classList.toggle("stop", Boolean(wrong));
  if (!wrong) {
    form.reset();
    refresh();
  }
});
