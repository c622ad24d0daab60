"""Training a release: steps 2 to 6 over a store, straight down one page.

    log -> interactions -> keywords -> encoder M -> item vectors V -> retrievers -> weights on held-out days -> release

Legend: M items, N held-out people, R retrievers, D width.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huaxiang.encoder.serving import OnnxEncoder
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import DataError
from huaxiang.measure.metrics import ndcg_at_k
from huaxiang.pipeline import PARTS, Pipeline, save_pipeline
from huaxiang.profiles.fold import WEIGHTS
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.state import from_micros
from huaxiang.ranking.rules import repeat_categories
from huaxiang.release import Draft, Release, Releases
from huaxiang.retrieval.base import Interactions, Retriever
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.live import LiveIndex
from huaxiang.retrieval.log import read_interactions, to_interactions
from huaxiang.retrieval.popular import Popular
from huaxiang.retrieval.transitions import Transitions
from huaxiang.text.keywords import Keywords
from huaxiang.text.wording import WORDING, history_text, item_text
from huaxiang.types import Item, ItemId

Progress = Callable[[str, float], None]
"""Called with the step's name and the share of it that is done, 0 to 1."""

HELD_OUT: Final = 0.1
"""Share of the log's time, at its end, that only selects."""

_MOST_PAIRS: Final = 30_000
_MOST_JUDGES: Final = 600
_STRONG: Final = 3.0
_GRID: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
_START: Final[Mapping[str, float]] = {"transitions": 1.0, "content": 0.2, "profile": 0.2, "popular": 0.1}
_ENCODER_SHARE: Final = 0.7
"""Of what is left of the budget after reading the log: the rest encodes items, fits the retrievers and selects."""


@dataclass(frozen=True, slots=True)
class Selected:
    """Weights of the fusion, and what they reach on held-out days beside their parts."""

    weights: Mapping[str, float]
    figures: Mapping[str, Any]


