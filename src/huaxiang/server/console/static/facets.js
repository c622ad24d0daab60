// Interests by kind as bars that move; each opens to what it rests on and to what can be done about it.

import { bar, ring } from "./charts.js";
import { h, put, reconcile } from "./dom.js";
import { eventRow, facetLabel } from "./events.js";
import { icon } from "./icons.js";

const GROUPS = [["category", 8], ["brand", 5], ["price_band", 3], ["keyword", 7], ["attributes", 7]];
const BANDS = ["low", "middle", "high"];
const SEEN = 0.005;
const SCALES = [0.1, 0.25, 0.5, 0.75, 1];

/** Categories as a tree in a list: each widest one by strength, those within it below, narrower ones indented. */
export function asTree(facets) {
  const values = new Set(facets.map((facet) => facet.value));
  const strength = (a, b) => Math.abs(b.score) - Math.abs(a.score);
  const parentOf = (value) => {
    const levels = value.split(" > ");
    while (levels.pop() !== undefined && levels.length) if (values.has(levels.join(" > "))) return levels.join(" > ");
    return null;
  };
  const below = Map.groupBy ? Map.groupBy(facets, (facet) => parentOf(facet.value)) : grouped(facets, (facet) => parentOf(facet.value));
  const walk = (parent, depth) => [...(below.get(parent) ?? [])].sort(strength).flatMap((facet) => [{ ...facet, depth }, ...walk(facet.value, depth + 1)]);
  return walk(null, 0);
}

function grouped(rows, keyOf) {
  const found = new Map();
  for (const row of rows) found.set(keyOf(row), [...(found.get(keyOf(row)) ?? []), row]);
  return found;
}

/** Facets by group, in the order shown: [{name, most, rows}]; empty groups are left out. */
export function groups(interests) {
  const by = grouped(interests, (facet) => (facet.facet.startsWith("attribute:") ? "attributes" : facet.facet));
  const order = [...GROUPS, ...[...by.keys()].filter((name) => !GROUPS.some(([known]) => known === name)).map((name) => [name, 5])];
  return order.filter(([name]) => by.has(name)).map(([name, most]) => {
    const rows = by.get(name);
    if (name === "category") return { name, most, rows: asTree(rows) };
    if (name === "price_band") return { name, most, rows: [...rows].sort((a, b) => BANDS.indexOf(a.value) - BANDS.indexOf(b.value)) };
    return { name, most, rows: [...rows].sort((a, b) => Math.abs(b.score) - Math.abs(a.score)) };
  });
}

