// What somebody did, as sentences, each of which can be left out of what is worked out from it.

import { h, put, reconcile } from "./dom.js";
import { eventIcon } from "./icons.js";
import { deed } from "./sentences.js";

const FIRST = 6;
const STEP = 20;
/** Events that say something of a taste, which is what leaving them out is about. */
const TELLING = new Set(["view_item", "select_item", "search", "add_to_cart", "remove_from_cart", "add_to_wishlist", "purchase", "refund", "review", "like", "dislike", "share", "support_message", "post"]);
const SILENT = new Set(["view_item_list", "profile_edit"]);

/** One event as a sentence with what can be done about it. `excluded`: event id to the edit that leaves it out. */
export function deedRow(event, { say, items, excluded, onEdit, onUndo }) {
  const sentence = deed(say, event, items);
  const fault = h("div", { class: "fault", role: "alert" });
  const edit = excluded.get(event.event_id);
  const button = (key, act) => h("button", { class: "me-button", type: "button", "aria-label": say.t("me.of", { do: say.t(key), what: sentence }), on: { click: () => act(fault) } }, say.t(key));
  const act = edit ? [h("span", { class: "label" }, say.t("me.gift.left")), button("me.undo", (place) => onUndo(edit, place))]
    : TELLING.has(event.event) ? button("me.gift", (place) => onEdit({ op: "exclude_event", event_id: event.event_id }, place)) : null;
  return h("li", { class: `deed${edit ? " is-out" : ""}` },
    h("span", { class: "deed-icon" }, eventIcon(event.event)),
    h("div", { class: "deed-body" }, h("p", {}, sentence), event.text ? h("p", { class: "event-text" }, event.text) : null, fault),
    act ? h("div", { class: "deed-acts" }, act) : null);
}

/** The list of all that somebody did, newest first. */
export function createDeeds(root, ctx) {
  const { say } = ctx;
  const list = h("ol", { class: "deeds" });
  const foot = h("div", {});
  put(root, h("h2", { id: "did-title", tabindex: "-1" }, say.t("me.did")), h("p", { class: "me-lead" }, say.t("me.did.lead")), list, foot);
  let shown = FIRST;
  let last = null;

  function render(known) {
    last = known;
    const told = known.events.filter((event) => !SILENT.has(event.event));
    const rows = told.slice(0, shown);
    const keyOf = (event) => `${event.event_id} ${known.excluded.get(event.event_id) ?? ""}`;
    reconcile(list, rows, keyOf, (event) => deedRow(event, { ...ctx, excluded: known.excluded }), () => {});
    put(foot, !rows.length ? h("p", { class: "quiet" }, say.t("me.did.none")) : null,
      told.length > shown ? h("button", { class: "me-button is-wide", type: "button", on: { click: more } }, say.t("me.did.more")) : null,
      known.total > known.events.length ? h("p", { class: "quiet" }, say.t("me.did.rest", { n: say.number(known.events.length), all: say.number(known.total) })) : null);
  }

  function more() {
    const next = list.children.length;
    shown += STEP;
    render(last);
    const row = list.children[next];
    row?.setAttribute("tabindex", "-1");
    row?.focus();
  }

  return { render, failed: (node) => { list.replaceChildren(); put(foot, node); } };
}
