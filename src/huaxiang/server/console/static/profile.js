// The profile of one shopper: who, how they behave, what they feel, want and like, as of any moment.

import { activity, bins, gauge } from "./charts.js";
import { debounce, h, notice, put, skeleton } from "./dom.js";
import { editLabel, standingEdits } from "./events.js";
import { createFacets } from "./facets.js";
import { icon } from "./icons.js";
import { nameOf } from "./names.js";

const DAY = 86_400_000;
const COLUMNS = 60;

/** The midnight that begins a moment's day, here. */
export function midnight(moment) {
  const day = new Date(moment);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** The panel. Handlers: onAsOf(iso | null), onEdit(edit), onUndo(id), onEvidence(ids),
 * onPin(ids, label): keep the list to these events; onShow(ids, label): and go there. */
export function createProfile(root, ctx, handlers) {
  const { say } = ctx;
  const who = h("h2", { id: "profile-title", class: "who" }, say.t("profile"));
  const summary = h("p", { class: "summary" });
  const mine = h("a", { class: "link", hidden: true }, say.t("profile.me"));
  const face = h("span", { class: "face", "aria-hidden": "true" });
  const time = h("div", { class: "time" });
  const figures = h("dl", { class: "figures" });
  const needs = h("div", { class: "needs" });
  const edits = h("div", {});
  const facets = h("div", { class: "groups" });
  const consents = h("div", { class: "consents" });
  const moodGauge = gauge();
  const moodWord = h("p", { class: "mood-word" });
  const moodNote = h("p", { class: "mood-note" });
  const mood = h("div", { class: "mood", tabindex: "0" }, moodGauge.element, h("div", {}, h("p", { class: "label" }, say.t("mood")), moodWord, moodNote));
  const section = (title, node) => h("section", { class: "block" }, h("h3", {}, title), node);
  const needsBlock = section(say.t("needs"), needs);
  const consentBlock = section(say.t("consents"), consents);
  const message = h("div", {});
  const body = h("div", { class: "panel-body profile-body" });
  const facetView = createFacets(facets, ctx, handlers);
  put(root, h("header", { class: "profile-head" }, face, h("div", { class: "profile-name" }, who, summary, mine)), body);
  let moodEvidence = [];
  const light = () => handlers.onEvidence(moodEvidence);
  mood.addEventListener("mouseenter", light);
  mood.addEventListener("focus", light);
  for (const left of ["mouseleave", "blur"]) mood.addEventListener(left, () => handlers.onEvidence(null));

  const timeline = createTime(time, ctx, handlers);

  function render(profile, all, { asOf, isSame }) {
    face.hidden = false;
    face.textContent = say.initial(profile.user_id).toUpperCase();
    who.textContent = profile.user_id;
    mine.hidden = false;
    mine.href = `/me/${encodeURIComponent(profile.user_id)}?lang=${say.language}`;
    const spoken = profile.behaviour.language;
    summary.textContent = profile.summary;
    if (spoken) summary.lang = spoken === "zh" ? "zh-Hans" : spoken;
    timeline.render(all, asOf, profile.behaviour.first_seen);
    const isStranger = profile.behaviour.n_events === 0;
    const isDenied = profile.consents.personalisation === "denied";
    if (isStranger) {
      put(body, all.length ? time : null, notice("empty", say.t(asOf ? "profile.stranger.past" : "profile.stranger"), asOf ? null : say.t("profile.stranger.detail")));
      facetView.render({ interests: [], events: new Map(), isPast: false, isSame: false });
      return;
    }
    renderFigures(profile.behaviour);
    renderMood(profile.mood);
    renderNeeds(profile.needs);
    renderEdits(all.filter((event) => !asOf || Date.parse(event.timestamp) < Date.parse(asOf)), Boolean(asOf));
    renderConsents(profile.consents);
    needsBlock.hidden = isDenied;
    put(message, isDenied ? notice("empty", say.t("profile.denied")) : profile.interests.length ? null : notice("empty", say.t("profile.nothing")));
    facetView.render({ interests: profile.interests, events: new Map(all.map((event) => [event.event_id, event])), isPast: Boolean(asOf), isSame });
    if (!body.contains(facets)) put(body, time, h("div", { class: "top" }, figures, mood), edits, needsBlock, message, facets, consentBlock);
  }

  const share = (value) => (typeof value === "number" ? say.percent(value) : null);

  function renderFigures(behaviour) {
    const spend = Object.entries(behaviour.spend ?? {}).map(([currency, amount]) => say.money(amount, currency)).join(" + ");
    const rows = [
      ["recency", behaviour.last_seen ? say.ago(behaviour.last_seen) : null],
      ["orders", behaviour.n_orders === undefined ? null : say.number(behaviour.n_orders)],
      ["spend", spend || say.money(0, "")],
      ["active", behaviour.frequency_per_week === undefined ? null : say.t("per.week", { n: say.number(behaviour.frequency_per_week) })],
      ["price.sensitivity", share(behaviour.price_sensitivity)],
      ["loyalty", share(behaviour.loyalty)],
      ["busiest", behaviour.hours ? behaviour.hours.busiest.join(", ") : null],
      ["buys.again", share(behaviour.repeat_purchase)],
    ];
    put(figures, rows.map(([key, value]) => h("div", { class: "figure" }, h("dt", {}, say.t(key)), h("dd", { title: value ?? "" }, value ?? "–"))));
  }

  function renderMood(said) {
    const isKnown = typeof said.polarity === "number";
    moodEvidence = said.evidence ?? [];
    const word = isKnown ? say.t(`mood.${said.label}`) : "–";
    const note = isKnown
      ? say.t("mood.detail", { polarity: `${said.polarity < 0 ? "−" : "+"}${Math.abs(said.polarity).toFixed(2)}`, confidence: say.percent(said.confidence) })
      : say.t("mood.none");
    moodGauge.set(isKnown ? said.polarity : null, `${word}. ${note}`);
    moodWord.textContent = word;
    moodWord.className = `mood-word is-${isKnown ? said.label : "none"}`;
    moodNote.textContent = note;
  }

  function renderNeeds(wanted) {
    const row = (need) => {
      const name = need.facet === "unbought" ? nameOf(need.value, ctx) : h("span", {}, need.facet === "search" ? `“${need.value}”` : need.facet === "intent" ? say.t(`intent.${need.value.replaceAll(" ", "_")}`) : need.value);
      return h("button", { class: `need is-${need.facet}`, type: "button", title: say.t(`need.${need.facet}`), on: {
        mouseenter: () => handlers.onEvidence(need.evidence), mouseleave: () => handlers.onEvidence(null),
        focus: () => handlers.onEvidence(need.evidence), blur: () => handlers.onEvidence(null),
        click: () => handlers.onShow(need.evidence, need.facet === "unbought" ? ctx.items.name(need.value) ?? need.value : need.value),
      } }, icon(need.facet === "unbought" ? "eye" : "search"), h("span", { class: "need-name" }, name), h("span", { class: "need-score" }, say.percent(need.score)));
    };
    const rest = wanted.filter((need) => need.facet !== "intent");
    const shown = [...wanted.filter((need) => need.facet === "intent"), ...rest.slice(0, 6)];
    put(needs, shown.length ? shown.map(row) : h("p", { class: "quiet" }, say.t("needs.none")));
  }

  function renderEdits(events, isPast) {
    const standing = standingEdits(events);
    put(edits, standing.length ? h("section", { class: "block" }, h("h3", {}, say.t("edits")), h("div", { class: "chips" }, standing.map((edit) =>
      h("span", { class: "chip" }, editLabel(say, edit),
        isPast ? null : h("button", { class: "link", type: "button", on: { click: () => handlers.onUndo(edit.id) } }, say.t("undo"))))))
      : null);
  }

  function renderConsents(said) {
    put(consents, Object.entries(said).map(([scope, status]) => h("span", { class: `consent is-${status}`, title: say.has(status) ? say.t(status) : status },
      icon(status === "granted" ? "check" : "cross"), say.has(`consent.${scope}`) ? say.t(`consent.${scope}`) : scope)));
  }

  return {
    render,
    loading() { summary.textContent = ""; put(body, skeleton(14)); },
    failed(node) { put(body, node); },
    nobody() {
      who.textContent = say.t("profile");
      summary.textContent = "";
      face.hidden = true;
      mine.hidden = true;
      put(body, notice("empty", say.t("profile.pick"), say.t("profile.pick.detail")));
    },
  };
}

/** How many columns show so many days: a day each where there are enough, parts of a day where there are few. */
export const columnsOf = (days) => (days > COLUMNS / 2 ? Math.min(COLUMNS, days) : days * Math.floor(COLUMNS / days));

/** Activity over time, and a slider over it that says as of when everything is shown. */
function createTime(root, ctx, { onAsOf }) {
  const { say } = ctx;
  const label = h("span", { class: "time-label" });
  const back = h("button", { class: "link", type: "button", on: { click: () => go(null) } }, say.t("time.back"));
  const chart = h("div", { class: "time-chart" });
  const slider = h("input", { type: "range", class: "slider", min: "0", step: "1", "aria-label": say.t("time.slider") });
  const ends = h("div", { class: "time-ends" });
  put(root, h("div", { class: "time-head" }, h("span", { class: "label" }, say.t("time")), label, back), h("div", { class: "time-track" }, chart, slider), ends);
  let events = [];
  let start = 0;
  let days = 1;
  const tell = debounce(160, onAsOf);

  const momentOf = (at) => (at >= days ? null : new Date(midnight(start + at * DAY + DAY / 2)).toISOString());

  function go(asOf) {
    show(asOf);
    onAsOf(asOf);
  }

  function show(asOf) {
    label.textContent = asOf ? say.day(asOf) : say.t("time.now");
    back.hidden = !asOf;
    root.classList.toggle("is-past", Boolean(asOf));
    const end = start + days * DAY;
    slider.value = String(asOf ? Math.round((Date.parse(asOf) - start) / DAY) : days);
    slider.setAttribute("aria-valuetext", label.textContent);
    put(chart, activity(bins(events, start, end, columnsOf(days)), asOf ? (Date.parse(asOf) - start) / (end - start) : 1));
  }

  slider.addEventListener("input", () => {
    const asOf = momentOf(Number(slider.value));
    show(asOf);
    tell(asOf);
  });

  return {
    render(all, asOf, first) {
      events = all;
      start = midnight(first ?? (all.length ? all.at(-1).timestamp : Date.now() - DAY));
      days = Math.max(1, Math.ceil((Date.now() - start) / DAY));
      slider.max = String(days);
      put(ends, h("span", {}, say.short(start)), h("span", {}, say.t("time.now")));
      show(asOf);
    },
  };
}
