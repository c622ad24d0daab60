// The box that is searched by, with completions of what is typed; and the chooser of whom it is searched for.

import { createCombobox } from "./combobox.js";
import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { inUnits, marked } from "./marking.js";
import { before } from "./shoppers.js";

const OFFERED = 8;
const WAIT = 120;
const MOST_CHARACTERS = 500;
const KINDS = { query: "search", category: "grid", brand: "tag", item: "bag" };

/** Completions; none where the shop has no such service, or it does not answer: one can search without. */
export function createOffers(api) {
  let isThere = true;
  return async (text, user) => {
    if (!isThere) return [];
    try {
      return (await api.suggest(text, OFFERED, user)).suggestions;
    } catch (error) {
      isThere = error.status !== 404;
      return [];
    }
  };
}

/** The filter that goes with an offer. An item is looked for by its name alone: what is like it shows beside it. */
const scopeOf = ({ scope }) => (scope && !scope.item_id ? scope : {});

/** The box. `onAsk(text, scope)` is told what to search for, `scope` a filter that goes with it; `current()` is for whom. */
export function createBox(ctx, { onAsk, current }) {
  const { say, offers } = ctx;
  let asked = "";
  const input = h("input", { type: "search", class: "search", id: "find", name: "q", maxlength: String(MOST_CHARACTERS), placeholder: say.t("find.such"), enterkeyhint: "search" });
  const box = createCombobox(input, {
    id: "find", label: say.t("find.offers"), wait: WAIT,
    ask: (text) => (text.trim() ? offers(text, current()) : []),
    draw: (offer) => [icon(KINDS[offer.kind] ?? "search"), h("span", { class: "offer-text" }, marked(offer.text, inUnits(offer.text, offer.highlight))),
      say.has(`find.kind.${offer.kind}`) ? h("span", { class: "offer-kind" }, say.t(`find.kind.${offer.kind}`)) : null],
    onTake: (offer) => {
      input.value = offer.text;
      onAsk(offer.text, scopeOf(offer));
    },
    onEnter: (text) => onAsk(text, {}),
    count: (n) => say.t("find.offers.n", { n }),
  });
  const go = (event) => {
    event.preventDefault();
    box.close();
    onAsk(input.value, {});
  };
  const element = h("form", { class: "find-form", role: "search", on: { submit: go } },
    h("label", { class: "unseen", for: "find" }, say.t("find.label")),
    h("div", { class: "search-box find-box" }, icon("search"), input, h("kbd", {}, "/"), box.element),
    h("button", { class: "main-button", type: "submit" }, say.t("find.go")));
  return {
    element,
    /** What is asked; what is being typed stays while that does not change. */
    show(text) {
      if (text !== asked) input.value = text;
      asked = text;
    },
    focus: () => { input.focus(); input.select(); },
  };
}

/** The chooser. `onUser(id)` is told of a choice, null for nobody. */
export function createChooser(ctx, { onUser }) {
  const { say, api } = ctx;
  const input = h("input", {
    type: "text", class: "search", id: "find-for", maxlength: "512", placeholder: say.t("find.for.such"), on: { focus: () => input.select(), blur: () => fill(chosen) },
  });
  const toNobody = () => {
    pick(null);
    input.focus();
  };
  const clear = h("button", { class: "choice-clear", type: "button", title: say.t("find.for.clear"), "aria-label": say.t("find.for.clear"), on: { click: toNobody } }, icon("cross"));
  let chosen = null;

  async function people(text) {
    const typed = text.trim() === chosen ? "" : text.trim(); // whoever opens the list of somebody chosen wants another
    const page = await api.users(OFFERED, before(typed)).catch(() => ({ users: [] }));
    const found = page.users.filter((user) => user.user_id.startsWith(typed));
    const stranger = typed && !found.some((user) => user.user_id === typed) ? [{ user_id: typed, isNew: true }] : [];
    return typed ? [...found, ...stranger] : [{ user_id: null }, ...found];
  }

  function person(user) {
    if (user.user_id === null) return [icon("no"), h("span", { class: "offer-text" }, say.t("find.for.nobody"))];
    if (user.isNew) return [icon("user"), h("span", { class: "offer-text" }, say.t("shoppers.open", { q: user.user_id }))];
    return [icon("user"), h("span", { class: "offer-text" }, user.user_id), h("span", { class: "offer-kind" }, say.t("find.for.n", { n: say.number(user.n_events) }))];
  }

  function pick(id) {
    fill(id);
    onUser(id);
  }

  function show(id) {
    if (id !== chosen || document.activeElement !== input) fill(id); // else it is being typed in
  }

  function fill(id) {
    chosen = id;
    input.value = id ?? "";
    clear.hidden = id === null;
  }

  const box = createCombobox(input, {
    id: "find-for", label: say.t("shoppers"), wait: WAIT, ask: people, draw: person,
    onTake: (user) => pick(user.user_id), onEnter: (text) => pick(text.trim() || null), count: (n) => say.t("find.offers.n", { n }),
  });
  const element = h("div", { class: "choice" }, h("label", { class: "label", for: "find-for" }, say.t("find.for")),
    h("div", { class: "search-box" }, icon("user"), input, clear, box.element));
  fill(null);
  return { element, show };
}

/** What people often ask for, as buttons; nothing where nothing is known. */
export function createStarters(ctx, { onAsk, current }) {
  const { say, offers } = ctx;
  const element = h("div", { class: "starters" });
  offers("", current()).then((found) => {
    const asked = found.slice(0, OFFERED);
    const chip = (offer) => h("button", { class: "chip is-button", type: "button", on: { click: () => onAsk(offer.text, scopeOf(offer)) } }, offer.text);
    put(element, asked.length ? [h("p", { class: "label" }, say.t("find.start.try")), h("div", { class: "chips" }, asked.map(chip))] : []);
  });
  return element;
}
