// The events of whoever is searched for: the search, the list that they see, what they click. A shop's own page would
// send the same, and its search learns from them.

const newId = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-"));

/**
 * A recorder. A query is one search, however often its list is paged, filtered or ordered otherwise; what is done with
 * any of its lists names the query by the same `query_id`, and the list by its `request_id`.
 */
export function createRecorder(api) {
  const session = `search-page-${newId()}`;
  const searches = new Map();
  let listed = "";
  const keyOf = (asked) => `${asked.user}\u0000${asked.query.trim()}`;
  const event = (name, asked, answer, more) => ({
    event: name, event_id: newId(), user_id: asked.user, session_id: session, timestamp: api.now(),
    request_id: answer.request_id, query_id: searches.get(keyOf(asked)) ?? answer.query_id, ...more,
  });

  async function send(events) {
    const taken = await api.events(events);
    if (taken.rejected.length) throw new Error(taken.rejected[0].reason);
  }

  return {
    /** A list was shown; answers {search, list}: whether the search was sent, and of how many items the list. */
    async shown(asked, answer) {
      const key = keyOf(asked);
      const isNew = asked.query.trim() !== "" && !searches.has(key);
      const list = JSON.stringify([key, answer.items.map((found) => [found.item_id, found.rank])]);
      const events = [];
      if (isNew) {
        searches.set(key, answer.query_id);
        const total = answer.relaxed.some((one) => one.kind === "query") ? 0 : answer.matching;
        events.push(event("search", asked, answer, { query: asked.query.trim(), properties: { total } }));
      }
      const isSame = list === listed;
      if (!isSame && answer.items.length) events.push(event("view_item_list", asked, answer, { items: answer.items.map((found) => ({ item_id: found.item_id, index: found.rank - 1 })) }));
      if (!events.length) return { search: false, list: 0 };
      listed = list;
      try {
        await send(events);
      } catch (error) {
        if (isNew) searches.delete(key);
        listed = "";
        throw error;
      }
      return { search: isNew, list: isSame ? 0 : answer.items.length };
    },
    /** An item of a shown list was clicked. */
    clicked: (asked, answer, found) => send([event("select_item", asked, answer, { item_id: found.item_id, position: found.rank - 1 })]),
  };
}
