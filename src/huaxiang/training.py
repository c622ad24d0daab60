"""Training a release: steps 2 to 6 over a store, straight down one page.

    log -> interactions -> keywords -> encoder M -> item vectors V -> retrievers -> weights on held-out days -> release

Legend: M items, N held-out people, R retrievers, D width.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import sparse

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.gate import erased_since
from huaxiang.encoder.base import Encoder
from huaxiang.encoder.folder import open_folder
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import DataError, ReleaseError
from huaxiang.evaluation.affordable import PART_SHARE, unaffordable
from huaxiang.evaluation.card import about_of, write_card
from huaxiang.evaluation.coming_back import learn_recurrence
from huaxiang.evaluation.parts import order_again, order_before
from huaxiang.evaluation.search_teaching import keep_search
from huaxiang.evaluation.selection import START, Selected, select
from huaxiang.pipeline import PARTS, Pipeline, save_pipeline
from huaxiang.pipeline.elsewhere import ELSEWHERE
from huaxiang.pipeline.lender import Lender, Lent
from huaxiang.profiles import ItemFacets
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.state import DAY, from_micros
from huaxiang.ranking.rules import repeat_categories
from huaxiang.release import Draft, Release, Releases
from huaxiang.retrieval.kinds import ALWAYS, NAMES, content_recipes, fit_retrievers, joined_terms
from huaxiang.retrieval.lent import NAME as LENT
from huaxiang.retrieval.live import LiveIndex
from huaxiang.retrieval.log import TrainingLog, read_log, to_interactions
from huaxiang.retrieval.pairs import next_item_pairs
from huaxiang.retrieval.sequence import SequenceModel
from huaxiang.text.keywords import Keywords
from huaxiang.text.word_vectors import keep_word_vectors
from huaxiang.text.wording import item_terms, item_text
from huaxiang.types import Item, ItemId, Vectors

Progress = Callable[[str, float], None]
"""Called with the step's name and the share of it that is done, 0 to 1."""

HELD_OUT: Final = 0.1
"""Share of the log's time, at its end, that only selects."""

_MOST_QUERIES: Final = 50_000
_ENCODER_SHARE: Final = 0.6
"""Of what is left of the budget after reading the log: the rest encodes items, fits the retrievers and selects."""
_ORDER_SHARE: Final = 0.3
"""Of what is left then, for the sequence model's first fit."""
_TEACHING_SHARE: Final = 0.4
"""Of what is left after reading those who judge, for the learned ranker."""
_SEARCH_SHARE: Final = 0.15
"""Of what is left then, for reading the searches that teach the order of search."""
_COMING_BACK_SHARE: Final = 0.05
"""Of the budget, for reading how surely people come back to what they met."""


