// What is asked of search, as the address keeps it and as the API takes it.

/** Items of a page: of one list, and of each of two side by side. */
export const PAGE = 20;
export const BESIDE = 10;
/** How many of nobody's list are looked through for where an item stood. */
export const COMPARED = 100;
const MOST_OFFSET = 9900;
const FILTER = "f.";
const OWN = new Set(["brand", "category"]);

function number(text) {
  const said = text === null || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(said) && said >= 0 ? said : null;
}

/** What an address asks for: {query, user, filters (field to values), low, high, page, personal, isBeside}. */
export function readAsked(address) {
  const filters = new Map();
  for (const [name, value] of address) {
    const field = name.startsWith(FILTER) ? name.slice(FILTER.length) : "";
    if (field && !filters.get(field)?.includes(value)) filters.set(field, [...(filters.get(field) ?? []), value]);
  }
  const asked = {
    query: address.get("q") ?? "", user: address.get("user") || null, filters,
    low: number(address.get("min")), high: number(address.get("max")),
    page: 1, personal: Math.min(1, number(address.get("personal")) ?? 1), isBeside: address.get("beside") === "1",
  };
  const page = Math.floor(number(address.get("page")) ?? 1);
  return { ...asked, page: Math.min(Math.max(1, page), MOST_OFFSET / size(asked) + 1) };
}

/** The address of what is asked; what is left to itself is not said. */
export function addressOf(asked, language) {
  const said = [["q", asked.query], ["user", asked.user], ["min", asked.low], ["max", asked.high]].filter(([, value]) => value !== null && value !== "");
  for (const [field, values] of asked.filters) for (const value of values) said.push([`${FILTER}${field}`, value]);
  if (asked.page > 1) said.push(["page", asked.page]);
  if (asked.personal < 1) said.push(["personal", asked.personal]);
  if (asked.isBeside) said.push(["beside", "1"]);
  if (language) said.push(["lang", language]);
  return new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
}

/** The filter of the API, for all fields but `without`: one of a field's values will do. */
export function filterOf(asked, without = null) {
  const filter = {};
  for (const [field, values] of asked.filters) if (field !== without) filter[OWN.has(field) ? field : `attribute:${field}`] = values;
  if (asked.low !== null || asked.high !== null) filter.price = { ...(asked.low === null ? {} : { gte: asked.low }), ...(asked.high === null ? {} : { lte: asked.high }) };
  return filter;
}

/** Whether some items are left out, whatever is searched for. */
export const isFiltered = (asked) => asked.filters.size > 0 || asked.low !== null || asked.high !== null;

/** Whether there is nothing to look for yet. */
export const isBlank = (asked) => asked.query.trim() === "" && !isFiltered(asked);

/** Whether two lists are to be shown: nobody's has nothing to stand beside. */
export const isCompared = (asked) => asked.isBeside && asked.user !== null;

const size = (asked) => (isCompared(asked) ? BESIDE : PAGE);
const offset = (asked) => (asked.page - 1) * size(asked);

/** How many pages there are of so many items. */
export const pagesOf = (asked, total) => Math.max(1, Math.min(Math.ceil(total / size(asked)), MOST_OFFSET / size(asked) + 1));

/** The list that is shown, as the API is asked for it. */
export function listAsk(asked) {
  const who = asked.user === null ? {} : { user_id: asked.user, personalise: asked.personal };
  return { query: asked.query, k: size(asked), offset: offset(asked), filter: filterOf(asked), ...who };
}

/** Nobody's list around the same page, so that most of its items are found in it. */
export function plainAsk(asked) {
  const from = Math.max(0, offset(asked) - (COMPARED - BESIDE) / 2);
  return { query: asked.query, k: COMPARED, offset: from, filter: filterOf(asked) };
}

/** Of nobody's list what stands on the shown page. */
export const onPage = (asked, items) => items.filter((item) => item.rank > offset(asked) && item.rank <= offset(asked) + size(asked));

/** For the counts of a field: what there would be without its own values, so that another of them can be added. */
export const countsAsk = (asked, field) => ({ query: asked.query, k: 1, filter: filterOf(asked, field) });

/** What is asked with a value of a field chosen, or not chosen any more; from the first page. */
export function toggled(asked, field, value) {
  const had = asked.filters.get(field) ?? [];
  const has = had.includes(value) ? had.filter((one) => one !== value) : [...had, value];
  const filters = new Map(asked.filters);
  if (has.length) filters.set(field, has);
  else filters.delete(field);
  return { ...asked, filters, page: 1 };
}

/** What is asked without any filter. */
export const unfiltered = (asked) => ({ ...asked, filters: new Map(), low: null, high: null, page: 1 });
