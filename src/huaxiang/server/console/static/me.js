// The shopper's own page: it asks the API for what is known of one person and hands each part what it shows.

import { createApi, createItems } from "./api.js";
import { createDeeds } from "./deeds.js";
import { h, put, skeleton } from "./dom.js";
import { standingEdits } from "./events.js";
import { speak, startLanguage } from "./i18n.js";
import { createLikes } from "./likes.js";
import { createConsents, createYours, receiptView } from "./rights.js";
import { changed, figures, inShort } from "./sentences.js";
import { askKey, drawLanguages, LANGUAGE, setBanner, toast } from "./shell.js";
import { createSuggested, N_NEXT } from "./suggested.js";

const EVENTS = 1000;
const $ = (id) => document.getElementById(id);
const newId = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-"));

function start() {
  const { user } = $("me").dataset;
  const address = new URLSearchParams(location.search);
  const known = { profile: null, list: [], total: 0, answer: null, failures: {}, receipt: null };
  let say = speak(startLanguage(location.search, localStorage.getItem(LANGUAGE), navigator.language));
  let parts = null;
  let turn = 0;
  let queue = Promise.resolve();
  const api = createApi({ askKey: (isWrong) => askKey($("ask"), say, isWrong), heard: () => {} });
  const items = createItems(api);

  function mount() {
    document.documentElement.lang = say.language === "zh" ? "zh-Hans" : "en";
    document.title = say.t("me");
    for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say.t(node.dataset.i18n);
    drawLanguages($("langs"), say, speakIn);
    if (known.receipt) return showReceipt();
    const ctx = { say, api, items, user, attempt, onEdit: edit, onUndo: undo, onConsent: consent, onErased: erased, changed: nameChange };
    const part = (id) => h("section", { class: "me-part", id });
    const [short, likes, next, changes, did, allow, yours] = ["short", "likes", "next", "changes", "did", "allow", "yours"].map(part);
    put($("me"), h("header", { class: "me-head" }, h("h1", {}, say.t("me")), h("p", { class: "me-lead" }, say.t("me.lead"))),
      short, likes, h("div", { class: "me-side" }, next, changes), did, allow, yours);
    const fault = h("div", { class: "fault", role: "alert" });
    parts = { short, changes, fault, likes: createLikes(likes, ctx), next: createSuggested(next, ctx), did: createDeeds(did, ctx), allow: createConsents(allow, ctx) };
    createYours(yours, ctx, $("ask"));
    if (known.profile || known.failures.profile) draw();
    else put(short, skeleton(4));
    return null;
  }

  function speakIn(code) {
    address.set("lang", code);
    history.replaceState(null, "", `?${address}`);
    say = speak(code);
    if ($("ask").open) $("ask").close();
    mount();
  }

  /** Ask for all that is shown; what was overtaken is dropped. Answers how the list of what comes next changed. */
  async function refresh() {
    const mine = ++turn;
    const [profile, evidence, answer] = await Promise.allSettled([api.profile(user), api.evidence(user, EVENTS), api.recommend(user, N_NEXT)]);
    if (mine !== turn) return "";
    known.failures = { profile: profile.reason, events: evidence.reason, answer: answer.reason };
    known.profile = profile.value ?? null;
    known.answer = answer.value ?? null;
    if (evidence.value) {
      items.learn(evidence.value.item_names);
      Object.assign(known, { list: evidence.value.events, total: evidence.value.n_events });
    }
    const needed = [...(answer.value?.items ?? []).map((item) => item.item_id), ...(profile.value?.needs ?? []).filter((need) => need.facet === "unbought").map((need) => need.value)];
    await Promise.allSettled(needed.map((id) => items.get(id)));
    return mine === turn ? draw() : "";
  }

  const byId = () => new Map(known.list.map((event) => [event.event_id, event]));
  const nameChange = (change) => changed(say, change, byId(), items);

  function draw() {
    const { profile, list, total, answer, failures } = known;
    const events = byId();
    const standing = standingEdits(list);
    const excluded = new Map(standing.filter(({ op }) => op === "exclude_event").map((change) => [change.event_id, change.id]));
    setBanner($("banner"), Object.values(failures).some((failure) => failure?.isGone) ? say.t("me.gone") : null);
    drawShort(profile, failures.profile);
    if (profile) {
      parts.likes.render({ profile, events, standing, excluded });
      parts.allow.render(profile.consents);
    } else for (const name of ["likes", "allow"]) parts[name].failed(missing(failures.profile));
    if (failures.events) parts.did.failed(missing(failures.events));
    else parts.did.render({ events: list, total, excluded });
    drawChanges(standing, failures.events);
    if (answer) return parts.next.render(answer, events);
    parts.next.failed(failures.answer?.needsRelease ? h("p", { class: "quiet" }, say.t("me.next.untrained")) : missing(failures.answer));
    return "";
  }

  function drawShort(profile, failure) {
    const title = h("h2", {}, say.t("me.short"));
    if (!profile) return put(parts.short, title, missing(failure));
    const isStranger = !known.failures.events && known.total === 0;
    if (isStranger) return put(parts.short, h("h2", {}, say.t("me.stranger")), h("p", {}, say.t("me.stranger.detail")));
    const rows = figures(say, profile, known.failures.events ? undefined : known.total);
    return put(parts.short, title, h("ul", { class: "in-short" }, inShort(say, profile, items).map((said) => h("li", {}, said))),
      h("dl", { class: "me-figures" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
  }

  function drawChanges(standing, failure) {
    const row = (change) => {
      const fault = h("div", { class: "fault", role: "alert" });
      const what = nameChange(change);
      return h("li", { class: "change-row" }, h("span", {}, what),
        h("button", { class: "me-button", type: "button", "aria-label": say.t("me.of", { do: say.t("me.undo"), what }), on: { click: () => undo(change.id, fault) } }, say.t("me.undo")), fault);
    };
    put(parts.changes, h("h2", { tabindex: "-1" }, say.t("me.changes")),
      parts.fault, failure ? missing(failure) : standing.length ? h("ul", { class: "changes" }, standing.map(row)) : h("p", { class: "quiet" }, say.t("me.changes.none")));
  }

  /** One after the other, so that what was clicked first is done first; says in `place` what went wrong. */
  function attempt(place, work) {
    const done = queue.then(async () => {
      put(place);
      try {
        await work();
        return true;
      } catch (error) {
        put(place, wrong(error));
        return false;
      }
    });
    queue = done;
    return done;
  }

  const edit = (said, place) => attempt(place, async () => {
    const [id] = (await api.edit(user, [said])).edit_ids;
    const next = await refresh();
    keepFocus();
    const first = nameChange({ ...said, id });
    toast($("toasts"), next ? say.t("me.then", { first, then: next }) : first, say.t("me.undo"), () => undo(id, parts.fault));
  });

  const undo = (id, place) => attempt(place, async () => {
    await api.edit(user, [{ op: "undo", edit_id: id }]);
    const next = await refresh();
    keepFocus();
    toast($("toasts"), [say.t("me.undone"), next].filter(Boolean).join(" "));
  });

  const consent = (scope, status, place) => attempt(place, async () => {
    const event = { event: "consent", event_id: newId(), user_id: user, timestamp: api.now(), properties: { scope, status } };
    const taken = await api.events(event);
    if (taken.rejected.length) throw new Error(taken.rejected[0].reason);
    await refresh();
    if (known.profile && known.profile.consents[scope] !== status) throw new Error(say.t("me.allow.kept"));
  });

  /** What was clicked may be gone with its card; the keyboard then goes on from the heading of the cards. */
  function keepFocus() {
    if (document.activeElement === document.body || document.activeElement === null) parts.likes.focus();
  }

  function erased(receipt) {
    turn += 1;
    known.receipt = receipt;
    showReceipt();
  }

  function showReceipt() {
    put($("me"), receiptView({ say }, known.receipt));
    $("me").querySelector("h1").focus();
    scrollTo(0, 0);
  }

  /** What went wrong, in words. */
  function wrong(error) {
    if (error.isGone) return h("p", { class: "warn" }, say.t("me.gone"));
    return [h("p", { class: "warn" }, say.t("me.failed")), h("p", { class: "quiet" }, say.t("me.failed.said", { text: error.message }))];
  }

  function missing(error) {
    const words = error?.isGone ? say.t("me.gone") : say.t("me.failed.said", { text: error?.message ?? "" });
    return h("div", { class: "fault", role: "alert" }, h("p", { class: "warn" }, say.t("me.failed.load")), h("p", { class: "quiet" }, words),
      h("button", { class: "me-button", type: "button", on: { click: refresh } }, say.t("me.try")));
  }

  mount();
  refresh();
}

start();
