// Where the words of a query stand in a text, so that they can be marked: the answer names the words as they were
// asked for ("boots", "batteries"), and the text has them with other endings.

import { h } from "./dom.js";

const HAN = /\p{Script=Han}/u;
const TOKEN = /[\p{L}\p{N}]+/gu;
const AMOUNT = /^(\d+(?:\.\d+)?)(\p{L}?)/u;
const ENDINGS = new Set(["", "s", "es", "ed", "d", "ing", "er", "ers", "r", "rs", "e", "y", "ies", "ied", "ly", "ion", "ions", "f", "fe", "ves", "an", "en"]);
const LEAST = 3;

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether two words differ by no more than their endings. */
export function isAlike(one, other) {
  if (one === other) return true;
  let n = 0;
  while (n < one.length && n < other.length && one[n] === other[n]) n += 1;
  if (n < LEAST) return false;
  const rest = (word) => (word[n] === word[n - 1] ? [word.slice(n), word.slice(n + 1)] : [word.slice(n)]); // "run", "running"
  const ends = (word) => rest(word).some((ending) => ENDINGS.has(ending));
  return ends(one) && ends(other);
}

function everywhere(text, word) {
  const places = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) places.push([at, at + word.length]);
  return places;
}

function amounts(text, [, number, unit]) {
  const more = unit ? `(?:[\\s-]?${unit}\\p{L}*)?` : "";
  return [...text.matchAll(new RegExp(`(?<![\\d.])${number.replace(".", "\\.")}${more}(?![\\d.]?\\d)`, "giu"))].map((found) => [found.index, found.index + found[0].length]);
}

/** The ranges of a text that stand for one of the words, half-open, in order, apart from each other. */
export function rangesOf(text, words) {
  const lower = text.toLowerCase();
  const tokens = [...text.matchAll(TOKEN)];
  const found = [];
  for (const word of words) {
    const amount = AMOUNT.exec(word);
    if (HAN.test(word)) found.push(...everywhere(lower, word.toLowerCase()));
    else if (amount) found.push(...amounts(text, amount));
    else {
      const parts = (folded(word).match(TOKEN) ?? []);
      found.push(...tokens.filter(([token]) => parts.some((part) => isAlike(folded(token), part))).map((token) => [token.index, token.index + token[0].length]));
    }
  }
  found.sort(([a], [b]) => a - b);
  return found.reduce((kept, [start, end]) => {
    const last = kept.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else kept.push([start, end]);
    return kept;
  }, []);
}

/** A text as nodes, with ranges of it marked. */
export function marked(text, ranges) {
  let from = 0;
  const nodes = [];
  for (const [start, end] of ranges) {
    nodes.push(text.slice(from, start), h("mark", {}, text.slice(start, end)));
    from = end;
  }
  return [...nodes, text.slice(from)].filter((node) => node !== "");
}

/** Ranges of characters as ranges of the units that texts are cut by here; they differ beyond the basic plane. */
export function inUnits(text, ranges) {
  const letters = [...text];
  const at = (n) => letters.slice(0, n).join("").length;
  return ranges.map(([start, end]) => [at(start), at(end)]);
}
