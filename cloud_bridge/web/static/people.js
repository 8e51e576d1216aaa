// People: an admin asks rights for somebody, answers another admin, or shuts somebody out.

import { post, text } from "/static/site.js";

const words = (value) => value.trim().split(/[\s,]+/).filter(Boolean);

function wished(form, pressed) {
  const { elements } = form;
  if (form.classList.contains("answer")) return { yes: pressed?.value === "true" };
  if (form.classList.contains("out")) return { why: elements.why.value };
  return {
    why: elements.why.value,
    roles: [...form.querySelectorAll("input[name=roles]:checked")].map((box) => box.value),
    everywhere: elements.everywhere.checked,
    machines: words(elements.machines.value),
    merchants: words(elements.merchants.value),
    enable: elements.enable?.checked ?? false,
  };
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-path]");
  if (!form) return;
  event.preventDefault();
  if (form.dataset.sure && !confirm(form.dataset.sure)) return;
  const said = form.querySelector("output");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const failed = (error) => ({ ok: false, told: { message: error.message } });
  const { ok, told } = await post(form.dataset.path, wished(form, event.submitter)).catch(failed);
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  const wrong = ok ? told.why : told.message;
  text(said, wrong || form.dataset.done || "");
  said.classList.toggle("stop", Boolean(wrong));
  if (!wrong) location.reload();
});
