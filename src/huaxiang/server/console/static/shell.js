// What is around the panels: the banner, short messages, the question for the key, and the tabs of narrow screens.

import { h, put } from "./dom.js";
import { icon } from "./icons.js";

const TABS = [["shoppers", "user"], ["profile", "pulse"], ["recommendations", "bag"], ["events", "chat"]];
const SHOWN = 5200;

/** Where the browser keeps the chosen language. */
export const LANGUAGE = "huaxiang.language";

/** The switch between languages; `onSpeak(code)` is told of a choice, which is kept. */
export function drawLanguages(place, say, onSpeak) {
  const choose = (code) => {
    localStorage.setItem(LANGUAGE, code);
    onSpeak(code);
  };
  place.setAttribute("aria-label", say.t("language"));
  put(place, [["en", "EN"], ["zh", "中文"]].map(([code, name]) => h("button", { type: "button", lang: code === "zh" ? "zh-Hans" : "en", "aria-pressed": String(code === say.language), on: { click: () => choose(code) } }, name)));
}

/** Say something across the page; null hides it. */
export function setBanner(banner, text, kind = "bad") {
  banner.hidden = text === null;
  banner.className = `banner is-${kind}`;
  if (banner.textContent !== (text ?? "")) banner.textContent = text ?? "";
}

/** A message that goes by itself, with at most one thing to do. */
export function toast(place, text, action, onAction) {
  const close = () => message.remove();
  const message = h("div", { class: "toast" }, h("span", {}, text),
    action ? h("button", { class: "link", type: "button", on: { click: () => { close(); onAction(); } } }, action) : null);
  place.append(message);
  while (place.children.length > 2) place.firstElementChild.remove();
  setTimeout(close, SHOWN);
}

/** Ask for the API key; answers when one was given. */
export function askKey(dialog, say, isWrong) {
  return new Promise((answer) => {
    const input = h("input", { type: "password", id: "ask-key", autocomplete: "off", required: true, class: "search" });
    const give = (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      dialog.close();
      answer(input.value.trim());
    };
    put(dialog, h("form", { on: { submit: give } },
      h("h2", { id: "ask-title" }, say.t("key.title")),
      isWrong ? h("p", { class: "warn" }, say.t("key.wrong")) : null,
      h("label", { for: "ask-key", class: "label" }, say.t("key.label")), input,
      h("p", { class: "quiet" }, say.t("key.detail")),
      h("button", { class: "main-button", type: "submit" }, say.t("key.open"))));
    dialog.oncancel = (event) => event.preventDefault();
    if (!dialog.open) dialog.showModal();
    input.focus();
  });
}

/** On a narrow screen one panel shows at a time. */
export function createTabs(nav) {
  const show = (name) => {
    document.body.dataset.tab = name;
    for (const button of nav.children) button.setAttribute("aria-pressed", String(button.dataset.name === name));
  };
  return {
    show,
    /** Show a panel that may be hidden behind another one. */
    reach: (name) => { if (getComputedStyle(nav).display !== "none") show(name); },
    render(say) {
      const names = { events: "history.short", recommendations: "recommendations.short" };
      nav.setAttribute("aria-label", "huaxiang");
      put(nav, TABS.map(([name, mark]) => h("button", { type: "button", data: { name }, on: { click: () => show(name) } }, icon(mark), h("span", {}, say.t(names[name] ?? name)))));
      show(document.body.dataset.tab);
    },
  };
}
