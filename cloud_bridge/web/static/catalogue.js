// The catalogue's pages: what a person typed becomes one new edition, or every mistake is shown and none is taken.

import { byId, el, post, refresh, text } from "/static/site.js";

const FORMS = new Set(["products-form", "lanes-form", "import-form"]);
const COUNTS = new Set(["sold_out_at", "par", "capacity"]);
const SHOWN_MS = 1500;
const said = byId("cat-outcome");

function say(words, tone) {
  said.className = tone;
  text(said, words);
}

const list = (mistakes) => byId("mistakes")?.replaceChildren(...mistakes.map((words) => el("li", {}, words)));

// ---------------------------------------------------------------- what was typed

// Yuan as people write them, in fen; null for what is none.
function fen(words) {
  const found = /^(\d{1,6})(?:[.。](\d{1,2}))?$/.exec(words.replace(/[¥￥\s]/g, ""));
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

function value(field) {
  const words = field.value.trim(), where = field.getAttribute("aria-label");
  if (field.name.endsWith("_fen")) {
    const amount = words === "" ? 0 : fen(words);
    if (amount === null) throw new Error(`${where}: ${words}: ${said.dataset.price}`);
    return amount;
  }
  if (!COUNTS.has(field.name)) return words;
  if (!/^\d{0,4}$/.test(words)) throw new Error(`${where}: ${words}`);
  return Number(words);
}

const fieldsOf = (row) => [...row.querySelectorAll("input[name], select[name]")];
const first = (field) => field.querySelector("option[selected]")?.value ?? field.options[0]?.value;
const touched = (field) => field.value !== (field.options ? first(field) : field.defaultValue);
const changed = (row) => row.matches(".gone") || Boolean(row.dataset.pictured) || fieldsOf(row).some(touched);

// Everything that a form changes, as entries.
function items(form) {
  return [...form.querySelectorAll("[data-kind]")].filter(changed).map((row) => {
    const { kind, entry } = row.dataset;
    if (row.matches(".gone")) return { kind, key: entry };
    const { code, lane, ...values } = Object.fromEntries(fieldsOf(row).map((field) => [field.name, value(field)]));
    return { kind, key: entry ?? (kind === "lane" ? `${form.dataset.where}/${lane}` : code), value: values };
  });
}

function wish(form) {
  const { why, effective, minutes, at_once: atOnce } = form.elements;
  const at = effective.value ? new Date(effective.value).getTime() : 0;
  return { why: why.value.trim(), effective_wall_ms: at, minutes: Number(minutes.value), at_once: atOnce.checked };
}

// ---------------------------------------------------------------- what became of it

function became({ ok, told }) {
  list(ok ? told.mistakes ?? [] : []);
  if (!ok || told.why) return say(ok ? told.why : told.message, "stop");
  if (told.pending) return say(said.dataset.waits + (told.daring.join("; ") || said.dataset.from), "wait");
  const { machines = [], edition } = told;
  const where = machines.length > 5 ? machines.length : machines.join(", ");
  return say(edition ? `${said.dataset.version} ${edition}${where ? `; ${said.dataset.goes}${where}` : ""}` : "✓", "go");
}

async function send(path, body, form) {
  const buttons = form?.querySelectorAll("button") ?? [];
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await post(`/api/catalogue/${path}`, body);
    became(answer);
    if (answer.ok && !answer.told.why && form) setTimeout(() => location.reload(), SHOWN_MS);
  } catch (error) {
    say(error.message, "stop");
  }
  for (const button of buttons) button.disabled = false;
  refresh();
}

async function edit(form) {
  const asked = wish(form);
  if (!asked.why) {
    form.elements.why.focus();
    say(said.dataset.need, "wait");
  } else if (form.id === "import-form") {
    const texts = await Promise.all([...form.elements.files.files].map((file) => file.text()));
    if (texts.length) await send("import", { ...asked, texts }, form);
    else say(said.dataset.same, "wait");
  } else {
    const wanted = items(form), base = Number(form.querySelector("[data-base]").dataset.base);
    if (wanted.length) await send("edit", { ...asked, base, items: wanted }, form);
    else say(said.dataset.same, "wait");
  }
}

// ---------------------------------------------------------------- what a person does

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!FORMS.has(form.id) && form.id !== "template-form") return;
  event.preventDefault();
  if (FORMS.has(form.id)) edit(form).catch((error) => say(error.message, "stop"));
  else location.href = `/catalogue/templates/${encodeURIComponent(form.elements.name.value)}`;
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("button");
  if (button && "remove" in button.dataset) button.closest("tr").classList.toggle("gone");
  if (!button?.dataset.cat || !confirm(button.dataset.means)) return;
  send(button.dataset.cat, { number: Number(button.dataset.number ?? 0), why: button.textContent.trim().slice(0, 200) });
});

const mark = (row) => row?.classList.toggle("changed", changed(row));

async function upload(field) {
  const [file] = field.files, row = field.closest("tr");
  const token = document.querySelector("meta[name=token]").content;
  const answer = await fetch(`/api/catalogue/pictures?name=${encodeURIComponent(file.name.slice(0, 60))}`, {
    method: "POST", headers: { "Content-Type": "image/png", "X-Wxvend-Token": token }, body: file,
  });
  const told = await answer.json();
  if (!answer.ok || told.why) return say(told.message ?? told.why, "stop");
  row.querySelector("input[name=picture]").value = told.sha256;
  row.dataset.pictured = told.sha256;
  const place = field.closest(".acts");
  if (!row.querySelector("img")) place.replaceChild(el("img", { class: "thumb", alt: file.name }), place.firstElementChild);
  row.querySelector("img").src = `/api/catalogue/pictures/${told.sha256}`;
  return mark(row);
}

document.addEventListener("input", ({ target }) => mark(target.closest?.("tr[data-kind]")));
document.addEventListener("change", ({ target }) => {
  if ("picture" in target.dataset && target.files.length) upload(target).catch((error) => say(error.message, "stop"));
});
