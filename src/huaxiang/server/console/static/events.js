// Events as rows, and the list of what this shopper did, with the evidence of anything lit up in it.

import { h, notice, put, skeleton } from "./dom.js";
import { eventIcon, icon } from "./icons.js";
import { nameOf } from "./names.js";

const FIRST = 80;

/** What a facet is called: its own name, or the narrowest level of a category. */
export function facetLabel(say, facet, value) {
  if (facet === "price_band" && say.has(`band.${value}`)) return say.t(`band.${value}`);
  return facet === "category" ? value.split(" > ").at(-1) : value;
}

/** Edits that still hold, newest first, from events newest first: those that no later undo names. */
export function standingEdits(events) {
  const undone = new Set();
  const standing = [];
  for (const event of events) {
    if (event.event !== "profile_edit" || undone.has(event.event_id)) continue;
    const said = event.details ?? {};
    if (said.op === "undo") undone.add(said.edit_id);
    else standing.push({ id: event.event_id, at: event.timestamp, ...said });
  }
  return standing;
}

/** An edit in words. */
export function editLabel(say, said) {
  if (!say.has(`edited.${said.op}`)) return say.t("ev.profile_edit");
  return say.t(`edited.${said.op}`, { what: said.value ? facetLabel(say, said.facet, said.value) : "" });
}

/** One event; `onUser` makes its shopper a button that opens them. */
export function eventRow(event, ctx, { onUser } = {}) {
  const { say } = ctx;
  const verb = event.event === "profile_edit" && event.details ? editLabel(say, event.details)
    : say.has(`ev.${event.event}`) ? say.t(`ev.${event.event}`) : event.event;
  return h("li", { class: `event is-${event.event}`, data: { id: event.event_id } },
    h("span", { class: "event-icon" }, eventIcon(event.event)),
    h("div", { class: "event-body" },
      h("p", { class: "event-line" }, h("span", { class: "event-verb" }, verb), " ", about(event, ctx)),
      text(event),
      onUser ? who(event, say, onUser) : null),
    h("time", { class: "event-time", datetime: event.timestamp, title: say.moment(event.timestamp) }, say.ago(event.timestamp)));
}

function about(event, ctx) {
  const { say } = ctx;
  const parts = [];
  if (event.query) parts.push(h("span", { class: "event-query" }, `“${event.query}”`));
  const [first, ...more] = event.item_ids ?? [];
  if (first) parts.push(nameOf(first, ctx));
  if (more.length) parts.push(h("span", { class: "quiet" }, ` ${say.t("items.more", { n: more.length })}`));
  if (event.event === "consent" && event.details?.status) parts.push(h("span", {}, consentWords(say, event.details)));
  if (typeof event.rating === "number") parts.push(h("span", { class: "stars", title: String(event.rating) }, ` ${"★".repeat(Math.max(0, Math.min(5, Math.round(event.rating))))}`));
  return parts;
}

function consentWords(say, { scope, status }) {
  const scopes = (Array.isArray(scope) ? scope : [scope]).map((name) => (say.has(`consent.${name}`) ? say.t(`consent.${name}`) : name ?? ""));
  return `${scopes.join(", ")}: ${say.has(status) ? say.t(status) : status}`;
}

function text(event) {
  if (!event.text) return null;
  const tone = typeof event.polarity !== "number" ? "" : event.polarity > 0.15 ? "is-positive" : event.polarity < -0.15 ? "is-negative" : "";
  return h("p", { class: `event-text ${tone}` }, event.text);
}

function who(event, say, onUser) {
  if (event.user_id) return h("button", { class: "event-who", type: "button", on: { click: () => onUser(event.user_id) } }, icon("user"), event.user_id);
  const isShop = event.event === "set_item" || event.event === "delete_item";
  return h("span", { class: "event-who" }, icon(isShop ? "tag" : "user"), say.t(isShop ? "catalogue" : "someone"));
}

/** The list of a shopper's events. */
export function createHistory(root, ctx) {
  const { say } = ctx;
  const list = h("ol", { class: "events" });
  const mark = h("div", { class: "mark", hidden: true });
  const count = h("span", { class: "panel-count" });
  const body = h("div", { class: "panel-body", tabindex: "0", "aria-labelledby": "history-title" });
  put(root, h("header", { class: "panel-head" }, h("h2", { id: "history-title" }, say.t("history")), count), mark, body);
  let shown = FIRST;
  let events = [];
  let pinned = null;
  let fresh = new Set();
  let lastAsOf = null;

  function draw() {
    const rows = pinned ? events.filter((event) => pinned.ids.has(event.event_id)) : events.slice(0, shown);
    put(list, rows.map((event) => {
      const row = eventRow(event, ctx);
      row.classList.toggle("is-new", fresh.has(event.event_id));
      return row;
    }));
    const rest = pinned ? 0 : events.length - shown;
    const more = rest > 0 ? h("button", { class: "more", type: "button", on: { click: () => { shown += FIRST; draw(); } } }, say.t("shoppers.more")) : null;
    const empty = rows.length ? null : pinned ? notice("empty", say.t("evidence.none")) : notice("empty", say.t(lastAsOf ? "history.none" : "history.empty"));
    put(body, empty ?? list, more);
  }

  function pin(ids, label) {
    pinned = ids ? { ids: new Set(ids), label } : null;
    root.classList.remove("has-lit");
    mark.hidden = !pinned;
    if (pinned) {
      put(mark, h("span", { class: "mark-text" }, say.t("evidence.of", { what: label })),
        h("button", { class: "link", type: "button", on: { click: () => pin(null) } }, say.t("evidence.clear")));
      body.scrollTop = 0;
    }
    draw();
  }

  function light(ids) {
    if (pinned) return;
    const lit = new Set(ids ?? []);
    const last = events.findLastIndex((event) => lit.has(event.event_id));
    if (last >= shown) { shown = last + 1; draw(); }
    root.classList.toggle("has-lit", lit.size > 0 && last >= 0);
    let first = null;
    for (const row of list.children) {
      const is = lit.has(row.dataset.id);
      row.classList.toggle("is-lit", is);
      first ??= is ? row : null;
    }
    if (first) {
      const top = first.offsetTop - list.offsetTop;
      if (top < body.scrollTop || top > body.scrollTop + body.clientHeight - 60) body.scrollTop = Math.max(0, top - 24);
    }
  }

  return {
    pin, light,
    loading: () => put(body, skeleton(9)),
    nobody: () => put(body, notice("empty", say.t("profile.pick"))),
    failed: (node) => put(body, node),
    render(next, total, { isSame, asOf }) {
      const before = new Set(events.map((event) => event.event_id));
      fresh = new Set(isSame && asOf === lastAsOf ? next.filter((event) => !before.has(event.event_id)).map((event) => event.event_id) : []);
      events = next;
      lastAsOf = asOf;
      root.classList.remove("has-lit");
      count.textContent = say.number(total);
      if (!isSame) { shown = FIRST; pinned = null; mark.hidden = true; }
      if (fresh.size) body.scrollTop = 0;
      draw();
    },
  };
}