/** The part of the profile that shows interests. */
export function createFacets(root, ctx, { onEvidence, onPin, onEdit }) {
  const { say } = ctx;
  const parts = new WeakMap();
  const whole = new Set();
  let open = null;
  let last = { interests: [], events: new Map(), isPast: false, isSame: false };

  const keyOf = (facet) => `${facet.facet}\u0000${facet.value}`;
  const label = (facet) => facetLabel(say, facet.facet, facet.value);

  function render(next) {
    last = next;
    if (!next.isSame) { open = null; whole.clear(); root.replaceChildren(); }
    if (open && !next.interests.some((facet) => keyOf(facet) === open)) { open = null; onPin(null); }
    reconcile(root, groups(next.interests), (group) => group.name, makeGroup, renewGroup);
  }

  function makeGroup(group) {
    const rows = h("div", { class: "facet-rows" });
    const foot = h("div", {});
    const about = h("span", { class: "group-about" });
    const name = say.has(`facet.${group.name}`) ? say.t(`facet.${group.name}`) : group.name;
    const element = h("section", { class: `group is-${group.name}` }, h("h3", {}, name, about), rows, foot);
    parts.set(element, { rows, foot, about });
    return element;
  }

  function renewGroup(element, group) {
    const { rows, foot, about } = parts.get(element);
    const isWhole = whole.has(group.name);
    const shown = isWhole ? group.rows : group.rows.slice(0, group.most);
    const lives = new Set(group.rows.map((row) => row.half_life_days));
    about.textContent = lives.size === 1 ? say.t("half.life", { n: say.number([...lives][0]) }) : "";
    const most = Math.max(...group.rows.map((row) => Math.abs(row.score)));
    const scale = SCALES.find((step) => most <= step) ?? 1; // steps, so that one bar's growth does not shrink the others
    reconcile(rows, shown, keyOf, makeRow, (row, facet) => renewRow(row, facet, scale));
    const toggle = () => { whole[isWhole ? "delete" : "add"](group.name); render({ ...last, isSame: true, isRedraw: true }); };
    put(foot, group.rows.length > group.most ? h("button", { class: "link", type: "button", on: { click: toggle } },
      isWhole ? say.t("show.less") : say.t("show.all", { n: group.rows.length })) : null);
  }

  function makeRow(facet) {
    const meter = bar();
    const sure = ring();
    const score = h("span", { class: "facet-score" });
    const change = h("span", { class: "change", "aria-hidden": "true" });
    const more = h("div", { class: "facet-more", hidden: true });
    const tag = facet.facet.startsWith("attribute:") ? h("span", { class: "facet-tag" }, facet.facet.slice("attribute:".length)) : null;
    const name = h("span", { class: "facet-name", title: facet.value }, h("span", { class: "facet-label" }, label(facet)), tag);
    const element = h("div", { class: "facet" });
    const button = h("button", { class: "facet-row", type: "button", "aria-expanded": "false", on: {
      click: () => toggle(element), mouseenter: () => light(element), mouseleave: () => onEvidence(null), focus: () => light(element), blur: () => onEvidence(null),
    } }, name, change, score, sure.element, meter.element);
    element.append(button, more);
    element.classList.toggle("is-added", last.isSame && !last.isRedraw);
    parts.set(element, { meter, sure, score, change, more, button, facet: null });
    return element;
  }

  function renewRow(element, facet, scale) {
    const part = parts.get(element);
    const before = part.facet?.score;
    part.facet = facet;
    element.dataset.depth = String(facet.depth ?? 0);
    element.classList.toggle("is-faint", facet.confidence < 0.05);
    const certain = say.t("confidence", { n: say.percent(facet.confidence) });
    part.score.textContent = say.percent(facet.score);
    part.sure.set(facet.confidence, certain);
    part.button.title = [facet.value, certain, say.t("half.life", { n: say.number(facet.half_life_days) }), say.t("last.seen", { when: say.ago(facet.last_seen) })].join(" · ");
    if (before === undefined) requestAnimationFrame(() => part.meter.set(facet.score, scale, facet.confidence));
    else part.meter.set(facet.score, scale, facet.confidence);
    if (before !== undefined && !last.isRedraw) showChange(part, facet.score - before);
    const isOpen = keyOf(facet) === open;
    part.more.hidden = !isOpen;
    part.button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) put(part.more, details(facet));
  }

  function showChange(part, by) {
    part.change.classList.remove("is-up", "is-down");
    if (Math.abs(by) < SEEN) return;
    part.change.textContent = `${by > 0 ? "+" : "−"}${(Math.abs(by) * 100).toFixed(1)}`;
    void part.change.offsetWidth;
    part.change.classList.add(by > 0 ? "is-up" : "is-down");
  }

  function details(facet) {
    const found = facet.evidence.map((id) => last.events.get(id)).filter(Boolean);
    const act = (op, mark, weight) => h("button", { class: "small-button", type: "button", disabled: last.isPast, on: { click: () => onEdit({ op, facet: facet.facet, value: facet.value, ...(weight ? { weight } : {}) }) } }, icon(mark), say.t(op));
    return [
      h("p", { class: "facet-facts" }, [say.t("confidence", { n: say.percent(facet.confidence) }), say.t("half.life", { n: say.number(facet.half_life_days) }), say.t("last.seen", { when: say.ago(facet.last_seen) })].join(" · ")),
      h("div", { class: "facet-acts" }, act("boost", "up", 2), act("mute", "mute"), act("remove", "trash")),
      found.length ? h("ol", { class: "events is-small" }, found.map((event) => eventRow(event, ctx))) : h("p", { class: "quiet" }, say.t("evidence.none")),
    ];
  }

  function toggle(element) {
    const { facet } = parts.get(element);
    open = open === keyOf(facet) ? null : keyOf(facet);
    onPin(open ? facet.evidence : null, label(facet));
    render({ ...last, isSame: true, isRedraw: true });
  }

  function light(element) {
    onEvidence(parts.get(element).facet.evidence);
  }

  return { render };
}
