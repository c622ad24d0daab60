// Small charts as inline SVG: they hold no state but their own shape, and move when given new values.

import { h, s } from "./dom.js";

/** A bar that can move: `set(value, scale)` with value in [-1, 1]; the bar's full width stands for `scale`. */
export function bar(className = "") {
  const fill = h("span", { class: "meter-fill" });
  const element = h("span", { class: `meter ${className}`, "aria-hidden": "true" }, fill);
  return {
    element,
    set(value, scale = 1, certainty = 1) {
      const share = scale > 0 ? Math.min(1, Math.abs(value) / scale) : 0;
      fill.style.transform = `scaleX(${share.toFixed(4)})`;
      fill.style.opacity = (0.4 + 0.6 * certainty).toFixed(3);
      element.classList.toggle("is-negative", value < 0);
    },
  };
}

/** A ring that is filled by a share of 1. */
export function ring() {
  const r = 5.5;
  const around = 2 * Math.PI * r;
  const arc = s("circle", { class: "ring-arc", cx: 8, cy: 8, r, "stroke-dasharray": `0 ${around}`, transform: "rotate(-90 8 8)" });
  const element = s("svg", { class: "ring", viewBox: "0 0 16 16", role: "img" }, s("circle", { class: "ring-track", cx: 8, cy: 8, r }), arc);
  return {
    element,
    set(share, label) {
      arc.setAttribute("stroke-dasharray", `${(share * around).toFixed(2)} ${around.toFixed(2)}`);
      element.setAttribute("aria-label", label);
    },
  };
}

/** A half circle with a needle for a polarity in [-1, 1]. */
export function gauge() {
  const arc = (from, to, kind) => s("path", { class: `gauge-part is-${kind}`, d: arcPath(50, 50, 40, from, to) });
  const needle = s("g", { class: "gauge-needle" }, s("path", { d: "M50 50V17" }), s("circle", { cx: 50, cy: 50, r: 3.6 }));
  const element = s("svg", { class: "gauge", viewBox: "4 4 92 52", role: "img" },
    arc(-1, -0.17, "negative"), arc(-0.13, 0.13, "neutral"), arc(0.17, 1, "positive"), needle);
  return {
    element,
    set(polarity, label) {
      element.classList.toggle("is-empty", polarity === null);
      needle.style.transform = `rotate(${((polarity ?? 0) * 90).toFixed(1)}deg)`;
      element.setAttribute("aria-label", label);
    },
  };
}

function arcPath(cx, cy, r, from, to) {
  const at = (value) => [cx + r * Math.sin((value * Math.PI) / 2), cy - r * Math.cos((value * Math.PI) / 2)].map((x) => x.toFixed(2)).join(" ");
  return `M${at(from)}A${r} ${r} 0 0 1 ${at(to)}`;
}

/** Count events into `n` equal parts of [from, to): [{all, bought}], newest last. */
export function bins(events, from, to, n) {
  const counted = Array.from({ length: n }, () => ({ all: 0, bought: 0 }));
  const wide = (to - from) / n || 1;
  for (const event of events) {
    const at = Math.min(n - 1, Math.max(0, Math.floor((Date.parse(event.timestamp) - from) / wide)));
    counted[at].all += 1;
    if (event.event === "purchase") counted[at].bought += 1;
  }
  return counted;
}

/** Columns of activity over time; purchases stand out; what lies after `until` (a share of the width) is pale. */
export function activity(counted, until) {
  const most = Math.max(1, ...counted.map((bin) => bin.all));
  const columns = counted.map((bin, at) => {
    const tall = bin.all ? Math.max(2.5, 30 * Math.sqrt(bin.all / most)) : 0.8;
    const kind = `${bin.bought ? " is-bought" : ""}${at / counted.length >= until ? " is-later" : ""}`;
    return s("rect", { class: `column${kind}`, x: at + 0.14, y: (32 - tall).toFixed(2), width: 0.72, height: tall.toFixed(2), rx: 0.2 });
  });
  return s("svg", { class: "activity", viewBox: `0 0 ${counted.length} 32`, preserveAspectRatio: "none", "aria-hidden": "true" }, columns);
}

/** A number from 0 below `below` that depends on the text alone. */
export function hash(text, below) {
  let h32 = 2166136261;
  for (const letter of text) h32 = Math.imul(h32 ^ letter.codePointAt(0), 16777619) >>> 0;
  return h32 % below;
}

const SHAPES = [
  () => s("circle", { cx: 38, cy: 10, r: 15 }),
  () => s("circle", { cx: 6, cy: 42, r: 17 }),
  () => s("rect", { x: 25, y: 25, width: 30, height: 30, rx: 8, transform: "rotate(18 40 40)" }),
  () => s("path", { d: "M0 34Q12 24 24 34T48 34V48H0Z" }),
  () => s("path", { d: "M48 0 48 30 18 0Z" }),
  () => s("path", { d: "M0 14Q16 0 30 12T48 10V0H0Z" }),
];

/** A picture for an item that has none: its colour is the category's, its shapes are its own, its letter the shelf's. */
export function tile(item, initial) {
  const top = item?.category?.[0] ?? item?.item_id ?? "";
  const seed = hash(item?.item_id ?? "", SHAPES.length * SHAPES.length);
  const shapes = [...new Set([seed % SHAPES.length, Math.floor(seed / SHAPES.length)])];
  return s("svg", { class: "tile", viewBox: "0 0 48 48", "aria-hidden": "true", style: { "--h": String(hash(top, 24) * 15) } },
    s("rect", { class: "tile-ground", width: 48, height: 48 }), shapes.map((at) => SHAPES[at]()),
    s("text", { x: 24, y: 25, "text-anchor": "middle", "dominant-baseline": "central" }, initial));
}
