"""What the newest visit is for: noted by the fold, read as a need."""

from collections import Counter
from datetime import datetime
from typing import Final

from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.state import EVIDENCE_KEPT, Errand, FoldState, from_micros, to_micros
from huaxiang.store import Deed, Traces
from huaxiang.text.segment import content_words
from huaxiang.types import Facet

PAUSE: Final = 30 * 60 * 1_000_000
"""Microseconds without an event that end a visit whose events carry no session id."""

_LASTS: Final = 12 * 3_600 * 1_000_000
"""Microseconds after its newest event in which a visit says what somebody is about."""
_LOOKS: Final = frozenset({"view_item", "select_item"})
_READ: Final = _LOOKS | {"add_to_cart", "remove_from_cart", "begin_checkout", "purchase", "search"}
_MOST: Final = 20
_GIFTS: Final = frozenset({"gift", "gifts", "present", "presents", "礼物", "礼品", "送礼", "礼盒", "生日礼物"})

BROWSING, COMPARING, BUYING = "browsing", "comparing", "about to buy"
REPLENISHING, GIFT = "replenishing", "gift"

_SURE: Final = {
    "gift words": 0.9,
    "goes straight to what was bought": 0.6,
    "paying": 0.9,
    "cart": 0.88,
    "search": 0.89,
    "alike": 0.92,
    "unlike": 0.95,
    "one": 0.64,
}
"""How often what was noted meant what is said of it, on the demo shop at its settings seed (experiments/LOG.md); gift
words are not in that shop, and paying is reckoned."""


def goes_on(session: str | None, last: int, own: str | None, micros: int) -> bool:
    """Whether an event of a session belongs to the visit of a session whose last event was then (microseconds)."""
    return session == own and (own is not None or micros - last < PAUSE)


def newest_visit(traces: Traces) -> int:
    """Where among events, all of which are read, the newest visit begins, before which none has to be noted; 0 where it
    may have begun before them."""
    kinds, sessions, moments = traces.kinds, traces.sessions, traces.moments
    later = -1
    for at in range(len(traces) - 1, -1, -1):
        if kinds[at] in _READ:
            if later >= 0 and not goes_on(sessions[at], moments[at], sessions[later], moments[later]):
                return later
            later = at
    return 0


def step_errand(state: FoldState, event: Deed, micros: int) -> None:
    """Note an event of the newest visit; before what it bought is counted as bought."""
    if event.event not in _READ:
        return
    errand = state.errand
    if errand.at == 0 or not goes_on(errand.session, errand.at, event.session_id, micros):
        errand = state.errand = Errand(session=event.session_id, began=micros)
    errand.at = micros
    errand.evidence.insert(0, (micros, event.event_id))
    del errand.evidence[EVIDENCE_KEPT:]
    errand.n_searches += event.event == "search"
    errand.is_paying = event.event == "begin_checkout" or (errand.is_paying and event.event != "purchase")
    for item in event.item_ids:
        if event.event in _LOOKS or event.event == "add_to_cart":
            _append(errand.seen, item)
            if item in state.bought and item not in errand.bought:
                _append(errand.again, item)
        if event.event == "add_to_cart":
            _append(errand.cart, item)
        elif event.event in ("remove_from_cart", "purchase") and item in errand.cart:
            errand.cart.remove(item)
        if event.event == "purchase":
            _append(errand.bought, item)


def _append(items: list[str], item: str) -> None:
    if item not in items and len(items) < _MOST:
        items.append(item)


def intent(state: FoldState, item_facets: ItemFacets, *, now: datetime) -> Facet | None:
    """What the newest visit is for: `browsing`, `comparing`, `about to buy`, `replenishing` or `gift`.

    None twelve hours after it, and where it ended in a purchase.
    """
    errand, age = state.errand, to_micros(now) - state.errand.at
    if errand.at == 0 or age >= _LASTS or (errand.bought and not errand.cart):
        return None
    value, why = _read(state, errand, item_facets)
    sure, evidence = _SURE[why], tuple(event_id for _, event_id in errand.evidence)
    left = 1.0 - age / _LASTS
    return Facet("intent", value, left, sure, _LASTS / 2 / 86_400e6, evidence, from_micros(errand.at))


def _read(state: FoldState, errand: Errand, item_facets: ItemFacets) -> tuple[str, str]:
    said = [search.query for search in state.searches if search.at >= errand.began]
    if any(word in _GIFTS for query in said for word in content_words(query)):
        return GIFT, "gift words"
    if errand.again and errand.again[0] == errand.seen[0] and not errand.n_searches:
        return REPLENISHING, "goes straight to what was bought"
    if errand.cart or errand.is_paying:  # a cart may be older than the visit
        return BUYING, "paying" if errand.is_paying else "cart"
    if errand.n_searches:
        return COMPARING, "search"
    kinds = Counter(_narrowest(item, item_facets) for item in errand.seen)
    if len(errand.seen) < 2:
        return COMPARING, "one"
    return (COMPARING, "alike") if len(kinds) == 1 else (BROWSING, "unlike")


def _narrowest(item_id: str, item_facets: ItemFacets) -> tuple[str, ...]:
    item = item_facets.catalogue.get(item_id)
    return item.category if item is not None else (item_id,)
