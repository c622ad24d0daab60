// A text box with a list under it, worked by the keyboard alone: arrows move through the list, Enter takes, Escape closes.

import { h, put } from "./dom.js";

/**
 * Give a text box a list; answers {element, close}, the element to be put after the box.
 * `ask(text)` answers the rows of a text, `draw(row)` is the inside of one, `onTake(row)` is told of a choice, and
 * `onEnter(text)` of a text that was entered as it is. `count(n)` says how many rows there are, to who cannot see them.
 */
export function createCombobox(input, { id, label, wait, ask, draw, onTake, onEnter, count }) {
  const list = h("ul", { class: "offers", id: `${id}-offers`, role: "listbox", "aria-label": label, hidden: true });
  const status = h("p", { class: "unseen", role: "status" });
  let rows = [];
  let active = -1;
  let turn = 0;
  let timer = 0;
  const said = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false" };
  for (const [name, value] of Object.entries(said)) input.setAttribute(name, value);

  /** What was asked for meanwhile comes too late then. */
  function close() {
    turn += 1;
    clearTimeout(timer);
    list.hidden = true;
    status.textContent = "";
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  async function look() {
    clearTimeout(timer);
    const mine = ++turn;
    const found = await ask(input.value);
    if (mine !== turn || document.activeElement !== input) return;
    rows = found;
    if (!rows.length) {
      close();
      return;
    }
    put(list, rows.map((row, at) => h("li", {
      class: "offer", id: `${id}-offer-${at}`, role: "option", "aria-selected": "false", on: { click: () => take(row), mousemove: () => mark(at) },
    }, draw(row))));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    status.textContent = count(rows.length);
    mark(-1);
  }

  function mark(at) {
    if (list.children[active]) list.children[active].setAttribute("aria-selected", "false");
    active = at;
    const row = list.children[at];
    if (!row) return input.removeAttribute("aria-activedescendant");
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    return input.setAttribute("aria-activedescendant", row.id);
  }

  function take(row) {
    close();
    onTake(row);
  }

  /** From the box to the first or the last row, and past the ends back to the box. */
  async function step(by) {
    if (list.hidden) await look();
    if (list.hidden) return;
    const n = rows.length + 1;
    mark(((active + 1 + by + n) % n) - 1);
  }

  function key(event) {
    if (event.isComposing) return;
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Escape" && isOpen) close();
    else if (event.key === "Enter" && isOpen && active >= 0) take(rows[active]);
    else if (event.key === "Enter") {
      close();
      onEnter(input.value);
    } else return;
    event.preventDefault();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, wait);
  });
  input.addEventListener("keydown", key);
  input.addEventListener("click", () => { if (list.hidden) look(); });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  return { element: [list, status], close };
}
