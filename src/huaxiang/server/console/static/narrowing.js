// The filters at the side: values with how many have them, several of a field meaning any of them, and the price.

import { isBlank } from "./asked.js";
import { h, put, reconcile } from "./dom.js";
import { icon } from "./icons.js";
import { fieldName } from "./understood.js";

const FEW = 6;
const PATH = " > ";

/** Values in the order in which they are shown: by count, but of a category what lies within it after it. */
export function inOrder(field, values) {
  if (field !== "category") return values.map((one) => ({ ...one, depth: 0 }));
  const sorted = [...values];
  const among = new Set(sorted.map((one) => one.value));
  const parent = (value) => {
    const parts = value.split(PATH);
    for (let n = parts.length - 1; n > 0; n -= 1) if (among.has(parts.slice(0, n).join(PATH))) return parts.slice(0, n).join(PATH);
    return null;
  };
  const under = (above, depth) => sorted.filter((one) => parent(one.value) === above).flatMap((one) => [{ ...one, depth }, ...under(one.value, depth + 1)]);
  return under(null, 0);
}

/** A facet with the values that are chosen, though none of the items may have them. */
function withChosen({ field, values }, chosen) {
  const missing = chosen.filter((value) => !values.some((one) => one.value === value)).map((value) => ({ value, count: 0 }));
  return { field, values: [...values, ...missing] };
}

/** The panel. onToggle(field, value); onPrice(low, high), null for no bound. */
export function createNarrowing(root, ctx, { onToggle, onPrice }) {
  const { say } = ctx;
  const head = h("span", {});
  const groups = h("div", { class: "facets" });
  const none = h("p", { class: "quiet facets-none" }, say.t("find.narrow.none"));
  const whole = new Set();
  const parts = new WeakMap();
  const bound = (id, label) => h("input", {
    type: "number", class: "search", id, min: "0", step: "any", inputmode: "decimal", "aria-label": `${say.t("find.field.price")} ${say.t(label)}`, placeholder: say.t(label),
  });
  const [low, high] = [bound("find-low", "find.narrow.low"), bound("find-high", "find.narrow.high")];
  const fault = h("p", { class: "warn", role: "alert" });
  const price = h("form", { class: "facet-price", novalidate: true, on: { submit: setPrice, change: setPrice } },
    h("h3", {}, say.t("find.field.price")),
    h("div", { class: "facet-bounds" }, low, h("span", { class: "quiet", "aria-hidden": "true" }, "–"), high, h("button", { class: "small-button", type: "submit" }, say.t("find.narrow.price.go"))),
    fault);
  const details = h("details", { class: "narrow", open: matchMedia("(min-width: 920px)").matches },
    h("summary", { class: "panel-head" }, h("h2", { id: "narrowing-title" }, head), icon("chevron")),
    h("div", { class: "narrow-body" }, price, groups, none));
  put(root, details);
  let last = { facets: [], asked: null };

  function setPrice(event) {
    event.preventDefault();
    const [from, to] = [low, high].map((box) => (box.value.trim() === "" || !(Number(box.value) >= 0) ? null : Number(box.value)));
    const isWrong = from !== null && to !== null && from > to;
    fault.textContent = isWrong ? say.t("find.narrow.wrong") : "";
    if (!isWrong && (from !== last.asked.low || to !== last.asked.high)) onPrice(from, to);
  }

  function render(asked, facets) {
    last = { facets, asked };
    const n = [...asked.filters.values()].flat().length + (asked.low !== null || asked.high !== null ? 1 : 0);
    head.textContent = n ? say.t("find.narrow.n", { n }) : say.t("find.narrow");
    for (const [box, value] of [[low, asked.low], [high, asked.high]]) if (document.activeElement !== box) box.value = value ?? "";
    const unseen = [...asked.filters.keys()].filter((field) => !facets.some((facet) => facet.field === field)).map((field) => ({ field, values: [] }));
    const shown = [...facets, ...unseen].map((facet) => withChosen(facet, asked.filters.get(facet.field) ?? []));
    none.hidden = shown.length > 0 || !isBlank(asked);
    reconcile(groups, shown, (facet) => facet.field, makeGroup, renewGroup);
  }

  function makeGroup({ field }) {
    const list = h("ul", {});
    const foot = h("div", {});
    const group = h("fieldset", { class: "facet-group" }, h("legend", {}, fieldName(say, field)), list, foot);
    parts.set(group, { list, foot });
    return group;
  }

  function renewGroup(group, { field, values }) {
    const { list, foot } = parts.get(group);
    const isWhole = whole.has(field);
    const chosen = last.asked.filters.get(field) ?? [];
    const few = isWhole ? values : values.filter((one, at) => at < FEW || chosen.includes(one.value));
    reconcile(list, inOrder(field, few), (one) => one.value, (one) => makeChoice(field, one), renewChoice);
    const toggle = () => {
      whole[isWhole ? "delete" : "add"](field);
      render(last.asked, last.facets);
      foot.querySelector("button")?.focus();
    };
    const words = isWhole ? say.t("show.less") : say.t("show.all", { n: values.length });
    put(foot, values.length > FEW ? h("button", { class: "link", type: "button", "aria-expanded": String(isWhole), on: { click: toggle } }, words) : null);
  }

  function makeChoice(field, { value }) {
    const input = h("input", { type: "checkbox", on: { change: () => onToggle(field, value) } });
    const n = h("span", { class: "facet-n" });
    const row = h("li", {}, h("label", { class: "facet-choice", title: value }, input, h("span", { class: "facet-value" }, field === "category" ? value.split(PATH).at(-1) : value), n));
    parts.set(row, { input, n, field });
    return row;
  }

  function renewChoice(row, { value, count, depth }) {
    const { input, n, field } = parts.get(row);
    input.checked = (last.asked.filters.get(field) ?? []).includes(value);
    n.textContent = say.number(count);
    row.dataset.depth = String(Math.min(depth, 3));
    row.classList.toggle("is-none", count === 0);
  }

  return { render };
}
