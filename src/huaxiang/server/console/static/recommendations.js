// Recommendations as cards with their reasons; what is done on a card is a real event, and the list answers.

import { bar, tile } from "./charts.js";
import { h, notice, put, reconcile, skeleton, slide } from "./dom.js";
import { facetLabel } from "./events.js";
import { icon } from "./icons.js";
import { nameOf } from "./names.js";

const ACTS = [["view_item", "eye"], ["add_to_cart", "cart"], ["purchase", "bag"], ["dislike", "no"]];

/** A reason in words for whoever looks at the console; the shopper's own wording stays as its hint. */
export function reasonLabel(say, reason, nameOfEvidence) {
  if (reason.kind === "interest" && reason.facet) {
    const at = reason.facet.startsWith("attribute:") ? reason.facet.indexOf(":", "attribute:".length) : reason.facet.indexOf(":");
    return say.t("reason.interest", { what: facetLabel(say, reason.facet.slice(0, at), reason.facet.slice(at + 1)) });
  }
  if (reason.kind === "followed") {
    const what = nameOfEvidence(reason.evidence);
    return what ? say.t("reason.followed", { what }) : reason.text;
  }
  return ["meaning", "elsewhere", "popular"].includes(reason.kind) ? say.t(`reason.${reason.kind}`) : reason.text;
}

/** How a list changed: {added, gone, moves} with moves as item id to places gained. */
export function compare(before, after) {
  const was = new Map(before.map((item) => [item.item_id, item.rank]));
  const is = new Set(after.map((item) => item.item_id));
  return {
    added: new Set(after.filter((item) => !was.has(item.item_id)).map((item) => item.item_id)),
    gone: before.filter((item) => !is.has(item.item_id)).map((item) => item.item_id),
    moves: new Map(after.filter((item) => was.has(item.item_id)).map((item) => [item.item_id, was.get(item.item_id) - item.rank])),
  };
}