def train(
    portraits: Portraits,
    releases: Releases,
    *,
    budget_seconds: float,
    checkpoint: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Release:
    """Make a release of everything the store holds now, and put it in use.

    Args:
        portraits: over the store; its catalogue says which items there are.
        budget_seconds: wall time for everything; most of it is the encoder's.
        checkpoint: Hugging Face checkpoint to begin from, by path or cached name; None: from the shop's own text.
        progress: told of each step.

    Raises:
        DataError: the shop has no items.
    """
    tell = progress or _silent
    started = time.perf_counter()
    catalogue = portraits.item_facets.catalogue
    catalogue.refresh()
    seq, items = catalogue.seq, sorted(catalogue, key=lambda item: item.item_id)
    if not items:
        raise DataError("the shop has no items to recommend; import them first: `huaxiang import`")
    tell("read the log", 0.0)
    item_ids = [item.item_id for item in items]
    rows = read_interactions(portraits.store, consent_default=portraits.config.consent_default, portraits=portraits)
    cut = held_out_moment(rows)
    earlier = rows if cut is None else rows.filter(pl.col("at") < cut)
    with releases.draft() as draft:
        texts = [item_text(item) for item in items]
        tell("keywords", 0.0)
        Keywords().fit(texts).save(draft.part(PARTS.keywords))
        tell("encoder", 0.0)
        people, pairs = next_item_pairs(earlier, items, np.random.default_rng(seed))
        report = train_encoder(
            texts,
            pairs,
            users=people,
            out=draft.part(PARTS.encoder),
            checkpoint=checkpoint,
            budget_seconds=max(20.0, _ENCODER_SHARE * (budget_seconds - (time.perf_counter() - started))),
            seed=seed,
            progress=lambda stage, step, planned, _left: tell(f"encoder: {stage}", step / max(1, planned)),
        )
        encoder = OnnxEncoder.load(draft.path / PARTS.encoder)
        tell("item vectors", 0.0)
        vectors_MD = encoder.encode(texts)
        repeated = repeat_categories(_purchases(rows, items))
        tell("select on held-out days", 0.0)
        index = LiveIndex(item_ids, vectors_MD, encoder, catalogue, seq=seq)
        selected = Selected(_START, {"note": "too few events to hold days out; weights are the defaults"})
        if cut is not None:
            retrievers = fit_retrievers(to_interactions(earlier, item_ids))
            trial = Pipeline("trial", portraits, encoder, index, retrievers, _START, repeated)
            selected = select_weights(trial, rows, cut, np.random.default_rng(seed), tell)
        tell("fit on everything", 0.0)
        retrievers = fit_retrievers(to_interactions(rows, item_ids))
        save_pipeline(draft, item_ids, vectors_MD, retrievers, selected.weights, repeated)
        draft.about |= _about(seq, rows, items, selected, report.figures(), time.perf_counter() - started)
        _write_card(draft)
    return releases.use(draft.id)


def _silent(_step: str, _share: float) -> None:
    """Nobody watches."""


def held_out_moment(rows: pl.DataFrame) -> int | None:
    """Where the last tenth of the log's time begins, in microseconds; None for a log too small to divide."""
    if len(rows) < 200:
        return None
    first, last = rows["at"].min(), rows["at"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return last - int((last - first) * HELD_OUT) if last > first else None


def fit_retrievers(interactions: Interactions) -> dict[str, Retriever]:
    """The retrievers of a release, by name; content is the index's vectors themselves."""
    graph = ItemToItem(Transitions()).fit(interactions)
    return {"transitions": graph, "popular": Popular(half_life_days=14.0).fit(interactions)}


def next_item_pairs(
    rows: pl.DataFrame, items: Sequence[Item], rng: np.random.Generator
) -> tuple[list[str], list[tuple[str, int]]]:
    """What contrastive fine-tuning learns from: a person's history as text, and the item that they met next.

    Returns:
        The person of each pair, and the pairs: at most 30,000, drawn evenly.
    """
    place = {item.item_id: at for at, item in enumerate(items)}
    met = rows.filter(pl.col("item_id").is_in(list(place))).group_by("person", maintain_order=True).agg("item_id")
    spots: list[tuple[str, list[ItemId], int]] = []
    for person, names in met.iter_rows():
        steps = [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
        spots += [(person, steps, at) for at in range(1, len(steps)) if steps[at] not in steps[max(0, at - 20) : at]]
    if len(spots) > _MOST_PAIRS:
        spots = [spots[at] for at in np.sort(rng.choice(len(spots), _MOST_PAIRS, replace=False))]
    pairs = [
        (history_text([items[place[name]] for name in steps[max(0, at - 20) : at]]), place[steps[at]])
        for _, steps, at in spots
    ]
    return [person for person, _, _ in spots], pairs


def _purchases(rows: pl.DataFrame, items: Sequence[Item]) -> dict[str, list[tuple[str, str]]]:
    category = {item.item_id: " > ".join(item.category) for item in items}
    bought: dict[str, list[tuple[str, str]]] = {}
    for person, item_id in rows.filter(pl.col("event") == "purchase").select("person", "item_id").iter_rows():
        if category.get(item_id):
            bought.setdefault(category[item_id], []).append((person, item_id))
    return bought


def select_weights(trial: Pipeline, rows: pl.DataFrame, cut: int, rng: np.random.Generator, tell: Progress) -> Selected:
    """Choose the fusion's weights by coordinate ascent on ndcg@10 of what people took after `cut`.

    A person is judged by what they bought, saved or put into the cart in the held-out days, else by what they looked
    at; `trial` must have been fitted on what came before. Purchased items are dropped as in serving.
    """
    taken = _taken(rows, cut)
    people = sorted(taken)
    if len(people) > _MOST_JUDGES:
        people = [people[at] for at in np.sort(rng.choice(len(people), _MOST_JUDGES, replace=False))]
    index, now = trial.index.snapshot(), from_micros(cut)
    judged: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
    names: tuple[str, ...] = ()
    for number, person in enumerate(people):
        state = trial.portraits.state(person, before=now)
        reader = trial.read(state, index, now=now)
        relevant = index.positions([item for item in taken[person] if item in trial.catalogue])
        if reader.basis == "profile" and len(relevant):
            parts = trial.parts(reader, index)
            names = tuple(parts)
            scores_RM = np.stack([parts[name] for name in names])
            scores_RM[:, ~trial.allowed(reader, state, index)] = -np.inf
            judged.append((scores_RM, relevant))
        tell("select on held-out days", number / len(people))
    if len(judged) < 20:
        return Selected(_START, {"note": f"only {len(judged)} people to judge by; weights are the defaults"})
    weights = dict(_START)
    best = _ndcg(judged, names, weights)
    for _ in range(2):
        for name in names:
            trials = {value: _ndcg(judged, names, weights | {name: value}) for value in _GRID}
            value = max(_GRID, key=lambda value: (trials[value], -value))
            if trials[value] > best:
                weights[name], best = value, trials[value]
    alone = {name: _ndcg(judged, names, {name: 1.0}) for name in names}
    figures = {
        "ndcg@10": best,
        "alone": alone,
        "n_people": len(judged),
        "from": now.isoformat(),
        "by": "coordinate ascent",
    }
    return Selected(weights, figures)


def _taken(rows: pl.DataFrame, cut: int) -> dict[str, list[ItemId]]:
    """What each person took at or after the moment: strong interest where there is any, else any."""
    strong = [event for event, weight in WEIGHTS.items() if weight >= _STRONG]
    later = rows.filter(pl.col("at") >= cut).with_columns(pl.col("event").is_in(strong).alias("strong"))
    later = later.filter(pl.col("strong") | ~pl.col("strong").any().over("person"))
    later = later.filter(~pl.col("person").str.starts_with("\x1f"))
    return dict(later.group_by("person").agg(pl.col("item_id").unique().sort()).iter_rows())


def _ndcg(
    judged: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], names: Sequence[str], weights: Mapping[str, float]
) -> float:
    weights_R = np.array([weights.get(name, 0.0) for name in names], np.float32)
    hits_N, n_relevant_N = np.zeros((len(judged), 10), dtype=np.bool_), np.zeros(len(judged), np.int64)
    for row, (scores_RM, relevant) in enumerate(judged):
        used = weights_R > 0.0
        fused_M = weights_R[used] @ scores_RM[used] if used.any() else np.zeros(scores_RM.shape[1], np.float32)
        top = np.argpartition(-fused_M, 10)[:10] if len(fused_M) > 10 else np.arange(len(fused_M))
        top = top[np.argsort(-fused_M[top], kind="stable")]
        hits_N[row, : len(top)] = np.isin(top, relevant)
        n_relevant_N[row] = len(relevant)
    return float(np.nanmean(ndcg_at_k(hits_N, n_relevant_N, 10)))


def _about(
    seq: int, rows: pl.DataFrame, items: Sequence[Item], selected: Selected, encoder: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    return {
        "seq": seq,
        "wording": WORDING,
        "n_items": len(items),
        "n_interactions": len(rows),
        "n_people": rows["person"].n_unique() if len(rows) else 0,
        "weights": dict(selected.weights),
        "validation": dict(selected.figures),
        "encoder": dict(encoder),
        "seconds": round(seconds, 1),
    }


def _write_card(draft: Draft) -> None:
    """A model card for people, beside the manifest."""
    about = draft.about
    lines = [
        f"# Release {draft.id}",
        "",
        f"Trained on {about['n_interactions']:,} interactions of {about['n_people']:,} people",
        f"with {about['n_items']:,} items, in {about['seconds']} s, up to log position {about['seq']}.",
        "",
        "Weights of the fused retrievers, chosen on held-out days:",
        "",
        *(f"- {name}: {weight}" for name, weight in about["weights"].items()),
        "",
        "```json",
        json.dumps(about["validation"], indent=1, ensure_ascii=False),
        "```",
        "",
        "Validation figures choose; they are not a test. Limits: people who denied training are not in it.",
    ]
    (draft.path / "MODEL_CARD.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
