// The login and one's own account: what is typed goes to the bridge, and what it says is shown.

import { byId, post, text } from "/static/site.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;

function answerOf(form) {
  return form.querySelector("output");
}

function show(form, words, good = false) {
  const said = answerOf(form);
  text(said, words);
  said.classList.toggle("stop", !good);
  said.classList.toggle("go", good);
}

async function send(form, body) {
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const failed = (error) => ({ ok: false, status: 0, told: { message: error.message } });
  const given = await post(form.dataset.path ?? "/api/login", body).catch(failed);
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  return given;
}

const typed = (form) => Object.fromEntries(new FormData(form));

byId("login")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { ok, status, told } = await send(form, typed(form));
  if (ok && !told.why) {
    const next = new URLSearchParams(location.search).get("next") ?? "/";
    location.assign(/^\/(?![/\\])/.test(next) ? next : "/");
    return;
  }
  show(form, status === 429 ? form.dataset.late : ok ? form.dataset.wrong : told.message ?? form.dataset.lost);
  form.elements.password.value = "";
  form.elements.code.value = "";
  form.elements.password.focus();
});

byId("logout")?.addEventListener("click", async () => {
  await post("/api/logout");
  location.assign("/login");
});

// One path of squares: black on white with its quiet zone, whatever the theme.
function draw(rows) {
  const size = rows.length + 2 * QUIET;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
  const ground = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["width", size], ["height", size], ["fill", "#FFFFFF"]]) ground.setAttribute(name, value);
  const dark = document.createElementNS(SVG, "path");
  const squares = rows.flatMap((row, y) => [...row].map((one, x) => (one === "1" ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : "")));
  dark.setAttribute("d", squares.join(""));
  dark.setAttribute("fill", "#000000");
  picture.append(ground, dark);
  byId("code").replaceChildren(picture);
}

byId("offer")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { ok, told } = await send(event.target, typed(event.target));
  show(event.target, ok ? told.why : told.message);
  if (!ok || told.why) return;
  draw(told.rows);
  text(byId("secret"), new URL(told.address).searchParams.get("secret"));
  event.target.hidden = true;
  byId("take").hidden = false;
  byId("take").elements.code.focus();
});

for (const id of ["take", "renew"]) {
  byId(id)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const { ok, told } = await send(form, typed(form));
    const wrong = ok ? told.why : told.message;
    show(form, wrong || form.dataset.done, !wrong);
    if (wrong) return;
    form.reset();
    location.assign("/account");
  });
}
