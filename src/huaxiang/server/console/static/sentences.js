// What is known of somebody, in sentences for that somebody: no scores, no ids, no words of the trade.

/** A share of all interest that fills the bar: hardly anything but a price level has more. */
export const FULL = 0.5;
const STRENGTHS = [[0.3, "most"], [0.15, "large"], [0.06, "some"], [0, "small"]];
const NAMED = 3;

/** What a facet is called: the narrowest level of a category, a price level in words, else its own value. */
export function facetName(say, facet, value) {
  if (facet === "price_band" && say.has(`me.price.${value}`)) return say.t(`me.price.${value}`);
  return facet === "category" ? value.split(" > ").at(-1) : value;
}

/** Where a facet belongs: the levels above a category, or what an attribute is of; empty for the others. */
export function facetPlace(say, facet, value) {
  if (facet.startsWith("attribute:")) return facet.slice("attribute:".length);
  const above = facet === "category" ? value.split(" > ").slice(0, -1) : [];
  return above.length ? say.t("me.within", { what: above.join(" › ") }) : "";
}

/** How strong a facet is, in words. */
export function strength(say, { score, isStated }) {
  if (isStated) return say.t("me.strength.said");
  return say.t(`me.strength.${score < 0 ? "against" : STRENGTHS.find(([least]) => score >= least)[1]}`);
}

/** What an event is about: its items by name, or something where it has none. */
function about(say, event, items) {
  if (event.query) return event.query;
  const [first, ...more] = event.item_ids ?? [];
  if (!first) return say.t("did.something");
  const name = items.name(first) ?? first;
  return more.length ? `${name} ${say.t("items.more", { n: more.length })}` : name;
}

/** An event as a sentence to the person whose it is. */
export function deed(say, event, items) {
  const when = say.date(event.timestamp);
  if (event.event === "consent") {
    const { scope, status } = event.details ?? {};
    const what = say.has(`me.allow.${scope}`) ? say.t(`me.allow.${scope}`) : say.t("me.allow.all");
    return say.t(status === "denied" ? "did.denied" : "did.granted", { when, what });
  }
  const key = `did.${event.event}`;
  return say.t(say.has(key) ? key : "did.other", { when, what: about(say, event, items) });
}

/** A standing edit in words; `events` by id names what was left out. */
export function changed(say, edit, events, items) {
  if (edit.op === "exclude_event") {
    const event = events.get(edit.event_id);
    return say.t("me.changed.exclude_event", { what: event ? deed(say, event, items).replace(/[.。]$/, "") : say.t("me.changed.event") });
  }
  const op = edit.op === "boost" ? (Number(edit.weight ?? 1) < 1 ? "less" : "more") : edit.op;
  return say.t(`me.changed.${op}`, { what: facetName(say, edit.facet, edit.value) });
}

/** The narrowest kinds first come from the widest: of a category and one within it that is nearly as strong, the inner one. */
function telling(categories) {
  const inner = (facet) => categories.some((other) => other.value.startsWith(`${facet.value} > `) && other.score > 0.6 * facet.score);
  return categories.filter((facet) => !inner(facet)).sort((a, b) => b.score - a.score);
}

/** A profile in a few sentences. */
export function inShort(say, profile, items) {
  if (profile.consents.personalisation === "denied") return [say.t("me.sum.denied")];
  const liked = (kind) => profile.interests.filter((facet) => facet.facet === kind && facet.score > 0);
  const names = (facets) => say.list(facets.slice(0, NAMED).map((facet) => facetName(say, facet.facet, facet.value)));
  const need = (kind) => profile.needs.find((wanted) => wanted.facet === kind)?.value;
  const said = [];
  const [categories, brands, bands] = [telling(liked("category")), liked("brand"), liked("price_band")];
  if (categories.length) said.push(say.t("me.sum.top", { what: names(categories) }));
  if (brands.length) said.push(say.t("me.sum.brands", { what: names(brands.sort((a, b) => b.score - a.score)) }));
  const band = bands.sort((a, b) => b.score - a.score)[0]?.value;
  if (band && say.has(`me.sum.${band}`)) said.push(say.t(`me.sum.${band}`));
  if (!said.length) said.push(say.t("me.sum.nothing"));
  if (need("search")) said.push(say.t("me.sum.search", { what: need("search") }));
  if (need("unbought")) said.push(say.t("me.sum.unbought", { what: items.name(need("unbought")) ?? need("unbought") }));
  const errand = `me.sum.${(need("intent") ?? "").replaceAll(" ", "_")}`;
  if (need("intent") && say.has(errand)) said.push(say.t(errand));
  if (profile.mood.label) said.push(say.t(`me.sum.${profile.mood.label}`));
  return said;
}

/** Plain figures about somebody: [label, value]; what is not known, or not counted at their wish, is left out. */
export function figures(say, { behaviour }, nKept) {
  const rows = [];
  if (behaviour.first_seen) rows.push(["since", say.date(behaviour.first_seen)], ["last", say.date(behaviour.last_seen)]);
  if (behaviour.n_orders !== undefined) rows.push(["orders", say.number(behaviour.n_orders)]);
  const spent = Object.entries(behaviour.spend ?? {}).map(([currency, amount]) => say.money(amount, currency));
  if (spent.length) rows.push(["spent", spent.join(" + ")]);
  const level = (value) => say.t(`me.level.${value >= 0.66 ? "much" : value >= 0.33 ? "some" : "little"}`);
  if (behaviour.hours?.busiest?.length) rows.push(["hours", behaviour.hours.busiest.map((hour) => `${hour}:00`).join(", ")]);
  for (const name of ["price_sensitivity", "loyalty"]) if (typeof behaviour[name] === "number") rows.push([name, level(behaviour[name])]);
  if (typeof behaviour.repeat_purchase === "number") rows.push(["repeat_purchase", say.percent(behaviour.repeat_purchase)]);
  if (behaviour.language) rows.push(["language", say.has(`me.lang.${behaviour.language}`) ? say.t(`me.lang.${behaviour.language}`) : behaviour.language]);
  const traits = Object.entries(behaviour.traits ?? {}).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
  if (traits.length) rows.push(["traits", traits.join(", ")]);
  if (nKept !== undefined) rows.push(["kept", say.number(nKept)]);
  return rows.map(([name, value]) => [say.t(`me.fact.${name}`), value]);
}
