"""The way of a request: read the person, score the catalogue, drop what may not be shown, rank, explain.

Legend: M items of the live index, L entries of one history.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from huaxiang.collect.catalogue import Catalogue
from huaxiang.encoder.base import Encoder
from huaxiang.encoder.folder import open_folder
from huaxiang.errors import DataError
from huaxiang.pipeline.elsewhere import ELSEWHERE, Elsewhere, scores
from huaxiang.pipeline.elsewhere import kept as kept_elsewhere
from huaxiang.pipeline.parts import PARTS, open_indexed
from huaxiang.pipeline.second import N_RANKED, SecondStage
from huaxiang.pipeline.why import Explainer
from huaxiang.profiles import FoldState, Portraits
from huaxiang.profiles.facets import interests, mood
from huaxiang.profiles.state import Tally
from huaxiang.ranking.arrange import POOL, Arranger, Rules
from huaxiang.ranking.ordering import best_of, best_passing, fuse, padded, standardise
from huaxiang.ranking.rules import compile_filter
from huaxiang.ranking.shelf import Shelf
from huaxiang.release import Release
from huaxiang.retrieval.base import History, Retriever
from huaxiang.retrieval.kinds import open_retrievers
from huaxiang.retrieval.live import LiveIndex, Snapshot
from huaxiang.retrieval.reading import Basis, Person, history_of, recent_entries
from huaxiang.text.wording import history_text
from huaxiang.types import ItemId, Ranked, Reason, UserId

Shown = Literal["purchased", "all", "none"]

_QUERIES: Final = 5
_KEPT_VECTORS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the items, what they rest on, and what moved them beside their scores."""

    ranked: Ranked
    basis: Basis
    arranged: tuple[str, ...] = ()


