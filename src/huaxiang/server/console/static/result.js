// One item that was found, as a card: what of it was asked for, what its score is made of, and why it stands there.

import { bar, tile } from "./charts.js";
import { h, put, skeleton } from "./dom.js";
import { eventRow, facetLabel } from "./events.js";
import { icon } from "./icons.js";
import { marked, rangesOf } from "./marking.js";
import { partsBar, partsTable } from "./parts.js";

const MOST_TEXT = 700;
let cards = 0;

/** The words that an item has in one of its fields, with what else they are called. */
const wordsOf = (found, synonyms, field) => [...new Set((found.matched[field] ?? []).flatMap((word) => [word, ...(synonyms[word] ?? [])]))];

/** Which words stand in which fields, those of the same words in one sentence. */
function wordsLabel(say, { matched }) {
  const fields = new Map();
  for (const [field, words] of Object.entries(matched)) {
    const said = say.list(words.map((word) => say.t("find.word", { what: word })));
    if (say.has(`find.in.${field}`)) fields.set(said, [...(fields.get(said) ?? []), say.t(`find.in.${field}`)]);
  }
  return [...fields].map(([words, names]) => say.t("find.why.words", { words, field: say.list(names) })).join(" · ");
}

/** A reason in the words of the page; the API's own where it has none for it. */
function reasonLabel(say, reason, found) {
  if (reason.kind === "interest" && reason.facet) {
    const at = reason.facet.indexOf(":", reason.facet.startsWith("attribute:") ? "attribute:".length : 0);
    const [facet, value] = [reason.facet.slice(0, at), reason.facet.slice(at + 1)];
    return say.t(facet === "price_band" ? "find.why.price" : "reason.interest", { what: facetLabel(say, facet, value) });
  }
  if (reason.kind === "words") return wordsLabel(say, found) || reason.text;
  return say.has(`find.why.${reason.kind}`) ? say.t(`find.why.${reason.kind}`) : reason.text;
}

/**
 * The inside of a card. about: {item (null: not in the catalogue any more), synonyms, scale, move: {text, kind, label}
 * or null, isNarrow}. Handlers: reasons() answers this item's, evidence(ids) the events behind one, onSelect() answers
 * whether the click was recorded.
 */
export function resultCard(found, about, ctx) {
  const { say } = ctx;
  const { item, synonyms } = about;
  const id = `result-${(cards += 1)}`;
  const name = found.name || item?.name || found.item_id;
  const more = h("div", { class: "result-more", id: `${id}-more`, hidden: true });
  const why = h("div", { class: "result-why", id: `${id}-why`, hidden: true });
  const clicked = h("span", { class: "result-clicked", hidden: true }, icon("pointer"), say.t("find.clicked"));
  const mark = (text, field) => marked(text, rangesOf(text, wordsOf(found, synonyms, field)));
  const said = (controlled, click, more) => ({ type: "button", "aria-expanded": "false", "aria-controls": controlled.id, on: { click }, ...more });
  const open = h("button", said(more, select, { class: "result-name" }), mark(name, "name"));
  const ask = h("button", said(why, tell, { class: "link result-ask", "aria-label": say.t("find.why.of", { what: name }) }), say.t("find.why"), icon("chevron"));

  async function select() {
    const isOpen = toggle(open, more);
    if (isOpen && !more.children.length) put(more, aboutItem());
    if (isOpen && (await about.onSelect(found, name))) clicked.hidden = false;
  }

  function aboutItem() {
    const text = item?.description ?? "";
    const cut = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
    const values = Object.entries(item?.attributes ?? {}).map(([field, had]) => [field, Array.isArray(had) ? had.join(", ") : String(had)]);
    return [cut ? h("p", {}, mark(cut, "description")) : null,
      values.length ? h("p", { class: "result-values" }, values.map(([field, value]) => h("span", {}, h("span", { class: "quiet" }, `${field} `), mark(value, "attributes")))) : null,
      h("p", { class: "quiet" }, say.t("find.item", { id: found.item_id }))];
  }

  async function tell() {
    if (!toggle(ask, why)) return;
    put(why, skeleton(2));
    try {
      const reasons = (await about.reasons(found)) ?? [];
      const rows = await Promise.all([...reasons].sort((a, b) => b.effect - a.effect).map(reasonRow));
      put(why, rows.length ? h("ul", { class: "result-reasons" }, rows) : h("p", { class: "quiet" }, say.t("find.why.none")),
        h("p", { class: "label" }, say.t("find.score")), partsTable(say, found));
    } catch (error) {
      put(why, ctx.problem(error));
    }
  }

  async function reasonRow(reason) {
    const meter = bar("is-thin");
    const events = reason.evidence.length ? await about.evidence(reason.evidence) : [];
    requestAnimationFrame(() => meter.set(reason.effect, 1));
    const rests = !reason.evidence.length ? null : events.length
      ? [h("p", { class: "label" }, say.t("find.why.evidence")), h("ol", { class: "events is-small" }, events.map((event) => eventRow(event, ctx)))]
      : h("p", { class: "quiet" }, say.t("evidence.none"));
    const head = [h("span", {}, reasonLabel(say, reason, found)), h("span", { class: "reason-share" }, say.percent(reason.effect)), meter.element];
    return h("li", { class: "result-reason" }, h("div", { class: "result-reason-head" }, head), rests);
  }

  return [
    h("span", { class: "card-rank", title: say.t("card.rank", { n: found.rank }) }, say.number(found.rank)),
    about.isNarrow ? null : h("span", { class: "result-picture" }, tile(item ?? { item_id: found.item_id }, say.initial(item?.category?.at(-1) ?? name))),
    h("div", { class: "result-body" },
      h("div", { class: "result-head" }, h("h3", {}, open), badge(about.move)),
      h("p", { class: "card-facts" }, facts(found, item, mark, say), clicked),
      h("div", { class: "result-score" }, partsBar(say, found, about.scale), ask),
      more, why),
  ];
}

function toggle(button, place) {
  const isOpen = place.hidden;
  place.hidden = !isOpen;
  button.setAttribute("aria-expanded", String(isOpen));
  return isOpen;
}

/** How an item moved; nothing where it is compared with nothing. */
const badge = (move) => (move ? h("span", { class: `badge is-${move.kind}`, role: "img", "aria-label": move.label, title: move.label }, move.text) : null);

function facts(found, item, mark, say) {
  const price = typeof found.price === "number" ? h("span", { class: "price" }, say.money(found.price, item?.currency ?? "")) : null;
  const shelf = (item?.category ?? []).join(" › ");
  return [price, item?.brand ? h("span", {}, mark(item.brand, "brand")) : null, shelf ? h("span", { class: "quiet result-shelf" }, mark(shelf, "category")) : null,
    isSoldOut(found, item) ? h("span", { class: "sold" }, say.t("find.sold")) : null];
}

/** Whether an item is sold out: its score says so as of this answer. */
export const isSoldOut = (found, item) => Boolean(found.parts.sold_out) || (!Object.keys(found.parts).length && item?.in_stock === false);
