// The list of shoppers: pages in id order, and a box that jumps to where ids begin with what is typed.

import { debounce, h, notice, put, skeleton } from "./dom.js";
import { icon } from "./icons.js";

const PAGE = 60;

/** The greatest text below every text that begins with `prefix`, in code point order; null: from the beginning. */
export function before(prefix) {
  const letters = [...prefix];
  const last = letters.pop();
  if (last === undefined) return null;
  const code = last.codePointAt(0) - 1;
  if (code < 1) return letters.join("") || null;
  return letters.join("") + String.fromCodePoint(code >= 0xd800 && code <= 0xdfff ? 0xd7ff : code) + "\u{10ffff}";
}

/** The panel; `onPick(id)` opens a shopper. */
export function createShoppers(root, ctx, { onPick, onFirst }) {
  const { say, api } = ctx;
  const list = h("ul", { class: "people" });
  const body = h("div", { class: "panel-body" });
  const search = h("input", { type: "search", class: "search", placeholder: say.t("shoppers.search"), "aria-label": say.t("shoppers.search"), autocomplete: "off", spellcheck: "false", maxlength: "512" });
  put(root,
    h("header", { class: "panel-head" }, h("h2", { id: "shoppers-title" }, say.t("shoppers"))),
    h("div", { class: "panel-tools" }, h("div", { class: "search-box" }, icon("search"), search, h("kbd", {}, "/"))), body);
  let people = [];
  let next = null;
  let prefix = "";
  let turn = 0;
  let chosen = null;

  async function load({ isMore = false } = {}) {
    const mine = ++turn;
    if (!isMore && !people.length) put(body, skeleton(12));
    try {
      const page = await api.users(PAGE, isMore ? next : before(prefix));
      if (mine !== turn) return;
      const found = page.users.filter((user) => user.user_id.startsWith(prefix));
      people = isMore ? [...people, ...found] : found;
      next = found.length === page.users.length ? page.after : null;
      draw();
      if (!prefix && !isMore) onFirst(people);
    } catch (error) {
      if (mine === turn) put(body, ctx.problem(error, () => load({ isMore })));
    }
  }

  function draw() {
    const held = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    const at = body.scrollTop;
    put(list, people.map((user) => row(user)));
    const more = next ? h("button", { class: "more", type: "button", on: { click: () => load({ isMore: true }) } }, say.t("shoppers.more")) : null;
    const open = prefix && !people.some((user) => user.user_id === prefix)
      ? h("button", { class: "more", type: "button", on: { click: () => onPick(prefix) } }, say.t("shoppers.open", { q: prefix })) : null;
    if (people.length) {
      put(body, list, more, open);
      body.scrollTop = at;
      if (held !== null) [...list.querySelectorAll("button")].find((button) => button.dataset.id === held)?.focus();
    }
    else if (prefix) put(body, notice("empty", say.t("shoppers.none", { q: prefix })), open);
    else put(body, notice("empty", say.t("shoppers.empty"), say.t("shoppers.empty.detail")));
  }

  function row(user) {
    const is = user.user_id === chosen;
    return h("li", {}, h("button", { class: "person", type: "button", "aria-current": is ? "true" : null, data: { id: user.user_id }, on: { click: () => onPick(user.user_id) } },
      h("span", { class: "person-id" }, user.user_id),
      h("span", { class: "person-n" }, say.number(user.n_events)),
      h("span", { class: "person-seen" }, say.ago(user.last_seen))));
  }

  search.addEventListener("input", debounce(180, () => { prefix = search.value.trim(); load(); }));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && search.value.trim()) onPick(people.find((user) => user.user_id === search.value.trim())?.user_id ?? people[0]?.user_id ?? search.value.trim());
    if (event.key === "ArrowDown") { event.preventDefault(); list.querySelector("button")?.focus(); }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...list.querySelectorAll("button")];
    (all[all.indexOf(document.activeElement) + step] ?? search).focus();
  });

  return {
    load,
    focus: () => search.focus(),
    choose(id) {
      chosen = id;
      for (const button of list.querySelectorAll("button")) {
        if (button.dataset.id === id) { button.setAttribute("aria-current", "true"); button.scrollIntoView({ block: "nearest" }); }
        else button.removeAttribute("aria-current");
      }
    },
    /** Something happened; shoppers of the list may have done it. */
    touch(events) {
      const listed = new Map(people.map((user) => [user.user_id, user]));
      let isChanged = false;
      for (const event of events) {
        const user = listed.get(event.user_id);
        if (user) Object.assign(user, { n_events: user.n_events + 1, last_seen: event.timestamp > user.last_seen ? event.timestamp : user.last_seen });
        isChanged ||= Boolean(user);
      }
      if (isChanged) draw();
      else if (!people.length && !prefix && events.some((event) => event.user_id)) load();
    },
  };
}
