// Line icons on a 16 by 16 grid, drawn here.

import { s } from "./dom.js";

const PATHS = {
  eye: ["M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8Z", "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z"],
  cart: ["M1.5 2.5h2l1.6 7.5h6.8l1.6-5.5H4.2", "M6.2 13h.01", "M11 13h.01"],
  bag: ["M3 5.5h10l.7 8H2.3l.7-8Z", "M5.6 7.5V4.6a2.4 2.4 0 0 1 4.8 0v2.9"],
  search: ["M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z", "m10.3 10.3 3.4 3.4"],
  star: ["m8 2 1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4l-3.7 2.1.8-4.2L2 6.4l4.2-.5L8 2Z"],
  heart: ["M8 13.3S2.2 10 2.2 6.2A2.9 2.9 0 0 1 8 5.3a2.9 2.9 0 0 1 5.8.9C13.8 10 8 13.3 8 13.3Z"],
  no: ["M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z", "m4 4 8 8"],
  pencil: ["m3 13 .6-2.7 7.3-7.3 2.1 2.1-7.3 7.3L3 13Z", "m9.6 4.3 2.1 2.1"],
  user: ["M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4Z", "M2.8 13.5c.7-2.7 2.7-4 5.2-4s4.5 1.3 5.2 4"],
  chat: ["M2.5 3.5h11v7.5H7.2L4.5 13.3V11h-2V3.5Z"],
  shield: ["m8 2 5 1.8v3.9c0 3-2 5.2-5 6.3-3-1.1-5-3.3-5-6.3V3.8L8 2Z", "m5.8 7.9 1.6 1.6 2.9-3.1"],
  share: ["M8 9.5v-7", "M5.3 5 8 2.4 10.7 5", "M3.5 8v5.5h9V8"],
  back: ["M6 3.5 2.5 7 6 10.5", "M2.5 7h7a3.5 3.5 0 0 1 0 7H7"],
  pointer: ["m3 3 3.8 10 1.7-4.2L12.8 7 3 3Z"],
  tag: ["M2.5 2.5h5.3l5.7 5.7-5.3 5.3-5.7-5.7V2.5Z", "M5.3 5.3h.01"],
  dot: ["M8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3Z"],
  check: ["m3 8.5 3.3 3.3L13 4.8"],
  cross: ["m4 4 8 8", "m12 4-8 8"],
  up: ["M8 13V3.5", "m4.2 7 3.8-3.7L11.8 7"],
  down: ["M8 3v9.5", "m4.2 9 3.8 3.7L11.8 9"],
  mute: ["M2 8s2.4-3.8 6-3.8c1 0 1.9.3 2.7.7M14 8s-2.4 3.8-6 3.8c-1 0-1.9-.3-2.7-.7", "m2.8 13.2 10.4-10.4"],
  trash: ["M3 4.5h10", "M6 4.5v-2h4v2", "m4.2 4.5.6 9h6.4l.6-9"],
  pause: ["M5.5 3.5v9", "M10.5 3.5v9"],
  play: ["m5 3 7.5 5L5 13V3Z"],
  grid: ["M2.5 2.5h4.5v4.5H2.5Z", "M9 2.5h4.5v4.5H9Z", "M2.5 9h4.5v4.5H2.5Z", "M9 9h4.5v4.5H9Z"],
  pulse: ["M1.5 8.5h3L6.3 4l3.2 8.5 1.8-4h3.2"],
  chevron: ["m6 3.5 4.5 4.5L6 12.5"],
};

const EVENTS = {
  view_item: "eye", select_item: "pointer", search: "search", add_to_cart: "cart", remove_from_cart: "cart", view_cart: "cart",
  begin_checkout: "bag", purchase: "bag", refund: "back", review: "star", like: "heart", add_to_wishlist: "heart", dislike: "no",
  share: "share", profile_edit: "pencil", consent: "shield", set_user: "user", identify: "user", support_message: "chat", post: "chat",
  set_item: "tag", delete_item: "tag", view_item_list: "grid",
};

/** An icon by name. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, (PATHS[name] ?? PATHS.dot).map((d) => s("path", { d })));
}

/** The icon of an event. */
export const eventIcon = (event) => icon(EVENTS[event] ?? "dot");
