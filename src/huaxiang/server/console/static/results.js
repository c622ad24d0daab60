// The panel of what was found: how the query was understood, the list or the two of them, and the pages.

import { isFiltered, onPage, pagesOf, toggled, unfiltered } from "./asked.js";
import { createBeside, moveOf, movesOf } from "./beside.js";
import { bar } from "./charts.js";
import { h, notice, put, reconcile, skeleton, slide } from "./dom.js";
import { icon } from "./icons.js";
import { partsLegend, scaleOf } from "./parts.js";
import { isSoldOut, resultCard } from "./result.js";
import { correction, fieldName, priceWords, relaxedSentences, understoodChips } from "./understood.js";

/**
 * The panel. Handlers: onChange(asked) searches otherwise; onSelect(found, answer, name) answers whether a click was
 * recorded; reasons(answer, found) and evidence(ids) answer what stands behind; starters() is what may be asked for.
 */
export function createResults(root, ctx, { onChange, onSelect, reasons, evidence, starters }) {
  const { say } = ctx;
  const count = h("span", { class: "panel-count", role: "status" });
  const title = h("h2", { id: "found-title", tabindex: "-1" }, say.t("find.results"));
  const about = h("div", { class: "found-about" });
  const [main, plain] = [h("ol", { class: "results" }), h("ol", { class: "results is-plain" })];
  const beside = createBeside(plain, main);
  const legend = h("div", { class: "found-legend" });
  const body = h("div", { class: "found-body" });
  const pager = h("nav", { class: "pager", "aria-label": say.t("find.pages"), hidden: true });
  put(root, h("header", { class: "panel-head" }, title, count), about, body, pager);

  function render(shown, asked) {
    const { answer } = shown;
    settle();
    const currency = currencyOf(shown);
    count.textContent = `${say.t("find.total", { n: say.number(answer.total) })} · ${say.t("ms", { n: say.number(answer.took_ms) })}`;
    const isTwo = shown.plain !== null;
    put(about, correction(say, answer, asked.query), relaxedSentences(say, answer, { currency, isFiltered: isFiltered(asked) }),
      understoodChips(say, answer, { hasPrice: asked.low !== null || asked.high !== null, currency }),
      chosen(asked, currency), asked.user !== null && !isTwo ? counted(answer, asked) : null);
    const pages = pagesOf(asked, answer.total);
    pager.hidden = pages <= 1 || !answer.items.length;
    const where = h("span", {}, say.t("find.page", { n: say.number(asked.page), all: say.number(pages) }));
    put(pager, step(asked, asked.page - 1, pages, "find.page.back"), where, step(asked, asked.page + 1, pages, "find.page.on"));
    if (answer.items.length) drawLists(shown, asked);
    else put(body, nothing(answer, asked));
  }

  function drawLists(shown, asked) {
    const { answer } = shown;
    const left = shown.plain ? onPage(asked, shown.plain.items) : [];
    const scale = scaleOf([...answer.items, ...left]);
    const moved = shown.plain ? movesOf(shown.plain.items, answer.items) : null;
    put(legend, partsLegend(say, [...answer.items, ...left]));
    if (!body.contains(beside.element)) put(body, legend, beside.element);
    if (moved) {
      const about = moved.n ? say.t("find.moved", { n: moved.n, all: answer.items.length }) : say.t("find.moved.none");
      beside.head(sideHead(say.t("find.side.nobody"), say.t("find.side.nobody.detail")), sideHead(say.t("find.side.user", { who: asked.user }), about, counted(answer, asked)));
    } else beside.head(null, null);
    fill(plain, left, shown.plain, shown, { scale, isNarrow: true, move: () => null });
    fill(main, answer.items, answer, shown, { scale, isNarrow: Boolean(moved), move: (id) => (moved ? moveOf(say, moved.moves, id) : null) });
    beside.draw();
  }

  function fill(list, found, answer, shown, { scale, isNarrow, move }) {
    const renew = (row, one) => {
      const item = shown.known.get(one.item_id) ?? null;
      row.className = `result${isNarrow ? " is-narrow" : ""}${isSoldOut(one, item) ? " is-sold" : ""}`;
      put(row, resultCard(one, {
        item, synonyms: answer.understood.synonyms ?? {}, scale, isNarrow, move: move(one.item_id), evidence,
        reasons: (of) => reasons(answer, of), onSelect: (of, name) => onSelect(of, answer, name),
      }, ctx));
    };
    slide(list, () => reconcile(list, found, (one) => one.item_id, () => h("li", {}), renew));
  }

  const sideHead = (name, detail, more) => [h("h3", {}, name), h("p", { class: "quiet" }, detail), more];

  /** How much the profile counted, and why so little where it is little. */
  function counted(answer, asked) {
    if (answer.release === null) return h("p", { class: "counted quiet" }, say.t("find.counted.untrained"));
    if (asked.personal === 0) return h("p", { class: "counted quiet" }, say.t("find.counted.off"));
    if (answer.personalised === 0) return h("p", { class: "counted quiet" }, say.t("find.counted.none"));
    const meter = bar("is-thin");
    requestAnimationFrame(() => meter.set(answer.personalised, 1));
    return h("p", { class: "counted", title: say.t("find.counted.detail") }, h("span", {}, say.t("find.counted", { n: say.percent(answer.personalised) })), meter.element);
  }

  /** The filters, each to be taken away. */
  function chosen(asked, currency) {
    const rows = [...asked.filters].flatMap(([field, values]) => values.map((value) => ({
      what: say.t("find.is", { field: fieldName(say, field), value: field === "category" ? value.split(" > ").at(-1) : value }),
      without: () => toggled(asked, field, value),
    })));
    const bounds = { ...(asked.low === null ? {} : { gte: asked.low }), ...(asked.high === null ? {} : { lte: asked.high }) };
    if (Object.keys(bounds).length) {
      const what = say.t("find.is", { field: fieldName(say, "price"), value: priceWords(say, bounds, currency) });
      rows.push({ what, without: () => ({ ...asked, low: null, high: null, page: 1 }) });
    }
    if (!rows.length) return null;
    const press = (to, said, ...inside) => h("li", {}, h("button", { type: "button", ...said, on: { click: () => onChange(to()) } }, inside));
    const chip = ({ what, without }) => press(without, { class: "chip is-button", "aria-label": say.t("find.remove", { what }) }, what, icon("cross"));
    return h("ul", { class: "chips chosen", "aria-label": say.t("find.chosen") }, rows.map(chip), rows.length > 1 ? press(() => unfiltered(asked), { class: "link" }, say.t("find.clear")) : null);
  }

  function nothing(answer, asked) {
    const button = (key, to) => h("button", { class: "small-button", type: "button", on: { click: () => onChange(to) } }, say.t(key));
    if (answer.total > 0) return notice("empty", say.t("find.beyond"), say.t("find.beyond.detail"), button("find.beyond.first", { ...asked, page: 1 }));
    if (isFiltered(asked)) return notice("empty", say.t("find.none"), say.t("find.none.detail"), button("find.clear", unfiltered(asked)));
    return notice("empty", say.t("find.empty"), say.t("find.empty.detail"));
  }

  function step(asked, page, pages, key) {
    const go = () => onChange({ ...asked, page }, { isPaged: true });
    return h("button", { class: "small-button", type: "button", disabled: page < 1 || page > pages, on: { click: go } }, say.t(key));
  }

  const currencyOf = ({ answer, known }) => answer.items.map((one) => known.get(one.item_id)?.currency).find(Boolean) ?? "";

  function settle() {
    root.classList.remove("is-busy");
    root.removeAttribute("aria-busy");
  }

  /** The page without a list, and what can be taken away still. */
  function only(node, asked) {
    settle();
    count.textContent = "";
    put(about, asked ? chosen(asked, "") : null);
    pager.hidden = true;
    put(body, node);
  }

  return {
    render,
    /** What is shown stays until the answer comes. */
    busy() {
      root.classList.add("is-busy");
      root.setAttribute("aria-busy", "true");
      count.textContent = say.t("find.busy");
      if (!body.contains(beside.element)) put(body, skeleton(12));
    },
    blank: () => only([notice("empty", say.t("find.start"), say.t("find.start.detail")), starters()]),
    failed: only,
    focus: () => title.focus({ preventScroll: true }),
  };
}
