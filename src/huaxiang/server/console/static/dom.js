// Elements without markup in strings: every text goes in as a text node, so names and ids cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `on` holds listeners, `style` custom properties and CSS, `data` the dataset; the rest are attributes. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "style") for (const [key, said] of Object.entries(value)) node.style.setProperty(key, said);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Put these children, and nothing else, into a node. */
export function put(node, ...children) {
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (held && held !== document.activeElement && node.contains(held)) held.focus({ preventScroll: true }); // a child that was put again
  return node;
}

/**
 * Bring a node's children in line with `rows`, keeping the elements of rows that stay, so that they can move and grow.
 * `make(row)` builds an element, `renew(element, row)` updates a kept one. Returns {added, gone} keys.
 */
export function reconcile(parent, rows, keyOf, make, renew) {
  const kept = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const added = [];
  const wanted = rows.map((row) => {
    const key = keyOf(row);
    let element = kept.get(key);
    if (element) kept.delete(key);
    else {
      element = make(row);
      element.dataset.key = key;
      added.push(key);
    }
    renew(element, row);
    return element;
  });
  for (const element of kept.values()) element.remove();
  wanted.forEach((element, at) => {
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] ?? null);
  });
  return { added, gone: [...kept.keys()] };
}

/** Slide the children of a node from where they were before `change` to where they are after it. */
export function slide(parent, change) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const before = new Map([...parent.children].map((child) => [child, child.getBoundingClientRect().top - parent.getBoundingClientRect().top]));
  const result = change();
  if (still) return result;
  const top = parent.getBoundingClientRect().top;
  for (const child of parent.children) {
    if (!before.has(child)) continue;
    const moved = before.get(child) - (child.getBoundingClientRect().top - top);
    if (Math.abs(moved) > 1) child.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 420, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
  return result;
}

/** Call at most once per pause of `wait` milliseconds. */
export function debounce(wait, call) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait);
  };
}

/** A message in place of content: loading, empty or an error. */
export function notice(kind, title, detail, action) {
  return h("div", { class: `notice notice-${kind}`, role: kind === "error" ? "alert" : null },
    h("p", { class: "notice-title" }, title), detail ? h("p", { class: "notice-detail" }, detail) : null, action ?? null);
}

/** Grey lines where content is coming. */
export function skeleton(lines) {
  return h("div", { class: "skeleton", "aria-hidden": "true" },
    Array.from({ length: lines }, (_, at) => h("span", { style: { "--w": `${92 - ((at * 37) % 45)}%` } })));
}
