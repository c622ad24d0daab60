"""The way of a request: read the person, score the catalogue, drop what may not be shown, rank, explain.

Legend: M items of the live index, L entries of one history.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from huaxiang.collect.catalogue import Catalogue
from huaxiang.encoder.base import Encoder
from huaxiang.encoder.folder import open_folder
from huaxiang.errors import DataError
from huaxiang.pipeline.elsewhere import ELSEWHERE, Elsewhere, scores
from huaxiang.pipeline.elsewhere import kept as kept_elsewhere
from huaxiang.pipeline.parts import PARTS, open_indexed
from huaxiang.pipeline.people import People
from huaxiang.pipeline.scoring import best_among, best_passing, fuse, padded, people_at_once, standardise
from huaxiang.pipeline.second import N_RANKED, SecondStage
from huaxiang.pipeline.similar import similar
from huaxiang.pipeline.why import Explainer, Tried
from huaxiang.profiles import FoldState, Portraits
from huaxiang.profiles.facets import mood
from huaxiang.ranking.arrange import POOL, Arranger, Rules
from huaxiang.ranking.rules import compile_filter
from huaxiang.ranking.shelf import Shelf
from huaxiang.release import Release
from huaxiang.retrieval.base import History, Retriever
from huaxiang.retrieval.kinds import open_retrievers
from huaxiang.retrieval.live import LiveIndex, Snapshot
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.reading import Basis, Person
from huaxiang.types import Event, ItemId, Ranked, Reason, UserId

Shown = Literal["purchased", "all", "none"]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a page is to be like.

    Attributes:
        where: filter of items, as in `ranking.rules.compile_filter`.
        item_ids: rank only these.
        events: what the state was folded from, where reasons are asked for.
        diversity: 0 by score alone to 1 by difference alone; None: as the shop has it.
    """

    k: int = 10
    filter_seen: Shown = "purchased"
    where: Mapping[str, Any] | None = None
    item_ids: Sequence[ItemId] | None = None
    events: Sequence[Event] | None = None
    diversity: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the items, what they rest on, and what moved them beside their scores.

    Attributes:
        tried: for each item the reasons that were checked, first choice first; empty where none were asked for.
    """

    ranked: Ranked
    basis: Basis
    arranged: tuple[str, ...] = ()
    tried: tuple[tuple[Tried, ...], ...] = ()


class Pipeline:
    """One release, open for answers. Safe to use from many threads.

    Memory: the release's arrays, what `People` keeps, and at most 32 MB of scores for a block of people.
    """

    def __init__(
        self,
        release_id: str,
        portraits: Portraits,
        encoder: Encoder,
        index: LiveIndex,
        retrievers: Mapping[str, Retriever],
        weights: Mapping[str, float],
        repeated: frozenset[str],
        rules: Rules | None = None,
        *,
        second: SecondStage | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.release_id = release_id
        self._elsewhere = elsewhere
        self._second = second
        self._rules = rules or Rules()
        self.portraits = portraits
        self.encoder = encoder
        self.index = index
        self.retrievers = retrievers
        self.weights = weights
        self._repeated = repeated
        self._shelf = Shelf.of(index.snapshot().item_ids, portraits.item_facets)
        self._rows: dict[str, NDArray[np.float32]] = {}
        n_fitted = retrievers["transitions"].n_items
        self._people = People(portraits, encoder, elsewhere, n_fitted)
        read_apart = partial(People, portraits, encoder, None, n_fitted)
        self._explainer = Explainer(portraits, retrievers, weights, read_apart, self.parts_of, self.shelf)

    @classmethod
    def open(cls, release: Release, portraits: Portraits, rules: Rules | None = None) -> Self:
        """Open a release over a shop's portraits, under the shop's rules."""
        kept = open_indexed(release)
        encoder = open_folder(release.part(PARTS.encoder))
        catalogue = portraits.item_facets.catalogue
        index = LiveIndex(kept.item_ids, kept.vectors_MD, encoder, catalogue, seq=int(release.about["seq"]))
        retrievers = open_retrievers(release.part(PARTS.retrievers))
        portraits.item_facets.use(release.part(PARTS.keywords))
        elsewhere = kept_elsewhere(portraits.store, release) if kept.weights.get(ELSEWHERE, 0.0) > 0.0 else None
        return cls(
            release.id,
            portraits,
            encoder,
            index,
            retrievers,
            kept.weights,
            kept.repeated,
            rules,
            second=kept.second,
            elsewhere=elsewhere,
        )

    def trying(self, retrievers: Mapping[str, Retriever], weights: Mapping[str, float] | None = None) -> "Pipeline":
        """The same release with other retrievers and weights, without a second stage."""
        chosen = self.weights if weights is None else weights
        return Pipeline(
            self.release_id,
            self.portraits,
            self.encoder,
            self.index,
            retrievers,
            chosen,
            self._repeated,
            elsewhere=self._elsewhere,
        )

    @property
    def catalogue(self) -> Catalogue:
        """The live items."""
        return self.portraits.item_facets.catalogue

    def forget(self) -> None:
        """Let go of what is kept in memory of people."""
        self._people.forget()

    def recommend(
        self,
        user_ids: Sequence[UserId],
        *,
        now: datetime,
        k: int = 10,
        filter_seen: Shown = "purchased",
        item_ids: Sequence[ItemId] | None = None,
    ) -> list[Ranked]:
        """The `k` best items of each user, as known strictly before `now`; one user in, a list of one out."""
        wish = _Wish(k, filter_seen, item_ids=item_ids)
        at_once = people_at_once(len(self.index.snapshot()), len(self.retrievers) + 2)
        found: list[Ranked] = []
        for start in range(0, len(user_ids), at_once):
            block = user_ids[start : start + at_once]
            states = [self.portraits.state(user, before=now) for user in block]
            found += [page.ranked for page in self._pages(states, wish, now=now, user_ids=block)]
        return found

    def rank(
        self,
        state: FoldState,
        *,
        now: datetime,
        k: int,
        filter_seen: Shown = "purchased",
        where: Mapping[str, Any] | None = None,
        item_ids: Sequence[ItemId] | None = None,
        explain: bool = False,
        diversity: float | None = None,
        user_id: UserId | None = None,
        events: Sequence[Event] | None = None,
    ) -> Page:
        """Score, drop, arrange, and say why: the whole request path.

        Args:
            user_id: whose state it is, for what is known of them elsewhere; None for a session.
            events: what the state was folded from, to check reasons by; None: the user's log.
        """
        if explain and events is None:
            events = [] if user_id is None else self.portraits.events(user_id, before=now)
        wish = _Wish(k, filter_seen, where, item_ids, events if explain else None, diversity)
        return self._pages([state], wish, now=now, user_ids=[user_id])[0]

    def _pages(
        self, states: Sequence[FoldState], wish: _Wish, *, now: datetime, user_ids: Sequence[UserId | None]
    ) -> list[Page]:
        """A page for each state, scored together."""
        items = self.index.snapshot()
        people = self._people.read(states, items, now=now, user_ids=user_ids)
        parts = self.parts_of(people, items)
        fused_NM = fuse(parts, self.weights)
        return [
            self._page(person, items, {name: rows_NM[at] for name, rows_NM in parts.items()}, fused_NM[at], wish, now)
            for at, person in enumerate(people)
        ]

    def _page(
        self,
        person: Person,
        items: Snapshot,
        parts: Mapping[str, NDArray[np.float32]],
        fused_M: NDArray[np.float64],
        wish: _Wish,
        now: datetime,
    ) -> Page:
        allowed_M = self.allowed(person, items, filter_seen=wish.filter_seen, item_ids=wish.item_ids)
        passes = self._test(wish.where, items)
        felt = mood(person.state, now=now, config=self.portraits.config)
        arranger = Arranger.of(self._rules, wish.diversity, felt.get("polarity"))
        n = wish.k if arranger.by_score_alone else max(wish.k, POOL)
        order, scores_M = self._ordered(fused_M, parts, person, np.flatnonzero(allowed_M), n, passes)
        if not arranger.by_score_alone:
            pins = {pin.place: items.position(pin.item_id) for pin in arranger.rules.pins}
            shown = {
                place: at for place, at in pins.items() if at >= 0 and allowed_M[at] and (not passes or passes(at))
            }
            order = self._arranged(arranger, order, shown, scores_M, person, items, wish.k)
        names = tuple(items.item_ids[at] for at in order)
        told = wish.events
        why = () if told is None else self._explainer.why(order, person, parts, items, now, told)
        ranked = Ranked(names, scores_M[order].astype(np.float32), tuple(one.shown for one in why))
        return Page(ranked, person.basis, arranger.notes(names), tuple(one.tried for one in why))

    def _test(self, where: Mapping[str, Any] | None, items: Snapshot) -> Callable[[int], bool] | None:
        """Whether the item at a position passes a request's filter; None without one."""
        if not where:
            return None
        test = compile_filter(where)

        def passes(at: int) -> bool:
            item = self.catalogue.get(items.item_ids[at])
            return item is not None and test(item)

        return passes

    def _ordered(
        self,
        fused_M: NDArray[np.float64],
        parts: Mapping[str, NDArray[np.float32]],
        person: Person,
        among: NDArray[np.intp],
        n: int,
        passes: Callable[[int], bool] | None,
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The best `n` positions and the scores they are ordered by: the learned ranker's, where there is one and the
        person has a history that it could learn from."""
        second = self._second if person.basis == "profile" else None
        wanted = n if second is None else max(n, N_RANKED)
        order = best_among(fused_M, among, wanted) if passes is None else best_passing(fused_M, among, wanted, passes)
        if second is None:
            return order, fused_M
        scores_M = second.scores(order, fused_M, parts, person.history)
        return best_among(scores_M, np.sort(order), n), scores_M

    def _arranged(
        self,
        arranger: Arranger,
        order: NDArray[np.intp],
        wanted: Mapping[int, int],
        scores_M: NDArray[np.float64],
        person: Person,
        items: Snapshot,
        k: int,
    ) -> NDArray[np.intp]:
        """The page's items out of the best, `wanted` at places of their own."""
        pool_P = np.concatenate([order, [at for at in wanted.values() if at not in order]]).astype(np.intp)
        place_in = {int(at): place for place, at in enumerate(pool_P)}
        chosen = arranger.order(
            scores_M[pool_P],
            [self.catalogue.get(items.item_ids[at]) for at in pool_P],
            items.vectors_MD[pool_P],
            k,
            usual=[self.catalogue.get(name) for name, tally in person.entries if tally.long > 0.0],
            pins={place: place_in[at] for place, at in wanted.items()},
        )
        return pool_P[chosen]

    def read(self, state: FoldState, items: Snapshot, *, now: datetime, user_id: UserId | None = None) -> Person:
        """What the answer may use of a state: nothing where personalisation is denied."""
        return self._people.read([state], items, now=now, user_ids=[user_id])[0]

    def read_all(
        self, states: Sequence[FoldState], items: Snapshot, *, now: datetime, user_ids: Sequence[UserId]
    ) -> list[Person]:
        """The same of many states, whose vectors U are found together."""
        return self._people.read(states, items, now=now, user_ids=user_ids)

    def parts(self, person: Person, items: Snapshot) -> dict[str, NDArray[np.float32]]:
        """`parts_of` one person, shape (M,) each."""
        return next(self.parts_of_each([person], items))

    def parts_of_each(self, people: Iterable[Person], items: Snapshot) -> Iterator[dict[str, NDArray[np.float32]]]:
        """`parts` of one person after the other, found in blocks of as many as memory allows."""
        left = iter(people)
        while block := list(islice(left, people_at_once(len(items), len(self.retrievers) + 2))):
            parts = self.parts_of(block, items)
            yield from ({name: rows_NM[at] for name, rows_NM in parts.items()} for at in range(len(block)))

    def parts_of(self, people: Sequence[Person], items: Snapshot) -> dict[str, NDArray[np.float32]]:
        """Standardised scores of shape (N, M) of every part that has a weight; zeros where one has nothing to say."""
        histories = [person.history for person in people]
        used = {name: part for name, part in self.retrievers.items() if self.weights.get(name, 0.0) > 0.0}
        found = {name: self._said(name, part, histories, len(items)) for name, part in used.items()}
        raw: dict[str, NDArray[np.float32]] = {}
        if self._elsewhere is not None:
            raw[ELSEWHERE] = np.stack([scores(person.elsewhere, items) for person in people])
        raw["content"] = items.products(np.stack([person.u_D for person in people]))
        raw["profile"] = self.shelf(items).fits([person.taste for person in people])
        return found | {name: standardise(rows_NM) for name, rows_NM in raw.items()}

    def _said(self, name: str, part: Retriever, histories: Sequence[History], m: int) -> NDArray[np.float32]:
        """A retriever's standardised scores, shape (N, M); of one that says the same to everybody found once."""
        if not isinstance(part, Popular):
            return standardise(padded(part.scores(histories), m))
        kept = self._rows.get(name)
        if kept is None or len(kept) != m:
            kept = self._rows[name] = standardise(padded(part.scores([History.of([])])[0], m))
        return np.broadcast_to(kept, (len(histories), m))

    def refresh(self) -> None:
        """Take in changed items, and rebuild the shelf where its patches have grown; for a thread beside requests."""
        self.index.refresh()
        self.index.tidy()
        items = self.index.snapshot()
        if self._shelf.wants_rebuilding:
            self._shelf = Shelf.of(items.item_ids, self.portraits.item_facets)
        self.shelf(items)

    def shelf(self, items: Snapshot) -> Shelf:
        """The shelf as it is now."""
        kept = self._shelf
        if kept.changed == self.catalogue.changed and len(kept.alive_M) == len(items):
            return kept
        now = kept.after(items.item_ids, items.by_id, self.portraits.item_facets)
        if len(items) >= len(kept.alive_M):  # else this request began before the newest item came
            self._shelf = now
        return now

    def allowed(
        self,
        person: Person,
        items: Snapshot,
        *,
        filter_seen: Shown = "purchased",
        item_ids: Sequence[ItemId] | None = None,
    ) -> NDArray[np.bool_]:
        """Shape (M,): what may be shown: in stock, asked for, not muted, not bought once for good."""
        shelf = self.shelf(items)
        allowed_M = shelf.alive_M.copy()
        if item_ids is not None:
            wanted = items.positions(item_ids)
            asked_M = np.zeros(len(items), dtype=np.bool_)
            asked_M[wanted[wanted >= 0]] = True
            allowed_M &= asked_M
        if person.muted:
            allowed_M &= ~shelf.having(person.muted)
        if filter_seen != "none":
            seen = person.state.bought if filter_seen == "purchased" else person.state.items
            gone = items.positions([name for name in seen if filter_seen == "all" or not self._is_repeated(name)])
            allowed_M[gone[gone >= 0]] = False
        return allowed_M

    def _is_repeated(self, item_id: ItemId) -> bool:
        item = self.catalogue.get(item_id)
        return item is not None and " > ".join(item.category) in self._repeated

    def explain(self, user_id: UserId, item_id: ItemId, *, now: datetime) -> tuple[Reason, ...]:
        """Why this item for this user, whether or not it would be shown: what passes the check of `counterfactual`."""
        state, items = self.portraits.state(user_id, before=now), self.index.snapshot()
        at = items.position(item_id)
        if at < 0:
            raise DataError(f"no item {item_id!r} in the index; set it first")
        person, events = self.read(state, items, now=now, user_id=user_id), self.portraits.events(user_id, before=now)
        parts = self.parts(person, items)
        return self._explainer.why(np.array([at]), person, parts, items, now, events)[0].shown

    def similar_items(self, item_ids: Sequence[ItemId], k: int) -> list[Ranked]:
        """The `k` items nearest to each by text and by what people do; popular ones for an item never seen."""
        items = self.index.snapshot()
        return [similar(name, k, items, self.shelf(items).alive_M, self.retrievers, self.weights) for name in item_ids]
