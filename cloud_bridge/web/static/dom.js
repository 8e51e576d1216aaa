// Small things that draw. Text of the outside only ever becomes `textContent`: nothing here parses HTML.
import { WORDS } from "/static/words.js";

const html = document.documentElement;
const kept = (() => { try { return localStorage.getItem("language"); } catch { return null; } })();
let language = WORDS[kept] ? kept : html.lang;

export const lang = () => language;

export function choose(wanted) {
  language = wanted;
  try { localStorage.setItem("language", wanted); } catch { /* a private window forgets it */ }
}

export function translate() {
  html.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) text(node, say(node.dataset.say));
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
  }
}

export const say = (key) => WORDS[language][key];

// A name of the outside in words, or null.
export function known(group, name) {
  const key = `${group}.${name}`;
  return Object.hasOwn(WORDS[language], key) ? say(key) : null;
}

export const named = (group, name) => known(group, name) ?? name.replaceAll("_", " ");

export const product = (row) => (language === "en" && row.product_en) || row.product_zh || row.product_en;

export function text(node, words) {
  const next = String(words);
  if (node.textContent !== next) node.textContent = next;
  return node;
}

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const byId = (id) => document.getElementById(id);
export const show = (id, shown) => { byId(id).hidden = !shown; };

// Keep a node for each item, in the items' order, and fill it anew: focus and open details survive.
export function keyed(parent, items, { key, make, fill }) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const kept = new Set();
  let before = null;
  for (const item of items) {
    const id = String(key(item));
    const node = old.get(id) ?? make(item);
    old.delete(id);
    kept.add(node);
    node.dataset.key = id;
    const next = before ? before.nextSibling : parent.firstChild;
    if (node !== next) parent.insertBefore(node, next);
    fill(node, item);
    before = node;
  }
  for (const node of [...parent.children]) if (!kept.has(node)) node.remove();
}

// A state: its colour, its shape and its word, never one of them alone.
const SHAPES = { go: "●", wait: "▲", stop: "■", info: "◆", quiet: "○" };
export const sign = () => el("span", { class: "sign" }, el("span", { "aria-hidden": "true" }), el("span"));
export function mark(node, tone, words) {
  node.className = `sign ${tone}`;
  text(node.firstChild, SHAPES[tone]);
  text(node.lastChild, words);
}

export const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
export const money = (fen) => (fen ? yuan(fen) : "");

const two = (number) => String(number).padStart(2, "0");
const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

function offset(at) {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function moment(node, wall_ms) {
  const at = new Date(wall_ms);
  const today = day(at) === day(new Date());
  node.dateTime = at.toISOString();
  node.title = `${day(at)} ${clock(at)} ${offset(at)}`;
  return text(node, today ? clock(at) : `${day(at)} ${clock(at)}`);
}

export function age(since_ms, now_ms) {
  const minutes = Math.max(0, Math.floor((now_ms - since_ms) / 60_000));
  if (minutes < 60) return `${minutes} ${say("minutes")}`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} ${say("hours")}` : `${Math.floor(minutes / 1440)} ${say("days")}`;
}
