// What happens in the shop now: newest first, only this shopper's on demand, and it can be held still.

import { h, notice, put } from "./dom.js";
import { eventRow } from "./events.js";
import { icon } from "./icons.js";

const KEPT = 200;
const SHOWN = 60;

/** The newest events, kept apart from how they are shown, so that a change of language loses none. */
export function createFeed() {
  return { events: [], held: [], isPaused: false, isOnly: false, state: "connecting" };
}

/** The panel over a feed. `current()` is the open shopper. */
export function createLive(root, ctx, feed, { current, onUser }) {
  const { say } = ctx;
  const list = h("ol", { class: "events", "aria-live": "off" });
  const body = h("div", { class: "panel-body", tabindex: "0", "aria-labelledby": "live-title" });
  const state = h("span", { class: "state" });
  const pause = h("button", { class: "quiet-button", type: "button", on: { click: () => hold(!feed.isPaused) } });
  const only = h("input", { type: "checkbox", id: "live-only", on: { change: () => { feed.isOnly = only.checked; draw(); } } });
  only.checked = feed.isOnly;
  put(root,
    h("header", { class: "panel-head" }, h("h2", { id: "live-title" }, say.t("live")), state, h("span", { class: "grow" }), pause),
    h("div", { class: "panel-tools" }, h("label", { class: "check", for: "live-only" }, only, h("span", {}, say.t("live.only")))),
    body);

  const wanted = (event) => !feed.isOnly || event.user_id === current();

  function hold(isPaused) {
    feed.isPaused = isPaused;
    if (!isPaused) {
      feed.events = [...feed.held, ...feed.events].slice(0, KEPT);
      feed.held = [];
    }
    draw();
  }

  function head() {
    const shown = feed.isPaused ? "paused" : feed.state;
    root.dataset.state = shown;
    state.textContent = feed.isPaused && feed.held.length ? say.t("live.paused.n", { n: feed.held.length }) : say.t(`live.${shown}`);
    put(pause, icon(feed.isPaused ? "play" : "pause"), say.t(feed.isPaused ? "live.resume" : "live.pause"));
  }

  function draw() {
    head();
    const rows = feed.events.filter(wanted).slice(0, SHOWN);
    put(list, rows.map((event) => eventRow(event, ctx, { onUser })));
    put(body, rows.length ? list : notice("empty", say.t("live.empty"), say.t("live.empty.detail")));
  }

  /** Events in the order they happened. */
  function take(events) {
    const newest = events.slice(-KEPT).reverse();
    if (feed.isPaused) {
      feed.held = [...newest, ...feed.held].slice(0, KEPT);
      head();
      return;
    }
    feed.events = [...newest, ...feed.events].slice(0, KEPT);
    const rows = newest.filter(wanted).slice(0, SHOWN).map((event) => eventRow(event, ctx, { onUser }));
    if (!rows.length) return;
    if (!list.isConnected) put(body, list);
    for (const row of rows) row.classList.add("is-new");
    list.prepend(...rows);
    while (list.children.length > SHOWN) list.lastElementChild.remove();
  }

  draw();
  return { take, draw, head };
}
