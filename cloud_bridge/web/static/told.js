// What the bridge wrote in English, in the reader's language: its shape is known, what fills the shape is not.
import { known, lang, named, say } from "/static/dom.js";
import { TOLD } from "/static/words.js";

const PLACE = /\{(\w+)\}/g;
const ONE_WORD = new Set(["name", "lane", "fen", "boot", "count"]);
const FILL = { why: cause, told, name: (name) => named("stop", name) };
const SHAPES = Object.entries(TOLD).map(([en, zh]) => ({ en, zh, pattern: pattern(en) }));

function pattern(shape) {
  const place = (_, name) => `(?<${name}>${ONE_WORD.has(name) ? "\\S+" : ".+?"})`;
  return new RegExp(`^${shape.replace(/[.()]/g, "\\$&").replace(PLACE, place)}$`, "su");
}

function shaped(words) {
  for (const shape of SHAPES) {
    const found = shape.pattern.exec(words);
    if (found) return shape[lang()].replace(PLACE, (_, name) => (FILL[name] ?? String)(found.groups[name]));
  }
  return null;
}

export function told(words) {
  return shaped(words) ?? words;
}

// Words of an alarm or a case begin with the sale that they are about: its number, or empty, and the words.
export function about(words) {
  const found = /^([a-z0-9]{26}): (.+)$/su.exec(words);
  return found ? { sale_id: found[1], words: told(found[2]) } : { sale_id: "", words: told(words) };
}

// `not_delivered.moved.jam`: what the machine said, how far the motor went, and the cause, which is shown.
export function cause(words) {
  const whole = shaped(words) ?? known("why", words);
  if (whole) return whole;
  const parts = words.split(".").filter(Boolean);
  const last = parts.at(-1) ?? "";
  const code = /^code_([0-9a-f]{2})$/.exec(last);
  const name = code ? `${say("board_code")} ${code[1]}` : known("why", last) ?? known("stop", last);
  if (!name) return several(words) ?? words.replaceAll("_", " ");
  return parts.length > 1 && parts[0] === "doubt" ? `${known("why", "doubt")}: ${name}` : name;
}

function several(words) {
  const each = words.split(" ").map((word) => known("why", word));
  return each.every(Boolean) ? each.join(", ") : null;
}
