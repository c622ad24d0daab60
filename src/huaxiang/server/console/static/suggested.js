// What somebody would be shown next, and how that changed by what they just did.

import { tile } from "./charts.js";
import { h, put, reconcile, slide } from "./dom.js";
import { nameOf } from "./names.js";
import { compare } from "./recommendations.js";
import { facetName } from "./sentences.js";

/** How many things are shown. */
export const N_NEXT = 6;
const NAMED = 2;

/** Why a thing is shown, in a few words; `events` by id names what it goes with. */
function because(say, reason, events, items) {
  if (reason.kind === "interest" && reason.facet) {
    const at = reason.facet.indexOf(":", reason.facet.startsWith("attribute:") ? "attribute:".length : 0);
    return say.t("me.because.interest", { what: facetName(say, reason.facet.slice(0, at), reason.facet.slice(at + 1)) });
  }
  if (reason.kind === "followed") {
    const id = reason.evidence.map((one) => events.get(one)?.item_ids?.[0]).find(Boolean);
    return id ? say.t("me.because.followed", { what: items.name(id) ?? id }) : reason.text;
  }
  return say.has(`me.because.${reason.kind}`) ? say.t(`me.because.${reason.kind}`) : reason.text;
}

/** The list. `render` answers what changed, as a sentence; empty the first time. */
export function createSuggested(root, ctx) {
  const { say, items } = ctx;
  const parts = new WeakMap();
  const about = h("p", { class: "me-lead" });
  const change = h("p", { class: "next-change", hidden: true });
  const list = h("ol", { class: "next" });
  const message = h("div", {});
  put(root, h("h2", {}, say.t("me.next")), about, change, list, message);
  let shown = null;
  let events = new Map();

  function render(answer, known) {
    events = known;
    about.textContent = say.t(["consent", "popularity"].includes(answer.basis) ? `me.next.${answer.basis}` : "me.next.lead");
    const moved = shown ? compare(shown, answer.items) : null;
    shown = answer.items;
    put(message, shown.length ? null : h("p", { class: "quiet" }, say.t("me.next.none")));
    slide(list, () => reconcile(list, shown, (item) => item.item_id, makeRow, (row, item) => renewRow(row, item, moved?.added.has(item.item_id))));
    const said = moved ? tell(moved) : "";
    change.hidden = !said;
    change.textContent = said;
    return said;
  }

  function tell({ gone, moves, added }) {
    const n = Math.max(gone.length, added.size);
    if (n && n === shown.length) return say.t("me.next.all", { n: say.number(n) });
    const left = gone.slice(0, NAMED).map((id) => items.name(id) ?? id).join(" · ");
    const names = gone.length > NAMED ? `${left} ${say.t("items.more", { n: gone.length - NAMED })}` : left;
    if (n) return say.t(gone.length ? "me.next.changed" : "me.next.came", { n: say.number(n), all: say.number(shown.length), names });
    return say.t([...moves.values()].some(Boolean) ? "me.next.moved" : "me.next.same");
  }

  function makeRow(item) {
    const part = { picture: h("span", {}), facts: h("p", { class: "card-facts" }), why: h("p", { class: "next-why" }), badge: h("span", { class: "badge is-new" }, say.t("me.next.new")) };
    const row = h("li", { class: "next-row" }, part.picture, h("div", {}, h("p", { class: "next-name" }, nameOf(item.item_id, ctx)), part.facts, part.why), part.badge);
    put(part.picture, tile({ item_id: item.item_id }, ""));
    items.get(item.item_id).then((found) => {
      put(part.picture, tile(found ?? { item_id: item.item_id }, say.initial(found?.category?.at(-1) ?? found?.name ?? item.item_id)));
      put(part.facts, typeof found?.price === "number" ? h("span", { class: "price" }, say.money(found.price, found.currency ?? "")) : null, found?.brand ? h("span", {}, found.brand) : null);
    }, (error) => put(part.facts, error.message));
    parts.set(row, part);
    return row;
  }

  function renewRow(row, item, isNew) {
    const part = parts.get(row);
    const reason = [...item.reasons].sort((a, b) => b.effect - a.effect)[0];
    part.why.textContent = reason ? because(say, reason, events, items) : "";
    part.badge.hidden = !isNew;
    row.classList.toggle("is-new", Boolean(isNew));
  }

  return { render, failed: (node) => { shown = null; change.hidden = true; about.textContent = ""; list.replaceChildren(); put(message, node); } };
}
