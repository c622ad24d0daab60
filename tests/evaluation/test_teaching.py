"""A release's ranker is taught by people who do not judge it, and refused where it gains nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from huaxiang.evaluation import teaching
from huaxiang.evaluation.selection import START
from huaxiang.evaluation.teaching import Judge, teach
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.scoring import best_among, fuse
from huaxiang.shop import Shop
from tests.shops import build_shop, settings_of

WEIGHTS = {"transitions": 1.0, "content": 0.01, "popular": 0.1}
Taken = Callable[[dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]], int]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    whole = Shop(settings_of(build_shop(tmp_path_factory.mktemp("teaching") / "shop"))).pipeline
    return whole.trying(whole.retrievers, WEIGHTS)


def people(pipeline: Pipeline, first: int, last: int, taken: Taken) -> Iterator[Judge]:
    """Shoppers of the small shop, each of whom takes what `taken` says of the parts' scores."""
    items, now = pipeline.index.snapshot(), datetime.now(UTC)
    for n in range(first, last):
        person = pipeline.read(pipeline.portraits.state(f"u{n:02d}", before=now), items, now=now)
        right = np.array([taken(pipeline.parts(person, items))])
        yield Judge(person, right, np.zeros(len(items), np.bool_))


def nearest_by_text(parts: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]) -> int:
    return int(parts["content"].argmax())


def best_by_weights(parts: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]) -> int:
    return int(best_among(fuse(parts, WEIGHTS), np.arange(len(parts["content"])), 1)[0])


def test_what_the_weights_miss_is_learned(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "_FEWEST", 20)
    judges = list(people(pipeline, 24, 40, nearest_by_text))
    lesson = teach(pipeline, WEIGHTS, people(pipeline, 0, 24, nearest_by_text), judges, seconds=60.0)
    assert lesson.second is not None
    assert lesson.second.reader.parts == ("content", "popular", "transitions")
    assert lesson.figures["ndcg@10"] > lesson.figures["without"] + lesson.figures["standard_error_of_gain"]
    assert lesson.figures["n_taught"] == 24


def test_what_the_weights_know_already_is_refused(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "_FEWEST", 20)
    judges = list(people(pipeline, 24, 40, best_by_weights))
    lesson = teach(pipeline, WEIGHTS, people(pipeline, 0, 24, best_by_weights), judges, seconds=60.0)
    assert lesson.second is None
    assert lesson.figures["without"] == 1.0
    assert "refused" in lesson.figures["note"]


def test_too_few_teach_nothing_and_it_is_said(pipeline: Pipeline) -> None:
    lesson = teach(pipeline, START, people(pipeline, 0, 9, nearest_by_text), [], seconds=60.0)
    assert lesson.second is None
    assert "9 people could teach it, 200 are needed" in lesson.figures["note"]


def test_no_more_people_are_read_than_there_is_time_for(pipeline: Pipeline) -> None:
    lesson = teach(pipeline, WEIGHTS, people(pipeline, 0, 40, nearest_by_text), [], seconds=0.0)
    assert "1 people could teach it" in lesson.figures["note"]
