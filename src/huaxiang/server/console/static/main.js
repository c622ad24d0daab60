// The page: it holds what is open, asks the API, and hands each panel what it shows.

import { createApi, createItems } from "./api.js";
import { debounce, h, notice, put } from "./dom.js";
import { createHistory } from "./events.js";
import { speak, startLanguage } from "./i18n.js";
import { icon } from "./icons.js";
import { createFeed, createLive } from "./live.js";
import { createProfile } from "./profile.js";
import { createRecommendations } from "./recommendations.js";
import { createShoppers } from "./shoppers.js";
import { openStream } from "./stream.js";
import { askKey, createTabs, drawLanguages, LANGUAGE, setBanner, toast } from "./shell.js";

const EVENTS = 1000;
const POLL = 4000;
const $ = (id) => document.getElementById(id);

/** The moment in an address; null where there is none that can be read. */
function momentIn(address) {
  const said = address.get("as_of");
  return said && !Number.isNaN(Date.parse(said)) ? new Date(said).toISOString() : null;
}

function start() {
  const address = new URLSearchParams(location.search);
  const open = { user: address.get("user"), asOf: momentIn(address), release: undefined, isGone: false, turn: 0, calmUntil: 0 };
  const shown = { user: null, profile: null, events: [], total: 0, past: null, answer: null, failures: {} };
  const heard = new Set();
  const feed = createFeed();
  let say = speak(startLanguage(location.search, localStorage.getItem(LANGUAGE), navigator.language));
  let views = null;
  const api = createApi({ askKey: (isWrong) => askKey($("ask"), say, isWrong), heard: showLatency });
  const items = createItems(api);
  const tabs = createTabs($("tabs"));

  function mount() {
    document.documentElement.lang = say.language === "zh" ? "zh-Hans" : "en";
    for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say.t(node.dataset.i18n);
    const ctx = { say, api, items, problem };
    const onEvidence = (ids) => { if (!ids || performance.now() > open.calmUntil) views.history.light(ids); };
    const onPin = (ids, label) => views.history.pin(ids, label);
    const onShow = (ids, label) => { onPin(ids, label); tabs.reach("events"); };
    views = {
      shoppers: createShoppers($("shoppers"), ctx, { onPick: pick, onFirst: pickFirst }),
      profile: createProfile($("profile"), ctx, { onAsOf: travel, onEdit: edit, onUndo: undo, onEvidence, onPin, onShow }),
      recommendations: createRecommendations($("recommendations"), ctx, { onAct: act, onEvidence, onShow }),
      history: createHistory($("history"), ctx),
      live: createLive($("live"), ctx, feed, { current: () => open.user, onUser: pick }),
    };
    tabs.render(say);
    drawLanguages($("langs"), say, speakIn);
    showRelease();
    views.shoppers.load().then(() => views.shoppers.choose(open.user));
    if (shown.user) draw({ isSame: false });
    else drawNobody();
  }

  function drawNobody() {
    views.profile.nobody();
    views.history.nobody();
    if (open.release === null) views.recommendations.untrained();
    else views.recommendations.nobody();
  }

  function speakIn(code) {
    say = speak(code);
    address.set("lang", code);
    keepAddress();
    mount();
  }

  function keepAddress({ isNew = false } = {}) {
    for (const [name, value] of [["user", open.user], ["as_of", open.asOf]]) if (value) address.set(name, value); else address.delete(name);
    history[isNew ? "pushState" : "replaceState"](null, "", `?${address}`);
  }

  function pickFirst(people) {
    if (open.user || !people.length) return;
    pick(people.reduce((most, user) => (user.n_events > most.n_events ? user : most)).user_id, { isQuiet: true });
  }

  function pick(id, { isQuiet = false } = {}) {
    open.user = id;
    open.asOf = null;
    keepAddress({ isNew: !isQuiet });
    views.shoppers.choose(id);
    if (!isQuiet) tabs.show("profile");
    views.live.draw();
    refresh();
  }

  function travel(asOf) {
    open.asOf = asOf;
    keepAddress();
    refresh();
  }

  /** Ask for everything that is shown of the open shopper; answers that were overtaken are dropped. */
  async function refresh() {
    if (!open.user) return;
    const turn = ++open.turn;
    const { user, asOf } = open;
    const isSame = shown.user === user;
    if (!isSame) for (const name of ["profile", "history", "recommendations"]) views[name].loading();
    const [profile, evidence, answer] = await Promise.allSettled([api.profile(user, asOf), api.evidence(user, EVENTS), plain(user, asOf)]);
    if (turn !== open.turn) return;
    shown.user = user;
    shown.failures = { profile: profile.reason, events: evidence.reason, answer: answer.reason };
    shown.profile = profile.value ?? null;
    shown.answer = answer.value ?? null;
    if (evidence.value) {
      items.learn(evidence.value.item_names);
      Object.assign(shown, { events: evidence.value.events, total: evidence.value.n_events });
    }
    shown.past = asOf && shown.total > EVENTS ? await api.evidence(user, EVENTS, asOf).catch(() => null) : null;
    items.learn(shown.past?.item_names);
    if (answer.value) await Promise.allSettled(answer.value.items.map((item) => items.get(item.item_id)));
    if (turn !== open.turn) return;
    draw({ isSame });
    if (answer.value) await explain(turn, user, asOf);
  }

  /** The list without reasons: each of those is checked by a hundred answers more, which nobody should wait for. */
  async function plain(user, asOf) {
    const answer = await api.recommend(user, 10, asOf, false);
    return { ...answer, items: answer.items.map((item) => ({ ...item, reasons: null })) };
  }

  /** The reasons, once they are checked; the list stays as it is where they cannot be had. */
  async function explain(turn, user, asOf) {
    const told = await api.recommend(user, 10, asOf).catch(() => null);
    if (turn !== open.turn) return;
    shown.answer = told ?? { ...shown.answer, items: shown.answer.items.map((item) => ({ ...item, reasons: [] })) };
    await Promise.allSettled(shown.answer.items.map((item) => items.get(item.item_id)));
    if (turn === open.turn) draw({ isSame: true, isTold: true });
  }

  function draw({ isSame, isTold = false }) {
    const { profile, events, total, past, answer, failures } = shown;
    const said = { asOf: open.asOf, isSame, isTold };
    open.calmUntil = performance.now() + 1200; // rows slide under a pointer that rests; that is no question
    const visible = past?.events ?? (open.asOf ? events.filter((event) => Date.parse(event.timestamp) < Date.parse(open.asOf)) : events);
    const known = past ? [...new Map([...events, ...past.events].map((event) => [event.event_id, event])).values()] : events;
    if (profile) views.profile.render(profile, known, said);
    else views.profile.failed(problem(failures.profile, refresh));
    if (failures.events) views.history.failed(problem(failures.events, refresh));
    else views.history.render(visible, past?.n_events ?? (open.asOf ? visible.length : total), said);
    if (answer) views.recommendations.render(answer, known, said);
    else if (failures.answer?.needsRelease) views.recommendations.untrained();
    else views.recommendations.failed(problem(failures.answer, refresh));
    for (const failure of Object.values(failures)) if (failure?.isGone) gone();
  }

  async function act(event, itemId) {
    const id = crypto.randomUUID ? crypto.randomUUID() : `console-${Date.now()}-${Math.random().toString(36).slice(2)}`;
    await attempt(async () => {
      const item = await items.get(itemId);
      const bought = event === "purchase" && typeof item?.price === "number" ? { value: item.price, ...(item.currency ? { currency: item.currency } : {}) } : {};
      const request = shown.answer?.request_id ? { request_id: shown.answer.request_id } : {};
      const taken = await api.events({ event, event_id: id, user_id: open.user, item_id: itemId, timestamp: api.now(), ...bought, ...request });
      if (taken.rejected.length) throw new Error(`${say.t("error.rejected")}: ${taken.rejected[0].reason}`);
      toast($("toasts"), say.t(`done.${event}`, { what: item?.name || itemId }));
      await refresh();
    });
    views.recommendations.idle();
  }

  const edit = (said) => attempt(async () => {
    const profile = await api.edit(open.user, [said]);
    const id = profile.edit_ids?.[0];
    toast($("toasts"), say.t(`edited.${said.op}`, { what: said.value.split(" > ").at(-1) }), say.t("undo"), () => undo(id));
    await refresh();
  });

  const undo = (id) => attempt(async () => {
    await api.edit(open.user, [{ op: "undo", edit_id: id }]);
    toast($("toasts"), say.t("edited.undo"));
    await refresh();
  });

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      if (error.isGone) gone();
      else toast($("toasts"), `${say.t("error")}: ${error.message}`);
    }
  }

  /** An error in a panel's place, with a way to try again. */
  function problem(error, again) {
    const retry = again ? h("button", { class: "small-button", type: "button", on: { click: again } }, say.t("retry")) : null;
    if (error?.isGone) return notice("error", say.t("gone"), null, retry);
    return notice("error", say.t("error"), error?.message ?? "", retry);
  }

  function gone() {
    open.isGone = true;
    setBanner($("banner"), say.t("gone"), "bad");
  }

  async function check() {
    try {
      const { release } = await api.health();
      const isChanged = open.release !== undefined && open.release !== release;
      const isNew = open.release !== release;
      open.release = release;
      if (open.isGone) {
        open.isGone = false;
        setBanner($("banner"), say.t("back"), "good");
        setTimeout(() => { if (!open.isGone) setBanner($("banner"), null); }, 2500);
        views.shoppers.load();
        refresh();
      } else if (isChanged) refresh();
      if (isNew && !shown.user && !open.user) drawNobody();
      showRelease();
    } catch (error) {
      if (error.isGone || error.status >= 500) gone();
      else toast($("toasts"), error.message);
    }
    setTimeout(check, open.isGone ? 1500 : POLL);
  }

  function showRelease() {
    const state = open.release === undefined ? "loading" : open.release ? "ready" : "none";
    const fact = $("release");
    fact.dataset.state = state;
    fact.title = open.release ?? say.t(`release.${state}`);
    put(fact, h("span", { class: "lamp", "aria-hidden": "true" }), state === "ready" ? [h("span", { class: "fact-name" }, say.t("release")), h("span", { class: "fact-value" }, open.release)] : h("span", { class: "fact-value" }, say.t(`release.${state}`)));
  }

  function showLatency(ms) {
    put($("latency"), icon("pulse"), h("span", { class: "fact-name" }, say.t("latency")), h("span", { class: "fact-value" }, say.t("ms", { n: say.number(ms) })));
  }

  /** What was done here is shown already; only what came from elsewhere asks for another look. */
  const refreshSoon = debounce(400, () => {
    const known = new Set(shown.events.map((event) => event.event_id));
    const isNews = [...heard].some((id) => !known.has(id));
    heard.clear();
    if (isNews) refresh();
  });

  function hear(events) {
    for (const event of events) if (event.event === "set_item" || event.event === "delete_item") for (const id of event.item_ids) items.forget(id);
    views.live.take(events);
    views.shoppers.touch(events);
    const own = events.filter((event) => event.user_id === open.user && event.event !== "view_item_list");
    if (!own.length || open.asOf) return;
    for (const event of own) heard.add(event.event_id);
    refreshSoon();
  }

  addEventListener("popstate", () => {
    const now = new URLSearchParams(location.search);
    Object.assign(open, { user: now.get("user"), asOf: momentIn(now) });
    views.shoppers.choose(open.user);
    refresh();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") views.history.pin(null);
    if (event.key !== "/" || event.target.closest("input, textarea, dialog")) return;
    event.preventDefault();
    tabs.show("shoppers");
    views.shoppers.focus();
  });

  mount();
  check();
  if (open.user) refresh();
  openStream(api, { onEvents: hear, onState: (state) => { feed.state = state; views.live.head(); } });
}

start();
