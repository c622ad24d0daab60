// Nobody's list and somebody's, side by side, with lines from where an item stood to where it stands.

import { COMPARED } from "./asked.js";
import { h, put, s } from "./dom.js";
import { compare } from "./recommendations.js";

const WIDE = 56;

/** How an item moved, as a badge: {text, kind, label}. */
export function moveOf(say, moves, id) {
  if (!moves.has(id)) return { text: "▲", kind: "up", label: say.t("find.moved.far", { n: COMPARED }) };
  const n = moves.get(id);
  if (!n) return { text: "=", kind: "same", label: say.t("find.moved.same") };
  return n > 0 ? { text: `▲${n}`, kind: "up", label: say.t("find.moved.up", { n }) } : { text: `▼${-n}`, kind: "down", label: say.t("find.moved.down", { n: -n }) };
}

/** How many of the shown items stand elsewhere than for nobody, and the places that each gained. */
export function movesOf(plain, shown) {
  const { moves } = compare(plain, shown);
  return { moves, n: shown.filter((item) => moves.get(item.item_id) !== 0).length };
}

/** The frame. `left` and `right` are lists whose rows have `data-key`; `draw()` brings the lines in line with them. */
export function createBeside(left, right) {
  const lines = s("svg", { class: "lines", "aria-hidden": "true" });
  const heads = [h("header", { class: "side-head" }), h("header", { class: "side-head" })];
  const element = h("div", { class: "beside" }, h("section", { class: "side is-plain" }, heads[0], left), lines, h("section", { class: "side" }, heads[1], right));
  const watch = new ResizeObserver(() => draw());
  for (const list of [left, right]) watch.observe(list);

  /** The middle of a row's first line, from the top of the frame; a row that opens keeps its line where it was. */
  const middle = (row) => row.offsetTop + Math.min(row.offsetHeight, 52) / 2;

  function draw() {
    const [from, to] = [left, right].map((list) => new Map([...list.children].map((row, at) => [row.dataset.key, { at, y: middle(row) }])));
    put(lines, [...from].filter(([key]) => to.has(key)).map(([key, start]) => {
      const end = to.get(key);
      const kind = end.at < start.at ? "up" : end.at > start.at ? "down" : "same";
      return s("path", { class: `line is-${kind}`, "data-key": key, d: `M0 ${start.y}C${WIDE / 2} ${start.y} ${WIDE / 2} ${end.y} ${WIDE} ${end.y}` });
    }));
  }

  /** Light up an item on both sides, and the line between; nothing where there is none. */
  function light(key) {
    for (const node of element.querySelectorAll("[data-key]")) node.classList.toggle("is-lit", node.dataset.key === key);
  }
  for (const name of ["mouseover", "focusin"]) element.addEventListener(name, (event) => light(event.target.closest("[data-key]")?.dataset.key));
  for (const name of ["mouseleave", "focusout"]) element.addEventListener(name, () => light(undefined));

  return {
    element, draw,
    /** Both lists with what stands over them, or the right one alone. */
    head(first, second) {
      element.classList.toggle("is-one", !first);
      put(heads[0], first);
      put(heads[1], second);
    },
  };
}
