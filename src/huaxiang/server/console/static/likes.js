// What somebody seems to like, as cards: how strongly, why, and four ways to put it right.

import { createAdding } from "./adding.js";
import { bar } from "./charts.js";
import { deedRow } from "./deeds.js";
import { h, notice, put, reconcile } from "./dom.js";
import { icon } from "./icons.js";
import { facetName, facetPlace, FULL, strength } from "./sentences.js";

const GROUPS = [["category", 4], ["brand", 4], ["price_band", 3], ["details", 2]];
const ACTS = [["more", "up", { op: "boost", weight: 2 }], ["less", "down", { op: "boost", weight: 0.5 }], ["never", "mute", { op: "mute" }], ["wrong", "cross", { op: "remove" }]];
const WHY = 5;

const keyOf = (facet) => `${facet.facet}\u0000${facet.value}`;
const groupOf = (facet) => (facet === "keyword" || facet.startsWith("attribute:") ? "details" : facet);

/**
 * Facets by the kind that a shopper knows them by: [{name, most, rows}]; empty kinds are left out. Those with a `place`
 * (facet to a number) stand by it, so that nothing moves from under a pointer; what is new goes first, by strength.
 */
export function kinds(interests, place) {
  const known = new Set(GROUPS.map(([name]) => name));
  const order = [...GROUPS, ["other", 4]];
  const kindOf = (facet) => (known.has(groupOf(facet.facet)) ? groupOf(facet.facet) : "other");
  return order.map(([name, most]) => ({ name, most, rows: interests.filter((facet) => kindOf(facet) === name).sort((a, b) => place(a) - place(b) || Math.abs(b.score) - Math.abs(a.score)) })).filter(({ rows }) => rows.length);
}

/** The cards. ctx: onEdit(edit, place), onUndo(id, place); a failure is said in `place`. */
export function createLikes(root, ctx) {
  const { say } = ctx;
  const parts = new WeakMap();
  const whole = new Set();
  const open = new Set();
  const message = h("div", {});
  const groups = h("div", {});
  const adding = createAdding(ctx);
  put(root, h("h2", { id: "likes-title", tabindex: "-1" }, say.t("me.likes")), h("p", { class: "me-lead" }, say.t("me.likes.lead")), message, groups, adding.element);
  let last = null;
  const places = new Map();

  /** known: {profile, events (a map by id), standing, excluded}. */
  function render(known) {
    last = known;
    const { profile } = known;
    const isDenied = profile.consents.personalisation === "denied";
    const empty = isDenied ? "me.likes.denied" : profile.interests.length ? null : "me.likes.none";
    put(message, empty ? notice("empty", say.t(empty), say.t(`${empty}.detail`)) : null);
    adding.element.hidden = isDenied;
    const stated = new Set(known.standing.filter(({ op }) => op === "add").map(keyOf));
    const facets = profile.interests.map((facet) => ({ ...facet, isStated: stated.has(keyOf(facet)) }));
    const found = kinds(facets, (facet) => places.get(keyOf(facet)) ?? -1);
    if (!places.size) found.flatMap(({ rows }) => rows).forEach((facet, at) => places.set(keyOf(facet), at));
    reconcile(groups, found, (group) => group.name, makeGroup, renewGroup);
  }

  function makeGroup(group) {
    const list = h("ul", { class: "likes" });
    const foot = h("div", {});
    const element = h("section", { class: "likes-group" }, h("h3", {}, say.t(`me.kind.${group.name}`)), list, foot);
    parts.set(element, { list, foot });
    return element;
  }

  function renewGroup(element, group) {
    const { list, foot } = parts.get(element);
    const isWhole = whole.has(group.name);
    reconcile(list, isWhole ? group.rows : group.rows.slice(0, group.most), keyOf, makeCard, renewCard);
    const toggle = () => { whole[isWhole ? "delete" : "add"](group.name); render(last); foot.querySelector("button")?.focus(); };
    put(foot, group.rows.length > group.most ? h("button", { class: "me-button is-wide", type: "button", "aria-expanded": String(isWhole), on: { click: toggle } }, isWhole ? say.t("me.show.less") : say.t("me.show.all", { n: group.rows.length })) : null);
  }

  function makeCard(facet) {
    const name = facetName(say, facet.facet, facet.value);
    const place = facetPlace(say, facet.facet, facet.value);
    const part = { facet, meter: bar(), word: h("p", { class: "like-word" }), standing: h("div", { class: "like-standing" }), acts: h("div", { class: "like-acts" }), fault: h("div", { class: "fault", role: "alert" }), why: h("div", { class: "like-why", id: `why-${crypto.getRandomValues(new Uint32Array(1))[0]}` }), name };
    part.button = h("button", { class: "me-button is-why", type: "button", "aria-controls": part.why.id, "aria-label": say.t("me.of", { do: say.t("me.why"), what: name }), on: { click: () => { open[open.has(keyOf(facet)) ? "delete" : "add"](keyOf(facet)); showWhy(part); } } }, say.t("me.why"), icon("chevron"));
    const card = h("li", { class: "like" },
      h("div", { class: "like-head" }, h("h4", {}, name, place ? h("span", { class: "like-place" }, place) : null), part.button),
      part.meter.element, part.word, part.standing, part.acts, part.fault, part.why);
    parts.set(card, part);
    return card;
  }

  function renewCard(card, facet) {
    const part = parts.get(card);
    part.facet = facet;
    part.word.textContent = strength(say, facet);
    requestAnimationFrame(() => part.meter.set(facet.score, FULL));
    const edit = last.standing.find((one) => keyOf(one) === keyOf(facet));
    put(part.standing, edit ? [h("span", {}, ctx.changed(edit)), h("button", { class: "me-button", type: "button", "aria-label": say.t("me.of", { do: say.t("me.undo"), what: ctx.changed(edit) }), on: { click: () => ctx.onUndo(edit.id, part.fault) } }, say.t("me.undo"))] : null);
    const kept = facet.score < 0 ? ACTS.slice(2) : ACTS; // more of a dislike would only deepen it
    reconcile(part.acts, kept, ([key]) => key, (act) => makeAct(part, act), () => {});
    showWhy(part);
  }

  function makeAct(part, [key, mark, said]) {
    const words = say.t(`me.${key}`);
    return h("button", { class: `me-button is-${key}`, type: "button", "aria-label": say.t("me.of", { do: words, what: part.name }), on: { click: () => ctx.onEdit({ ...said, facet: part.facet.facet, value: part.facet.value }, part.fault) } }, icon(mark), words);
  }

  function showWhy(part) {
    const isOpen = open.has(keyOf(part.facet));
    part.why.hidden = !isOpen;
    part.button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    const found = part.facet.evidence.map((id) => last.events.get(id)).filter(Boolean).slice(0, WHY);
    put(part.why, found.length
      ? [h("p", { class: "label" }, say.t("me.why.because")), h("ol", { class: "deeds" }, found.map((event) => deedRow(event, { ...ctx, excluded: last.excluded })))]
      : h("p", { class: "quiet" }, say.t("me.why.old")));
  }

  return { render, focus: () => root.querySelector("h2").focus({ preventScroll: true }), failed: (node) => { groups.replaceChildren(); put(message, node); } };
}
