// The page of search: it holds what is asked, asks the API, and hands each part what it shows.

import { createApi, createItems } from "./api.js";
import { addressOf, countsAsk, isBlank, isCompared, listAsk, onPage, plainAsk, readAsked, toggled } from "./asked.js";
import { createAsking } from "./asking.js";
import { createOffers, createStarters } from "./completing.js";
import { h, notice, put } from "./dom.js";
import { speak, startLanguage } from "./i18n.js";
import { icon } from "./icons.js";
import { createNarrowing } from "./narrowing.js";
import { createRecorder } from "./recording.js";
import { isSoldOut } from "./result.js";
import { createResults } from "./results.js";
import { askKey, drawLanguages, LANGUAGE, setBanner, toast } from "./shell.js";

const EVENTS = 1000;
const RECORD = "huaxiang.search.record";
const NOTHING = { asked: null, answer: null, plain: null, facets: [], known: new Map(), failure: null };
const $ = (id) => document.getElementById(id);

function start() {
  let say = speak(startLanguage(location.search, localStorage.getItem(LANGUAGE), navigator.language));
  let language = new URLSearchParams(location.search).get("lang");
  let asked = readAsked(new URLSearchParams(location.search));
  let shown = NOTHING;
  let isRecorded = localStorage.getItem(RECORD) !== "off";
  let views = null;
  let turn = 0;
  const explained = new WeakMap();
  let evidence = null;
  const api = createApi({ askKey: (isWrong) => askKey($("ask"), say, isWrong), heard: () => {} });
  const items = createItems(api);
  const offers = createOffers(api);
  const recorder = createRecorder(api);

  function mount() {
    document.documentElement.lang = say.language === "zh" ? "zh-Hans" : "en";
    for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = say.t(node.dataset.i18n);
    drawLanguages($("langs"), say, speakIn);
    const ctx = { say, api, items, offers, problem };
    const current = () => asked.user;
    views = {
      asking: createAsking($("asking"), ctx, {
        onAsk: ask, onRecord: record, current,
        onUser: (user) => change({ ...asked, user, page: 1 }),
        onBeside: (isBeside) => change({ ...asked, isBeside, page: 1 }),
        onPersonal: (personal) => change({ ...asked, personal }, { isNew: false }),
      }),
      narrowing: createNarrowing($("narrowing"), ctx, { onToggle: (field, value) => change(toggled(asked, field, value)), onPrice: price }),
      results: createResults($("found"), ctx, { onChange: change, onSelect: select, reasons, evidence: eventsOf, starters: () => createStarters(ctx, { onAsk: ask, current }) }),
    };
    views.asking.show(asked, isRecorded);
    draw();
  }

  function speakIn(code) {
    say = speak(code);
    language = code;
    keepAddress(false);
    mount();
  }

  /** A new query starts without the filters of the one before; the same one keeps them. */
  function ask(query, scope) {
    const isSame = query.trim() === asked.query.trim() && !Object.keys(scope).length;
    const filters = new Map(Object.entries(scope).map(([field, value]) => [field, [value]]));
    change(isSame ? { ...asked, query, page: 1 } : { ...asked, query, filters, low: null, high: null, page: 1 });
  }

  function price(low, high) {
    if (low !== asked.low || high !== asked.high) change({ ...asked, low, high, page: 1 });
  }

  function change(next, { isNew = true, isPaged = false } = {}) {
    if (next.user !== asked.user) evidence = null;
    asked = next;
    keepAddress(isNew);
    views.asking.show(asked, isRecorded);
    run({ isPaged });
  }

  function keepAddress(isNew) {
    const address = `?${addressOf(asked, language)}`;
    if (address !== location.search) history[isNew ? "pushState" : "replaceState"](null, "", address);
  }

  /** Ask for all that is shown; an answer that was overtaken is dropped. */
  async function run({ isPaged = false } = {}) {
    const mine = ++turn;
    if (isBlank(asked)) {
      shown = NOTHING;
      return draw();
    }
    views.results.busy();
    const held = document.activeElement;
    const found = await answers(asked).catch((failure) => ({ ...NOTHING, facets: shown.facets, failure }));
    if (mine !== turn) return null;
    shown = found;
    if (!shown.failure?.isGone) setBanner($("banner"), null);
    draw();
    if (isPaged) {
      $("finding").scrollTo(0, 0);
      views.results.focus();
    } else if (!held.isConnected) views.results.focus(); // what was pressed is gone, and the keyboard goes on from here
    return shown.answer ? note() : null;
  }

  /** The list, nobody's beside it, and for each field that narrows it what else there would be. */
  async function answers(now) {
    const narrowed = [...now.filters.keys()];
    const [answer, plain, ...others] = await Promise.all([
      api.search(listAsk(now)), isCompared(now) ? api.search(plainAsk(now)) : null, ...narrowed.map((field) => api.search(countsAsk(now, field))),
    ]);
    const counts = new Map(narrowed.map((field, at) => [field, others[at].facets.find((facet) => facet.field === field)]));
    const facets = answer.facets.map((facet) => counts.get(facet.field) ?? facet);
    facets.push(...[...counts].filter(([field, facet]) => facet && !answer.facets.some((one) => one.field === field)).map(([, facet]) => facet));
    const needed = new Map([...answer.items, ...(plain ? onPage(now, plain.items) : [])].map((found) => [found.item_id, found]));
    const known = new Map(await Promise.all([...needed].map(async ([id, found]) => [id, await lookUp(found)])));
    return { asked: now, answer, plain, facets, known, failure: null };
  }

  /** What the shop says of an item, asked for anew where it is not what the answer says; null where it is gone. */
  async function lookUp(found) {
    const item = await items.get(found.item_id).catch(() => null);
    if (item === null || ((item.price ?? null) === found.price && isSoldOut(found, item) === (item.in_stock === false))) return item;
    items.forget(found.item_id);
    return items.get(found.item_id).catch(() => null);
  }

  function draw() {
    const query = asked.query.trim();
    document.title = `${query ? `${query} · ` : ""}${say.t("page.search")} · 画像 huaxiang`;
    views.narrowing.render(asked, shown.facets);
    if (shown.failure) views.results.failed(problem(shown.failure, run), asked);
    else if (shown.answer) views.results.render(shown, shown.asked);
    else if (isBlank(asked)) views.results.blank();
    else views.results.busy();
    if (shown.answer) put($("latency"), icon("pulse"), h("span", { class: "fact-name" }, say.t("latency")), h("span", { class: "fact-value" }, say.t("ms", { n: say.number(shown.answer.took_ms) })));
  }

  /** Why an item stands in a list: asked for once for each list, when somebody wants to know. */
  async function reasons(answer, found) {
    if (!explained.has(answer)) {
      const said = api.search({ ...(answer === shown.plain ? plainAsk : listAsk)(shown.asked), explain: true });
      explained.set(answer, said.then((again) => new Map(again.items.map((one) => [one.item_id, one.reasons]))));
    }
    try {
      return (await explained.get(answer)).get(found.item_id);
    } catch (error) {
      explained.delete(answer);
      throw error;
    }
  }

  /** Events of the shopper by their ids; those that are too old to be listed are left out. */
  async function eventsOf(ids) {
    evidence ??= api.evidence(asked.user, EVENTS);
    try {
      const said = await evidence;
      items.learn(said.item_names);
      return said.events.filter((event) => ids.includes(event.event_id));
    } catch (error) {
      evidence = null;
      throw error;
    }
  }

  function record(isOn) {
    isRecorded = isOn;
    localStorage.setItem(RECORD, isOn ? "on" : "off");
    views.asking.show(asked, isRecorded);
    views.asking.told("");
    if (isOn && shown.answer) note();
  }

  /** Record the list that is shown, where somebody was chosen who sees it. */
  async function note() {
    if (!isRecorded || asked.user === null) return views.asking.told("");
    return recorded(async () => {
      const sent = await recorder.shown(shown.asked, shown.answer);
      return [sent.search ? say.t("find.recorded.search") : null, sent.list ? say.t("find.recorded.list", { n: sent.list }) : null].filter(Boolean);
    });
  }

  /** A click; answers whether it was recorded. Nobody's list is nobody's, and so is what is clicked there. */
  async function select(found, answer, name) {
    if (!isRecorded || !shown.asked?.user || answer !== shown.answer) return false;
    const isSent = await recorded(async () => {
      await recorder.clicked(shown.asked, answer, found);
      return [say.t("find.recorded.click", { what: name })];
    });
    if (isSent) toast($("toasts"), say.t("find.recorded", { what: say.t("find.recorded.click", { what: name }) }), say.t("find.again"), run);
    return isSent;
  }

  /** Send what `work` sends and say so, or why it could not be; answers whether something was sent. */
  async function recorded(work) {
    try {
      const sent = await work();
      if (sent.length) {
        evidence = null;
        views.asking.told(say.t("find.recorded", { what: say.list(sent) }));
      }
      return sent.length > 0;
    } catch (error) {
      views.asking.told(say.t("find.refused", { why: error.isGone ? say.t("gone") : error.message }), true);
      return false;
    }
  }

  /** An error in place of what it kept from being shown, with a way to try again. */
  function problem(error, again) {
    const retry = again ? h("button", { class: "small-button", type: "button", on: { click: () => again() } }, say.t("retry")) : null;
    if (error.isGone) setBanner($("banner"), say.t("gone"));
    return error.isGone ? notice("error", say.t("gone"), null, retry) : notice("error", say.t("error"), error.message, retry);
  }

  addEventListener("popstate", () => {
    asked = readAsked(new URLSearchParams(location.search));
    evidence = null;
    views.asking.show(asked, isRecorded);
    run();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    views.asking.focus();
  });

  mount();
  if (!isBlank(asked)) run();
  else views.asking.focus();
}

start();
