"""What clicks teach the order of search."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huaxiang.apps.search.clicks import assumed
from huaxiang.apps.search.scoring import FEATURES, WEIGHTS, weights_of
from huaxiang.apps.search.weights import load_weights, save_weights
from huaxiang.errors import ReleaseError
from huaxiang.evaluation.search_clicks import Judged, Judgements
from huaxiang.evaluation.search_teaching import FEWEST, TAUGHT, fit, teach_search

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MOST = 2.0 * WEIGHTS["profile"]
TRUE = weights_of({**WEIGHTS, "profile": 0.9 * MOST, "clicks": 1.9, "popularity": 0.0})
SIZE = 6


def drawn(
    rng: np.random.Generator, n_lists: int, noise: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lists of six items with random features, and one choice each by the true weights."""
    tables = rng.random((n_lists, SIZE, len(FEATURES)))
    scores = tables @ TRUE + noise * rng.gumbel(size=(n_lists, SIZE))
    gains = (scores == scores.max(axis=1, keepdims=True)).astype(np.float64)
    return tables, gains


class Known:
    """A search whose features are given."""

    def __init__(self, tables: NDArray[np.float64]) -> None:
        self.tables = tables

    def table(self, query: str, _user: str | None, _items: tuple[str, ...], *, now: datetime) -> NDArray[np.float64]:
        assert now == NOW
        return np.asarray(self.tables[int(query)])


def judgements(gains: NDArray[np.float64]) -> Judgements:
    items = tuple(f"i{at}" for at in range(SIZE))
    lists = tuple(
        Judged(str(at), f"u{at}", NOW, items, tuple(np.array(items)[row > 0]), (), tuple(row.tolist()))
        for at, row in enumerate(gains)
    )
    return Judgements(NOW, assumed(), lists)


def taught(n_lists: int, seed: int = 0, **changed: Any) -> Any:
    tables, gains = drawn(np.random.default_rng(seed), n_lists, changed.get("noise", 1.0))
    search: Any = Known(changed.get("tables", tables))
    return teach_search(search, judgements(changed.get("gains", gains)), since=NOW, rng=np.random.default_rng(1))


def test_many_choices_teach_the_weights_that_they_were_made_by() -> None:
    tables, gains = drawn(np.random.default_rng(0), 4_000)
    of_list = np.repeat(np.arange(len(tables)), SIZE)
    found = fit(tables.reshape(-1, len(FEATURES)), gains.reshape(-1), of_list, pull=1.0)
    at = FEATURES.index("profile")
    assert found[at] == pytest.approx(0.9 * MOST, abs=0.2)
    assert found[FEATURES.index("popularity")] < 0.15


def test_weights_that_serve_others_better_are_kept() -> None:
    said = taught(2_000, noise=0.1)
    assert said.weights["profile"] > 1.2 * WEIGHTS["profile"]
    assert said.weights["name"] == WEIGHTS["name"]
    assert said.figures["ahead"][1] > 0.0
    assert said.figures["ndcg@10"] > said.figures["begun"]


def test_clicks_by_chance_teach_nothing() -> None:
    rng = np.random.default_rng(3)
    gains = np.eye(SIZE)[rng.integers(SIZE, size=1_000)]
    said = taught(1_000, gains=gains)
    assert said.weights == WEIGHTS
    assert "not ahead" in said.figures["why"]


def test_too_few_lists_teach_nothing() -> None:
    said = taught(FEWEST - 1)
    assert said.weights == WEIGHTS
    assert said.figures["why"] == f"{FEWEST - 1} lists with clicks; {FEWEST} are needed"


def test_what_was_shown_before_the_held_out_days_is_not_read() -> None:
    tables, gains = drawn(np.random.default_rng(0), FEWEST)
    search: Any = Known(tables)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    assert teach_search(search, judgements(gains), since=later, rng=np.random.default_rng(0)).figures["n_lists"] == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 1000.0))
def test_weights_stay_in_their_bounds_and_a_strong_pull_keeps_them_near(seed: int, pull: float) -> None:
    rng = np.random.default_rng(seed)
    tables, gains = rng.normal(size=(30, SIZE, len(FEATURES))), np.eye(SIZE)[rng.integers(SIZE, size=30)]
    of_list = np.repeat(np.arange(30), SIZE)
    flat = tables.reshape(-1, len(FEATURES))
    found, begun = fit(flat, gains.reshape(-1), of_list, pull), weights_of(WEIGHTS)
    held = np.array([name not in TAUGHT for name in FEATURES])
    assert (found[held] == begun[held]).all()
    assert (found[~held] >= 0.0).all()
    assert (found[~held] <= 2.0 * begun[~held] + 1e-9).all()
    assert np.abs(fit(flat, gains.reshape(-1), of_list, 1e6) - begun).max() < 1e-2


def test_weights_are_kept_in_a_release_and_read_back(tmp_path: Path) -> None:
    save_weights(tmp_path, {**WEIGHTS, "profile": 2.5}, {"n_lists": 7})
    assert load_weights(tmp_path)["profile"] == 2.5
    assert load_weights(tmp_path / "none") == WEIGHTS


@pytest.mark.parametrize(
    "said", ["", "{}", '{"weights": {"charm": 1}}', '{"weights": {"name": "much"}}', '{"weights": 3}']
)
def test_damaged_weights_are_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "weights.json").write_text(said)
    with pytest.raises(ReleaseError, match="train a new release"):
        load_weights(tmp_path)