/** The panel. Handlers: onAct(event, itemId), onEvidence(ids), onShow(ids, label). */
export function createRecommendations(root, ctx, { onAct, onEvidence, onShow }) {
  const { say, items, api } = ctx;
  const basis = h("span", { class: "panel-count" });
  const arranged = h("p", { class: "arranged", hidden: true });
  const note = h("p", { class: "gone", hidden: true });
  const list = h("ol", { class: "cards" });
  const body = h("div", { class: "panel-body" });
  put(root, h("header", { class: "panel-head" }, h("h2", { id: "recommendations-title" }, say.t("recommendations")), basis), arranged, note, body);
  const parts = new WeakMap();
  let shown = [];
  let events = new Map();
  let isPast = false;
  let lastAsOf = null;
  let lastChange = { added: new Set(), gone: [], moves: new Map() };

  const nameOfEvidence = (ids) => {
    const event = ids.map((id) => events.get(id)).find((found) => found?.item_ids?.length);
    return event ? items.name(event.item_ids[0]) : null;
  };

  function render(answer, all, { asOf, isSame, isTold }) {
    events = new Map(all.map((event) => [event.event_id, event]));
    isPast = Boolean(asOf);
    basis.textContent = say.has(`basis.${answer.basis}`) ? say.t(`basis.${answer.basis}`) : answer.basis;
    tellArranged(answer.arranged ?? []);
    const isCompared = isSame && asOf === lastAsOf;
    const isOnlyTold = isTold && shown.length === answer.items.length && shown.every((item, at) => item.item_id === answer.items[at].item_id);
    const change = isOnlyTold ? lastChange : isCompared ? compare(shown, answer.items) : { added: new Set(), gone: [], moves: new Map() };
    lastChange = change;
    lastAsOf = asOf;
    if (!isSame) list.replaceChildren();
    shown = answer.items;
    if (asOf) tell(say.t("act.past", { when: say.day(asOf) }));
    else tellGone(change.gone);
    if (!shown.length) {
      put(body, notice("empty", say.t("recommendations.none"), say.t("recommendations.none.detail")));
      return;
    }
    if (!body.contains(list)) put(body, list);
    if (change.added.size && !isOnlyTold) body.scrollTop = 0;
    slide(list, () => reconcile(list, shown, (item) => item.item_id, makeCard, (card, item) => renewCard(card, item, change)));
  }

  /** What moved items beside their scores: the shop's rules, variety, a low mood. */
  function tellArranged(said) {
    arranged.hidden = !said.length;
    put(arranged, said.map((one) => {
      const key = `arranged.${one.split(":")[0]}`;
      return h("span", { class: "arranged-part", title: one }, say.has(key) ? say.t(key) : one);
    }));
  }

  function tellGone(ids) {
    if (!ids.length) {
      note.hidden = true;
      return;
    }
    const names = ids.slice(0, 3).map((id) => items.name(id) ?? id);
    const more = ids.length > 3 ? ` ${say.t("items.more", { n: ids.length - 3 })}` : "";
    tell(say.t("cards.gone", { names: names.join(" · ") }) + more, ids.map((id) => items.name(id) ?? id).join("\n"));
  }

  function tell(text, hint = "") {
    note.hidden = false;
    note.title = hint;
    put(note, h("span", {}, text));
  }

  function makeCard(item) {
    const id = item.item_id;
    const picture = h("div", { class: "card-picture" });
    const facts = h("p", { class: "card-facts" });
    const badge = h("span", { class: "badge" });
    const rank = h("span", { class: "card-rank" });
    const reasons = h("ul", { class: "reasons" });
    const acts = h("div", { class: "acts" });
    const similar = h("div", { class: "similar", hidden: true });
    const more = h("button", { class: "card-more", type: "button", "aria-expanded": "false", title: say.t("act.similar"), "aria-label": say.t("act.similar"), on: { click: () => openSimilar(more, similar, id) } }, icon("grid"));
    const card = h("li", { class: "card" }, picture,
      h("div", { class: "card-head" }, h("p", { class: "card-name" }, nameOf(id, ctx)), facts), h("div", { class: "card-side" }, badge, rank, more),
      reasons, acts, similar);
    parts.set(card, { picture, facts, badge, rank, reasons, acts, similar });
    put(picture, tile({ item_id: id }, ""));
    items.get(id).then((known) => {
      const shelf = known?.category?.at(-1) ?? known?.name ?? id;
      put(picture, tile(known ?? { item_id: id }, say.initial(shelf)));
      put(facts, factsOf(known));
    }, (error) => put(facts, error.message));
    return card;
  }

  function factsOf(item) {
    if (!item) return [];
    const price = typeof item.price === "number" ? h("span", { class: "price" }, say.money(item.price, item.currency ?? "")) : null;
    const shelf = item.category?.at(-1);
    return [price, item.brand ? h("span", {}, item.brand) : null, shelf ? h("span", { class: "quiet" }, shelf) : null, item.in_stock ? null : h("span", { class: "warn" }, say.t("out.of.stock"))];
  }

  function renewCard(card, item, { added, moves }) {
    const part = parts.get(card);
    const isNew = added.has(item.item_id);
    const moved = moves.get(item.item_id) ?? 0;
    card.classList.toggle("is-new", isNew);
    card.classList.remove("is-busy");
    part.rank.textContent = String(item.rank);
    part.rank.title = say.t("card.rank", { n: item.rank });
    part.badge.textContent = isNew ? say.t("card.new") : moved > 0 ? `▲${moved}` : moved < 0 ? `▼${-moved}` : "";
    part.badge.className = `badge ${isNew ? "is-new" : moved > 0 ? "is-up" : moved < 0 ? "is-down" : ""}`;
    if (item.reasons === null) {
      if (!part.reasons.children.length) put(part.reasons, h("li", { class: "quiet is-waiting" }, say.t("reasons.checking")));
    } else {
      part.reasons.querySelector(".is-waiting")?.remove();
      reconcile(part.reasons, [...item.reasons].sort((a, b) => b.effect - a.effect), (reason) => `${reason.kind} ${reason.facet}`, makeReason, renewReason);
    }
    put(part.acts, isPast ? [] : ACTS.map(([event, mark]) =>
      h("button", { class: `act is-${event}`, type: "button", on: { click: () => { card.classList.add("is-busy"); onAct(event, item.item_id); } } }, icon(mark), say.t(`act.${event}`))));
  }

  function makeReason() {
    const meter = bar("is-thin");
    const label = h("span", { class: "reason-label" });
    const share = h("span", { class: "reason-share" });
    const button = h("button", { class: "reason", type: "button", on: {
      mouseenter: () => onEvidence(part.reason.evidence), mouseleave: () => onEvidence(null),
      focus: () => onEvidence(part.reason.evidence), blur: () => onEvidence(null),
      click: () => onShow(part.reason.evidence, label.textContent),
    } }, label, share, meter.element);
    const element = h("li", {}, button);
    const part = { meter, label, share, button, reason: null };
    parts.set(element, part);
    return element;
  }

  function renewReason(element, reason) {
    const part = parts.get(element);
    part.reason = reason;
    part.label.textContent = reasonLabel(say, reason, nameOfEvidence);
    part.button.title = say.t("reason.said", { text: reason.text });
    part.share.textContent = say.percent(reason.effect);
    requestAnimationFrame(() => part.meter.set(reason.effect, 1));
  }

  async function openSimilar(button, place, id) {
    const isOpen = !place.hidden;
    place.hidden = isOpen;
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) return;
    put(place, skeleton(3));
    try {
      const answer = await api.similar(id, 4);
      put(place, answer.items.length ? h("ul", {}, answer.items.map((near) => similarRow(near.item_id))) : h("p", { class: "quiet" }, say.t("act.similar.none")));
    } catch (error) {
      put(place, ctx.problem(error));
    }
  }

  function similarRow(id) {
    const picture = h("span", { class: "similar-picture" }, tile({ item_id: id }, ""));
    const price = h("span", { class: "quiet" });
    items.get(id).then((item) => {
      put(picture, tile(item ?? { item_id: id }, say.initial(item?.category?.at(-1) ?? id)));
      if (typeof item?.price === "number") price.textContent = say.money(item.price, item.currency ?? "");
    }, (error) => { price.textContent = error.message; });
    return h("li", {}, picture, nameOf(id, ctx), price);
  }

  return {
    render,
    loading: () => { note.hidden = true; put(body, skeleton(10)); },
    failed(node) { note.hidden = true; basis.textContent = ""; shown = []; list.replaceChildren(); put(body, node); },
    untrained() {
      this.failed(notice("empty", say.t("recommendations.untrained"), say.t("recommendations.untrained.detail"), h("code", { class: "command" }, "huaxiang train")));
    },
    nobody() {
      this.failed(notice("empty", say.t("profile.pick")));
    },
    idle() { for (const card of list.children) card.classList.remove("is-busy"); },
  };
}
