// What a score is made of: a bar of its parts, and what their colours stand for.

import { h } from "./dom.js";

/** In the order in which they stand in a bar; what a shop's own release adds comes after them. */
const ORDER = ["complete", "words", "name", "ends", "named", "category", "meaning", "clicks", "popularity", "price_band", "profile", "sold_out"];

/** A part below this is shown as nothing. */
const LEAST = 0.005;

const nameOfPart = (say, name) => (say.has(`find.part.${name}`) ? say.t(`find.part.${name}`) : name);
const placeOf = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
const inOrder = (parts) => Object.entries(parts).filter(([, part]) => Math.abs(part) >= LEAST).sort(([a], [b]) => placeOf(a) - placeOf(b) || a.localeCompare(b));
const raising = (parts) => Object.values(parts).reduce((sum, part) => sum + Math.max(0, part), 0);
const whole = (parts) => Object.values(parts).reduce((sum, part) => sum + Math.abs(part), 0);
const swatch = (name) => h("span", { class: "part-swatch", data: { part: name } });

/** What fills a bar: the most that any of the items has. */
export const scaleOf = (found) => Math.max(1e-6, ...found.map((one) => whole(one.parts)));

/** The bar: what raises the score from the left, what lowers it striped after that. */
export function partsBar(say, found, scale) {
  const rows = inOrder(found.parts);
  const piece = ([name, part]) => h("span", {
    class: `part${part < 0 ? " is-lowering" : ""}`, data: { part: name }, title: said(say, name, part), style: { width: `${((100 * Math.abs(part)) / scale).toFixed(2)}%` },
  });
  const words = rows.map(([name, part]) => said(say, name, part)).join(", ");
  return h("span", { class: "parts", role: "img", "aria-label": say.t("find.score.said", { n: exact(found.score), parts: words }) },
    rows.filter(([, part]) => part > 0).map(piece), rows.filter(([, part]) => part < 0).map(piece));
}

const exact = (value) => value.toFixed(2).replace("-", "−");
const said = (say, name, part) => `${nameOfPart(say, name)} ${part > 0 ? "+" : ""}${exact(part)}`;

/** The legend of the parts that some of the items have. */
export function partsLegend(say, found) {
  const names = inOrder(Object.fromEntries(found.flatMap((one) => Object.entries(one.parts)))).map(([name]) => name);
  return names.length ? h("ul", { class: "legend", "aria-label": say.t("find.score") }, names.map((name) => h("li", {}, swatch(name), nameOfPart(say, name)))) : null;
}

/** The parts in figures. */
export function partsTable(say, found) {
  const rows = inOrder(found.parts);
  if (!rows.length) return h("p", { class: "quiet" }, say.t("find.score.none"));
  const share = (part) => (part > 0 && raising(found.parts) > 0 ? say.percent(part / raising(found.parts)) : "");
  return h("dl", { class: "parts-table" }, rows.map(([name, part]) => h("div", {},
    h("dt", {}, swatch(name), nameOfPart(say, name)), h("dd", {}, `${part > 0 ? "+" : ""}${exact(part)}`), h("dd", { class: "quiet" }, share(part)))));
}