class Pipeline:
    """One release, open for answers. Safe to use from many threads.

    Memory: the release's arrays, and 10,000 cached vectors U of 4 D bytes.
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
        self._weights = weights
        self._repeated = repeated
        self._explainer = Explainer(portraits, retrievers, weights)
        self._shelf = Shelf.of(index.snapshot().item_ids, portraits.item_facets)
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @classmethod
    def open(cls, release: Release, portraits: Portraits, rules: Rules | None = None) -> Self:
        """Open a release over a shop's portraits, under the shop's rules."""
        kept = open_indexed(release)
        encoder = open_folder(release.part(PARTS.encoder))
        catalogue = portraits.item_facets.catalogue
        index = LiveIndex(kept.item_ids, kept.vectors_MD, encoder, catalogue, seq=int(release.about["seq"]))
        retrievers = open_retrievers(release.part(PARTS.retrievers))
        portraits.item_facets.use(release.part(PARTS.keywords))
        elsewhere = kept_elsewhere(portraits.store, release.id) if kept.weights.get(ELSEWHERE, 0.0) > 0.0 else None
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
        chosen = self._weights if weights is None else weights
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
        states = ((user, self.portraits.state(user, before=now)) for user in user_ids)
        return [
            self.rank(state, now=now, k=k, filter_seen=filter_seen, item_ids=item_ids, user_id=user).ranked
            for user, state in states
        ]

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
    ) -> Page:
        """Score, drop, arrange, and say why: the whole request path.

        Args:
            user_id: whose state it is, for what is known of them elsewhere; None for a session.
        """
        items = self.index.snapshot()
        person = self.read(state, items, now=now, user_id=user_id)
        parts = self.parts(person, items)
        fused_M = fuse(parts, self._weights)
        allowed_M = self.allowed(person, items, filter_seen=filter_seen, item_ids=item_ids)
        passes = self._test(where, items)
        felt = mood(person.state, now=now, config=self.portraits.config)
        arranger = Arranger.of(self._rules, diversity, felt.get("polarity"))
        n = k if arranger.by_score_alone else max(k, POOL)
        order, scores_M = self._ordered(fused_M, parts, person, np.flatnonzero(allowed_M), n, passes)
        if not arranger.by_score_alone:
            pins = {pin.place: items.position(pin.item_id) for pin in arranger.rules.pins}
            shown = {
                place: at for place, at in pins.items() if at >= 0 and allowed_M[at] and (not passes or passes(at))
            }
            order = self._arranged(arranger, order, shown, scores_M, person, items, k)
        names = tuple(items.item_ids[at] for at in order)
        why: tuple[tuple[Reason, ...], ...] = ()
        if explain:
            why = self._explainer.reasons(order, person, parts, items)
        return Page(Ranked(names, scores_M[order].astype(np.float32), why), person.basis, arranger.notes(names))

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
        order = best_of(fused_M, among, wanted) if passes is None else best_passing(fused_M, among, wanted, passes)
        if second is None:
            return order, fused_M
        scores_M = second.scores(order, fused_M, parts, person.history)
        return best_of(scores_M, np.sort(order), n), scores_M

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
        config = self.portraits.config
        denied = state.consents.get("personalisation", config.consent_default) == "denied"
        used = FoldState() if denied else state
        known = interests(used, self.portraits.item_facets, now=now, config=config)
        entries = recent_entries(used)
        u_D = self._vector(used, entries)
        elsewhere: Mapping[ItemId, float] = {}
        if self._elsewhere is not None and user_id is not None and not denied:
            elsewhere = self._elsewhere(user_id, now)
        is_known = bool(entries or known.shares or u_D.any() or elsewhere)
        basis: Basis = "consent" if denied else "profile" if is_known else "popularity"
        n_fitted = self.retrievers["transitions"].n_items
        history = history_of(entries, items, now=now, n_fitted=n_fitted)
        return Person(used, entries, history, u_D, known, basis, elsewhere)

    def parts(self, person: Person, items: Snapshot) -> dict[str, NDArray[np.float32]]:
        """Standardised scores of shape (M,) of every part that has a weight; zeros where one has nothing to say."""
        raw = {
            name: retriever.scores([person.history])[0]
            for name, retriever in self.retrievers.items()
            if self._weights.get(name, 0.0) > 0.0
        }
        if self._elsewhere is not None:
            raw[ELSEWHERE] = scores(person.elsewhere, items)
        raw["content"] = items.vectors_MD @ person.u_D
        raw["profile"] = self.shelf(items).scores(person.known.shares)
        return {name: standardise(padded(scores_M, len(items))) for name, scores_M in raw.items()}

    def _vector(self, state: FoldState, entries: Sequence[tuple[ItemId, Tally]]) -> NDArray[np.float32]:
        """U, by the open release's encoder, kept under the text that it reads."""
        items = [item for name, tally in entries if tally.long > 0.0 and (item := self.catalogue.get(name)) is not None]
        text = history_text(items, [search.query for search in state.searches[-_QUERIES:]])
        if not text:
            return np.zeros(self.encoder.d, np.float32)
        kept = self._vectors.get(text)
        if kept is None:
            kept = self.encoder.encode([text])[0]
            self._vectors[text] = kept
            if len(self._vectors) > _KEPT_VECTORS:
                self._vectors.popitem(last=False)
        return kept

    def refresh(self) -> None:
        """Take in changed items, and rebuild the shelf where its patches have grown; for a thread beside requests."""
        self.index.refresh()
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
        if person.known.muted:
            allowed_M &= ~shelf.having(person.known.muted)
        if filter_seen != "none":
            seen = person.state.bought if filter_seen == "purchased" else person.state.items
            gone = items.positions([name for name in seen if filter_seen == "all" or not self._is_repeated(name)])
            allowed_M[gone[gone >= 0]] = False
        return allowed_M

    def _is_repeated(self, item_id: ItemId) -> bool:
        item = self.catalogue.get(item_id)
        return item is not None and " > ".join(item.category) in self._repeated

    def explain(self, user_id: UserId, item_id: ItemId, *, now: datetime) -> tuple[Reason, ...]:
        """Why this item for this user, whether or not it would be shown."""
        state, items = self.portraits.state(user_id, before=now), self.index.snapshot()
        at = items.position(item_id)
        if at < 0:
            raise DataError(f"no item {item_id!r} in the index; set it first")
        person = self.read(state, items, now=now, user_id=user_id)
        return self._explainer.reasons(np.array([at]), person, self.parts(person, items), items)[0]

    def similar_items(self, item_ids: Sequence[ItemId], k: int) -> list[Ranked]:
        """The `k` items nearest to each by text and by what people do; popular ones for an item never seen."""
        items = self.index.snapshot()
        return [self._similar(name, k, items) for name in item_ids]

    def _similar(self, item_id: ItemId, k: int, items: Snapshot) -> Ranked:
        at = items.position(item_id)
        if at < 0:
            fused_M = padded(self.retrievers["popular"].scores([History.of([])])[0], len(items)).astype(np.float64)
        else:
            graph_M = np.zeros(len(items), np.float32)
            graph = self.retrievers["transitions"]
            if at < graph.n_items:
                near, scores = graph.similar(at, 4 * k)
                graph_M[near] = scores
            text_M = items.vectors_MD @ items.vectors_MD[at]
            weights = {name: max(self._weights.get(name, 0.0), 0.1) for name in ("transitions", "content")}
            fused_M = fuse({"transitions": standardise(graph_M), "content": standardise(text_M)}, weights)
        alive_A = np.flatnonzero(self.shelf(items).alive_M)
        alive_A = alive_A[alive_A != at]
        order = best_of(fused_M, alive_A, k)
        return Ranked(tuple(items.item_ids[j] for j in order), fused_M[order].astype(np.float32))
