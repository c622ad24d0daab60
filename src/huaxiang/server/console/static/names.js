// Item names: asked for once, shown as soon as they are known; an id is shown only where there is no name.

import { h } from "./dom.js";

/** The name of an item, as an element that fills itself in. */
export function nameOf(id, { items }) {
  const element = h("span", { class: "item-name", title: id }, items.name(id) ?? "…");
  if (!items.name(id)) {
    items.get(id).then((item) => { element.textContent = item?.name || id; }, () => { element.textContent = id; });
  } else element.title = items.name(id);
  return element;
}
