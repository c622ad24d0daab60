// The page of audiences: a form of a few facets, and how many people have them; below the floor it says no more.

import { createApi } from "./api.js";
import { h, notice, put, skeleton } from "./dom.js";
import { speak, startLanguage } from "./i18n.js";
import { icon } from "./icons.js";
import { askKey, drawLanguages, LANGUAGE } from "./shell.js";

const $ = (id) => document.getElementById(id);

/** Fields of the form: name, the filter's field, what is typed, and the condition that it makes. */
const FIELDS = [
  ["brand", "interests.brand", "text", (text) => text],
  ["category", "interests.category", "text", (text) => text],
  ["searched", "needs.search", "text", (text) => text],
  ["recency", "behaviour.recency_days", "number", (text) => ({ lte: Number(text) })],
  ["orders", "behaviour.n_orders", "number", (text) => ({ gte: Number(text) })],
  ["language", "behaviour.language", "choice", (text) => text],
];
const CHOICES = ["", "en", "zh"];

/** The filter that the form asks for; fields that are left empty ask for nothing. */
export function filterOf(form) {
  const typed = FIELDS.map(([name, field, , condition]) => [field, form.elements[name].value.trim(), condition]);
  return Object.fromEntries(typed.filter(([, text]) => text !== "").map(([field, text, condition]) => [field, condition(text)]));
}

/** A value for a POSIX shell, in single quotes. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function start() {
  const address = new URLSearchParams(location.search);
  const typed = new Map();
  let say = speak(startLanguage(location.search, localStorage.getItem(LANGUAGE), navigator.language));
  let answer = null;
  let turn = 0;
  const api = createApi({ askKey: (isWrong) => askKey($("ask"), say, isWrong), heard: (ms) => put($("latency"), icon("pulse"), h("span", { class: "fact-name" }, say.t("latency")), h("span", { class: "fact-value" }, say.t("ms", { n: say.number(ms) }))) });

  function mount() {
    document.documentElement.lang = say.language === "zh" ? "zh-Hans" : "en";
    for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say.t(node.dataset.i18n);
    drawLanguages($("langs"), say, (code) => {
      address.set("lang", code);
      history.replaceState(null, "", `?${address}`);
      say = speak(code);
      mount();
    });
    put($("audience"),
      h("header", { class: "panel-head" }, h("h2", { id: "audience-title" }, say.t("audience.title"))),
      h("form", { class: "audience-form", on: { submit: ask } },
        FIELDS.map(([name, , kind]) => field(name, kind)),
        h("div", { class: "audience-go" }, h("p", { class: "quiet" }, say.t("audience.hint")), h("button", { class: "main-button", type: "submit" }, say.t("audience.count")))));
    draw();
  }

  function field(name, kind) {
    const id = `audience-${name}`;
    const keep = (event) => typed.set(name, event.target.value);
    const said = { id, name, class: "search", autocomplete: "off", spellcheck: "false", on: { input: keep, change: keep } };
    const box = kind === "choice"
      ? h("select", said, CHOICES.map((code) => h("option", { value: code }, say.t(`audience.language.${code || "any"}`))))
      : h("input", { ...said, type: kind, ...(kind === "number" ? { min: "0", step: "1", inputmode: "numeric" } : { maxlength: "512" }), placeholder: say.t(`audience.${name}.such`) });
    box.value = typed.get(name) ?? "";
    return h("div", { class: "audience-field" }, h("label", { for: id, class: "label" }, say.t(`audience.${name}`)), box);
  }

  async function ask(event) {
    event?.preventDefault();
    const filter = filterOf($("audience").querySelector("form"));
    const mine = ++turn;
    put($("size"), skeleton(5));
    const given = await api.audience({ filter }).then((said) => ({ said, filter }), (error) => ({ error, filter }));
    if (mine !== turn) return;
    answer = given;
    draw();
    $("size").scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  function draw() {
    if (answer === null) put($("size"), notice("empty", say.t("audience.none"), say.t("audience.none.detail")));
    else if (answer.error) put($("size"), notice("error", say.t("error"), answer.error.isGone ? say.t("gone") : answer.error.message, h("button", { class: "small-button", type: "button", on: { click: () => ask() } }, say.t("retry"))));
    else put($("size"), size(answer));
  }

  /** A size in words: a count, or that there are fewer than the floor. */
  const people = ({ count, fewer_than: floor }) => (count === undefined ? say.t("audience.fewer", { n: say.number(floor) }) : say.number(count));

  function size({ said, filter }) {
    const isSmall = said.count === undefined;
    const text = JSON.stringify(filter);
    return h("div", { class: "audience-size" },
      h("p", { class: `audience-n${isSmall ? " is-small" : ""}` }, people(said)),
      h("p", { class: "audience-people" }, say.t("audience.people")),
      h("p", { class: "quiet" }, isSmall ? say.t("audience.small", { n: say.number(said.floor) }) : said.floor < 10 ? "" : say.t("audience.rounded", { n: say.number(Math.max(1, Math.floor(said.floor / 5))) })),
      h("p", { class: "quiet" }, say.t("audience.excluded", { n: people(said.excluded_by_consent) })),
      h("h3", {}, say.t("audience.write")),
      h("code", { class: "command" }, `huaxiang audience --filter ${quoted(text)} --out people.csv`));
  }

  mount();
}

start();
