// What was understood of a query, as chips, and what of it was given up, as sentences.

import { h } from "./dom.js";

const LIKELY = 0.1;

/** A price wish in words. */
export function priceWords(say, price, currency) {
  const [low, high] = [price.gte, price.lte].map((bound) => (typeof bound === "number" ? say.money(bound, currency) : null));
  if (low === null) return say.t("find.price.to", { high });
  return high === null ? say.t("find.price.from", { low }) : say.t("find.price.between", { low, high });
}

function languageName(say, code) {
  try {
    return new Intl.DisplayNames(say.language === "zh" ? "zh-Hans" : "en", { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

function intentWords(say, { kind, gift }) {
  const what = say.has(`find.intent.${kind}`) ? say.t(`find.intent.${kind}`) : kind;
  return gift ? say.t("find.intent.gift", { what }) : what;
}

/** [field, text] of everything that was understood; the price only where the filter has none of its own. */
function understood(say, said, { hasPrice, currency }) {
  const rows = [];
  if (said.language && said.language !== "und") rows.push(["language", languageName(say, said.language)]);
  if (said.intent) rows.push(["intent", intentWords(say, said.intent)]);
  if (said.price && !hasPrice) rows.push(["price", priceWords(say, said.price, currency)]);
  if (said.price_band) rows.push(["price", say.has(`find.band.${said.price_band}`) ? say.t(`find.band.${said.price_band}`) : said.price_band]);
  for (const brand of said.brands ?? []) rows.push(["brand", brand]);
  for (const { category, share } of said.categories ?? []) if (share >= LIKELY) rows.push(["category", say.t("find.likely", { what: category.split(" > ").at(-1), n: say.percent(share) }), category]);
  for (const [name, values] of Object.entries(said.attributes ?? {})) for (const value of values) rows.push([name, value]);
  for (const what of said.not ?? []) rows.push([null, say.t("find.not", { what })]);
  for (const [what, others] of Object.entries(said.synonyms ?? {})) rows.push(["synonym", say.t("find.alike", { what, others: others.join(", ") })]);
  return rows;
}

/** What a field is called: those of an item in the page's language, an attribute as the shop calls it. */
export const fieldName = (say, field) => (say.has(`find.field.${field}`) ? say.t(`find.field.${field}`) : field);

/** The chips of an answer. */
export function understoodChips(say, answer, about) {
  const chip = ([field, text, hint]) => h("li", { class: `understood-chip${field === null ? " is-not" : ""}`, title: hint }, field === null ? null : h("span", { class: "quiet" }, fieldName(say, field)), text);
  const rows = understood(say, answer.understood, about);
  return rows.length ? h("ul", { class: "understood", "aria-label": say.t("find.understood") }, rows.map(chip)) : null;
}

/** That a query was read in another spelling. */
export function correction(say, answer, typed) {
  const { corrected } = answer.understood;
  if (!corrected) return null;
  const [begun, ended] = say.t("find.corrected", { what: "\n" }).split("\n");
  return h("p", { class: "corrected" }, begun, h("strong", {}, corrected), ended, h("span", { class: "quiet" }, ` · ${say.t("find.typed", { what: typed.trim() })}`));
}

/** Words that none of the items has, and words that only some of them have. */
function leftOut(say, ignored, items) {
  const had = new Set(items.flatMap((found) => Object.values(found.matched).flat()));
  const quoted = (words) => words.map((word) => say.t("find.word", { what: word }));
  const [nowhere, somewhere] = [quoted(ignored.filter((word) => !had.has(word))), quoted(ignored.filter((word) => had.has(word)))];
  if (!nowhere.length) return say.t("find.relaxed.some", { what: say.either(somewhere) });
  const gone = say.t(nowhere.length === 1 ? "find.relaxed.word" : "find.relaxed.words", { what: say.list(nowhere) });
  return somewhere.length ? [gone, say.t("find.relaxed.also", { what: say.either(somewhere) })].join(say.language === "zh" ? "" : " ") : gone;
}

function sentence(say, one, answer, { currency, isFiltered }) {
  if (one.kind === "words") return leftOut(say, one.ignored, answer.items);
  if (one.kind === "price") return say.t("find.relaxed.price", { what: priceWords(say, one.ignored, currency) });
  if (one.kind === "query") return say.t(isFiltered ? "find.relaxed.filtered" : "find.relaxed.query", { what: one.ignored });
  if (one.kind === "meaning" && one.items === answer.items.length) return say.t("find.relaxed.nearest");
  if (one.kind === "meaning") return say.t("find.relaxed.meaning", { n: say.number(one.items) });
  return null;
}

/** What was given up, in sentences. */
export function relaxedSentences(say, answer, about) {
  const said = answer.relaxed.map((one) => sentence(say, one, answer, about)).filter(Boolean);
  return said.length ? h("div", { class: "relaxed", role: "status" }, said.map((text) => h("p", {}, text))) : null;
}
