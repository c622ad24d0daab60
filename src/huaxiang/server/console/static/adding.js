// The form that states a liking; it proposes what the shop has, so that what is added can be met.

import { h, put } from "./dom.js";
import { facetName } from "./sentences.js";

const KINDS = ["category", "brand", "keyword"];
const SURVEYED = 30;

/** The brands and kinds of things of items, each once: [{facet, value}]. */
export function offered(items) {
  const found = new Map();
  for (const item of items) {
    if (item?.brand) found.set(`brand ${item.brand}`, { facet: "brand", value: item.brand });
    const levels = item?.category ?? [];
    levels.forEach((_, at) => {
      const value = levels.slice(0, at + 1).join(" > ");
      found.set(`category ${value}`, { facet: "category", value });
    });
  }
  return [...found.values()];
}

/** What was typed as a facet: the shop's own spelling where it has it, in the kind chosen where it has none. */
export function meant(typed, kind, offers) {
  const text = typed.trim();
  const same = (value) => value.localeCompare(text, undefined, { sensitivity: "accent" }) === 0;
  const leaf = ({ facet, value }) => (facet === "category" ? value.split(" > ").at(-1) : value);
  const hits = offers.filter((offer) => same(offer.value) || same(leaf(offer)));
  return hits.find((offer) => offer.facet === kind) ?? hits[0] ?? { facet: kind, value: text };
}

/** The form. ctx: onEdit(edit, place) answers whether it went well. */
export function createAdding(ctx) {
  const { say, api, items, user } = ctx;
  const fault = h("div", { class: "fault", role: "alert" });
  const list = h("datalist", { id: "add-offers" });
  const input = h("input", { class: "search", id: "add-what", list: "add-offers", maxlength: "200", autocomplete: "off", required: true, placeholder: say.t("me.add.such"), on: { focus: survey, input: follow } });
  const kind = h("select", { class: "search", id: "add-kind" }, KINDS.map((name) => h("option", { value: name }, say.t(`me.add.${name}`))));
  let offers = [];
  let surveying = null;

  /** Learn once what there is to like; a failure only leaves the field without proposals. */
  function survey() {
    surveying ??= look();
    return surveying;
  }

  async function look() {
    const answer = await api.recommend(user, SURVEYED, null, false).catch(() => ({ items: [] }));
    const known = await Promise.all(answer.items.map((item) => items.get(item.item_id).catch(() => null)));
    offers = offered(known);
    put(list, offers.map(({ facet, value }) => h("option", { value: facetName(say, facet, value), label: say.t(`me.add.${facet}`) })));
  }

  function follow() {
    const found = meant(input.value, kind.value, offers);
    if (offers.includes(found)) kind.value = found.facet;
  }

  async function add(event) {
    event.preventDefault();
    if (!input.value.trim()) return;
    await survey();
    const { facet, value } = meant(input.value, kind.value, offers);
    if (await ctx.onEdit({ op: "add", facet, value }, fault)) input.value = "";
  }

  const element = h("form", { class: "me-add", on: { submit: add } },
    h("h3", {}, say.t("me.add")),
    h("div", { class: "me-add-row" },
      h("div", { class: "me-add-what" }, h("label", { for: "add-what", class: "label" }, say.t("me.add.label")), input, list),
      h("div", {}, h("label", { for: "add-kind", class: "label" }, say.t("me.add.kind")), kind),
      h("button", { class: "main-button", type: "submit" }, say.t("me.add.go"))),
    fault);
  return { element };
}