def train(
    portraits: Portraits,
    releases: Releases,
    *,
    budget_seconds: float,
    checkpoint: str | None = None,
    lender: Lender | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Release:
    """Make a release of everything the store holds now, and put it in use.

    Args:
        portraits: over the store; its catalogue says which items there are.
        budget_seconds: wall time for everything; most of it is the encoder's.
        checkpoint: Hugging Face checkpoint to begin from, by path or cached name; None: the shop's own text.
        lender: another shop to start from, as far as the held-out days find that it helps.
        progress: told of each step.

    Raises:
        DataError: the shop has no items.
    """
    tell, clock = progress or (lambda _step, _share: None), _Clock(budget_seconds)
    seq, items = _items(portraits.item_facets.catalogue)
    log, cut = _read(portraits, seq, tell)
    with releases.draft() as draft:
        texts = [item_text(item) for item in items]
        keywords = _keywords(draft, texts, portraits, log.interactions, _COMING_BACK_SHARE * clock.left, seed, tell)
        report = _train_encoder(draft, log, cut, items, texts, checkpoint, lender, clock, seed, tell)
        shop = _encoded(draft, items, texts, keywords, tell)
        lent, refused = _borrow(lender, texts, log.interactions, clock)
        learned, not_tried = _order(shop, log.interactions, cut, clock, seed, tell)
        tell("select on held-out days", 0.0)
        not_tried |= unaffordable(*_sizes(log.interactions), len(items), shop.content, clock.left) | refused
        selected = _select(draft, portraits, shop, log.interactions, cut, seq, learned, lent, not_tried, clock, seed)
        tell("fit on everything", 0.0)
        _fit_and_save(draft, shop, log.interactions, selected, learned, lent, portraits, seed)
        draft.about |= about_of(seq, log.interactions, len(items), selected, not_tried, report, clock.elapsed)
        _finish(draft, portraits, clock)
    return releases.use(draft.id)


def _finish(draft: Draft, portraits: Portraits, clock: "_Clock") -> None:
    """Refuse a release that learned from people who were erased since it was begun; else write its card."""
    if n := erased_since(portraits.store, datetime.now(UTC) - timedelta(seconds=clock.elapsed)):
        raise ReleaseError(f"{n} people were erased while this release learned from them; it is not kept: train again")
    write_card(draft)


def _read(portraits: Portraits, seq: int, tell: Progress) -> tuple[TrainingLog, int | None]:
    """Step 1: what may be learned from, to a position of the log, and where the held-out days begin."""
    tell("read the log", 0.0)
    store, default = portraits.store, portraits.config.consent_default
    log = read_log(store, consent_default=default, portraits=portraits, until_seq=seq)
    return log, held_out_moment(log.interactions)


def _sizes(rows: pl.DataFrame) -> tuple[int, int]:
    """Interactions, and people."""
    return len(rows), rows["person"].n_unique()


def _keywords(
    draft: Draft,
    texts: Sequence[str],
    portraits: Portraits,
    rows: pl.DataFrame,
    seconds: float,
    seed: int,
    tell: Progress,
) -> Keywords:
    """Step 2: which words are telling in this shop, which stand for like things, and how surely people come back to
    what they met; the draft says what became of the latter two.

    Word vectors learn from the catalogue alone: one person's searches must not turn up as words related to another's.
    """
    tell("keywords", 0.0)
    keywords = Keywords().fit(texts)
    folder = draft.part(PARTS.keywords)
    keywords.save(folder)
    draft.about["word_vectors"] = keep_word_vectors(folder, texts, seed=seed)
    draft.about["recurrence"] = learn_recurrence(folder, portraits, keywords, rows, seed=seed, seconds=seconds)
    return keywords


def _items(catalogue: Catalogue) -> tuple[int, list[Item]]:
    """The log position the items are read at, and the items in the order of the index."""
    catalogue.refresh()
    if not len(catalogue):
        raise DataError("the shop has no items to recommend; import them first: `huaxiang import`")
    return catalogue.seq, sorted(catalogue, key=lambda item: item.item_id)


def _encoded(draft: Draft, items: Sequence[Item], texts: Sequence[str], keywords: Keywords, tell: Progress) -> "_Shop":
    """The items with their vectors by the draft's encoder."""
    encoder = open_folder(draft.path / PARTS.encoder)
    tell("item vectors", 0.0)
    return _Shop(items, encoder.encode(texts), encoder, keywords)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Wall time since the beginning, and what may be used."""

    budget: float
    started: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds that remain, never below 0."""
        return max(0.0, self.budget - self.elapsed)


@dataclass(frozen=True)
class _Shop:
    """The items as this training sees them."""

    items: Sequence[Item]
    vectors_MD: Vectors
    encoder: Encoder
    keywords: Keywords

    @property
    def item_ids(self) -> list[ItemId]:
        """In the order of the index."""
        return [item.item_id for item in self.items]

    @cached_property
    def terms(self) -> tuple[list[list[str]], list[list[str]]]:
        """Words, and tags, of each item."""
        named = [item_terms(item) for item in self.items]
        return [words for words, _ in named], [tags for _, tags in named]

    @cached_property
    def content_MT(self) -> sparse.csr_array | None:
        """Words and tags together, as the sequence model reads them."""
        return joined_terms(*self.terms)

    @cached_property
    def content(self) -> dict[str, Any]:
        """Recipes of retrievers by those terms."""
        return content_recipes(*self.terms)

    def repeated(self, rows: pl.DataFrame) -> frozenset[str]:
        """Categories that are bought again, by these interactions."""
        return repeat_categories(_purchases(rows, self.items))


def _train_encoder(
    draft: Draft,
    log: TrainingLog,
    cut: int | None,
    items: Sequence[Item],
    texts: Sequence[str],
    checkpoint: str | None,
    lender: Lender | None,
    clock: _Clock,
    seed: int,
    tell: Progress,
) -> dict[str, Any]:
    """Steps 3 and 4, on what came before the held-out days; answers with the figures."""
    met = next_item_pairs(log, items, np.random.default_rng(seed), before=cut)
    searches = log.searches if cut is None else log.searches.filter(pl.col("at") < cut)
    report = train_encoder(
        texts,
        met.pairs,
        users=met.people,
        before=met.before,
        extra_texts=searches["query"].unique(maintain_order=True).to_list()[:_MOST_QUERIES],
        out=draft.part(PARTS.encoder),
        checkpoint=checkpoint,
        rival=None if lender is None else lender.checkpoint,
        budget_seconds=max(20.0, _ENCODER_SHARE * (clock.budget - clock.elapsed)),
        seed=seed,
        progress=lambda stage, step, planned, _left: tell(f"encoder: {stage}", step / max(1, planned)),
    )
    return report.figures()


def _borrow(
    lender: Lender | None, texts: Sequence[str], rows: pl.DataFrame, clock: _Clock
) -> tuple[Lent | None, dict[str, str]]:
    """What another shop lends, where there is time to carry it over; else why not, by the parts' names."""
    if lender is None:
        return None, {}
    needed = lender.seconds(len(texts))
    if needed > PART_SHARE * clock.left:
        why = f"takes about {needed:.0f} s of the {clock.left:.0f} that are left"
        return None, dict.fromkeys((LENT, ELSEWHERE), why)
    people = rows["person"].unique().sort().to_list()
    return Lent(lender, lender.carried(texts), people), {}


def _order(
    shop: _Shop, rows: pl.DataFrame, cut: int | None, clock: _Clock, seed: int, tell: Progress
) -> tuple[Any, dict[str, str]]:
    """The sequence model on what came before the held-out days; None, and why by its name, where there is none."""
    tell("order of meetings", 0.0)
    if cut is None:
        return None, {SequenceModel.name: "too few events"}
    met = to_interactions(rows, shop.item_ids)
    seconds = _ORDER_SHARE * clock.left
    learned, why_not = order_before(met, cut / DAY, shop.content_MT, seconds=seconds, seed=seed)
    return learned, {SequenceModel.name: why_not} if why_not else {}


def _select(
    draft: Draft,
    portraits: Portraits,
    shop: _Shop,
    rows: pl.DataFrame,
    cut: int | None,
    seq: int,
    learned: Any,
    lent: Lent | None,
    not_tried: Mapping[str, str],
    clock: _Clock,
    seed: int,
) -> Selected:
    """Fit on what came before the held-out days, and choose by them; profiles read the keywords of this release. The
    draft keeps what searches on those days taught."""
    if cut is None:
        return Selected(START, {}, {"note": "too few events to hold days out; weights are the defaults"})
    catalogue = portraits.item_facets.catalogue
    index = LiveIndex(shop.item_ids, shop.vectors_MD, shop.encoder, catalogue, seq=seq)
    earlier = rows.filter(pl.col("at") < cut)
    met = to_interactions(earlier, shop.item_ids)
    retrievers = fit_retrievers(met, set(NAMES) - set(not_tried), content=shop.content)
    if learned is not None:
        retrievers[SequenceModel.name] = SequenceModel.made(learned.weights)
    readers = Portraits(portraits.store, ItemFacets(catalogue, shop.keywords), portraits.config)
    elsewhere = None
    if lent is not None:
        retrievers[LENT] = lent.ways
        elsewhere = lent.elsewhere(shop.item_ids, cut)
    alike = dict.fromkeys((*retrievers, "content", "profile", *([ELSEWHERE] if elsewhere else [])), 1.0)
    repeated = shop.repeated(earlier)
    trial = Pipeline("trial", readers, shop.encoder, index, retrievers, alike, repeated, elsewhere=elsewhere)
    rng = np.random.default_rng(seed)
    selected = select(trial, rows, cut, rng, seconds=_TEACHING_SHARE * clock.left)
    used = {name: part for name, part in retrievers.items() if name in selected.weights or name in ALWAYS}
    chosen = trial.trying(used, selected.weights)
    draft.about["search"] = keep_search(draft, chosen, from_micros(cut), rng, seconds=_SEARCH_SHARE * clock.left)
    return selected


def _fit_and_save(
    draft: Draft,
    shop: _Shop,
    rows: pl.DataFrame,
    selected: Selected,
    learned: Any,
    lent: Lent | None,
    portraits: Portraits,
    seed: int,
) -> None:
    """Fit on everything, as the held-out days chose: what has no weight is left out."""
    met = to_interactions(rows, shop.item_ids)
    retrievers = fit_retrievers(met, tuple(selected.weights), decays=selected.decays, content=shop.content)
    if learned is not None and SequenceModel.name in selected.weights:
        retrievers[SequenceModel.name] = order_again(met, shop.content_MT, learned, seed)
    if lent is not None:
        if LENT in selected.weights:
            retrievers[LENT] = lent.ways
        draft.about["warm_from"] = lent.keep(portraits.store, draft.id, shop.item_ids, selected.weights)
    save_pipeline(
        draft, shop.item_ids, shop.vectors_MD, retrievers, selected.weights, shop.repeated(rows), selected.second
    )


def held_out_moment(rows: pl.DataFrame) -> int | None:
    """Where the last tenth of the log's time begins, in microseconds; None for a log too small to divide."""
    if len(rows) < 200:
        return None
    first, last = rows["at"].min(), rows["at"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return last - int((last - first) * HELD_OUT) if last > first else None


def _purchases(rows: pl.DataFrame, items: Sequence[Item]) -> dict[str, list[tuple[str, str]]]:
    category = {item.item_id: " > ".join(item.category) for item in items}
    bought: dict[str, list[tuple[str, str]]] = {}
    for person, item_id in rows.filter(pl.col("event") == "purchase").select("person", "item_id").iter_rows():
        if category.get(item_id):
            bought.setdefault(category[item_id], []).append((person, item_id))
    return bought
