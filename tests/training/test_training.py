"""Training end to end on a small shop: a release that answers, and learned nothing from its judges."""

import functools
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from huaxiang import training
from huaxiang.collect.catalogue import item_from
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import DataError
from huaxiang.evaluation.affordable import unaffordable
from huaxiang.evaluation.parts import DECAYS
from huaxiang.evaluation.selection import START, select
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.elsewhere import ELSEWHERE
from huaxiang.pipeline.lender import Lender
from huaxiang.release import Release
from huaxiang.retrieval.base import History
from huaxiang.retrieval.kinds import CLOSED_FORMS, NAMES, OF_CONTENT, content_recipes
from huaxiang.retrieval.lent import NAME as LENT
from huaxiang.retrieval.log import read_log
from huaxiang.shop import Shop
from huaxiang.text import word_vectors
from huaxiang.text.wording import item_text
from huaxiang.types import Event
from tests.contracts.plain_files import pickles_in
from tests.encoder.conftest import TINY
from tests.shops import build_shop, goods, make_release, settings_of, stock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
POISON_AT = NOON - timedelta(hours=1)
ONE = NOON + timedelta(hours=1)


def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the encoder take three steps on a tiny network; what it was given is in the returned mapping."""
    given: dict[str, Any] = {}

    @functools.wraps(train_encoder)
    def watched(texts: Any, pairs: Any, **more: Any) -> Any:
        given.update(more, texts=texts, pairs=pairs)
        return train_encoder(texts, pairs, **more, max_steps=3, shape=TINY)

    monkeypatch.setattr(training, "train_encoder", watched)
    return given


def train(shop: Shop, **more: Any) -> Release:
    return training.train(shop.portraits, shop.releases, budget_seconds=300, seed=1, **more)


class Trained:
    """A shop whose last hours hold an item and a query that training must not see before it selects."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stock(folder, until=NOON)
        self.shop = Shop(settings_of(folder))
        poison = {"event": "set_item", "item_id": "zz", "timestamp": NOON.isoformat(), "properties": {"name": "zz"}}
        self.shop.intake.take([poison])
        self.shop.store.append([Event("purchase", POISON_AT, f"u{n:02d}", "zz") for n in range(40)])
        self.shop.store.append([Event("search", POISON_AT, "u00", query="poisoned words")])
        self.shop.store.append([Event("search", NOON - timedelta(days=20), "u00", query="green tea")])
        self.trials: list[Pipeline] = []
        self.steps: list[str] = []
        self.given = small(monkeypatch)
        monkeypatch.setattr(training, "select", self._select)
        self.release = train(self.shop, progress=lambda step, _share: self.steps.append(step))
        self.shop.refresh()

    def _select(self, trial: Pipeline, *more: Any, **how: Any) -> Any:
        self.trials.append(trial)
        return select(trial, *more, **how)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    with pytest.MonkeyPatch.context() as patch:
        made = Trained(tmp_path_factory.mktemp("training") / "shop", patch)
        yield made
        made.shop.close()


def test_the_release_is_in_use_and_whole(trained: Trained) -> None:
    assert trained.shop.releases.current_id == trained.shop.release_id == trained.release.id
    trained.release.verify()


def test_no_file_of_it_is_a_pickle(trained: Trained) -> None:
    assert pickles_in(trained.release.path) == []


def test_it_says_what_it_was_made_of(trained: Trained) -> None:
    about = trained.release.about
    assert (about["n_items"], about["n_people"], about["n_interactions"]) == (61, 40, 360)  # 40 x 8 visits and the 40
    assert about["seq"] == trained.shop.catalogue.seq
    assert set(about["validation"]["alone"]) == {*NAMES, "content", "profile"} - set(about["not_tried"])
    assert {"popular"} <= set(about["weights"]) <= set(about["validation"]["alone"])
    assert set(about["decays"].values()) <= set(DECAYS)
    assert "too few to learn from" in about["not_tried"]["sequence"]
    assert set(about["not_tried"]) <= {"sequence", "als", *CLOSED_FORMS, *OF_CONTENT}
    assert "200 are needed" in about["validation"]["ranker"]["note"]
    assert about["validation"]["n_people"] == 40
    assert 0.0 <= about["validation"]["ndcg@10"] <= 1.0
    assert about["encoder"]["n_items"] == 61


def test_people_can_read_its_card(trained: Trained) -> None:
    card = (trained.release.path / "MODEL_CARD.md").read_text("utf-8")
    assert trained.release.id in card
    assert "360 interactions of 40 people" in card


def test_it_answers_known_and_unknown_people(trained: Trained) -> None:
    known, stranger = trained.shop.pipeline.recommend(["u00", "nobody yet"], now=ONE, k=10)
    assert len(known.item_ids) == len(stranger.item_ids) == 10
    assert {item.split("-")[0] for item in known.item_ids[:3]} == {"tea"}


def test_an_item_that_came_after_it_can_be_shown(trained: Trained) -> None:
    said = goods()[0] | {"event_id": "late", "item_id": "late tea", "timestamp": NOON.isoformat()}
    trained.shop.intake.take([said])
    assert trained.shop.pipeline.recommend(["u00"], now=ONE, k=62)[0].item_ids.count("late tea") == 1


def test_what_people_met_only_in_the_held_out_days_is_in_no_trial_retriever(trained: Trained) -> None:
    (trial,) = trained.trials
    at = trial.index.snapshot().position("zz")
    graph_MM = trial.retrievers["transitions"].matrix_MM  # type: ignore[attr-defined]
    popular_M = trial.retrievers["popular"].scores_M  # type: ignore[attr-defined]
    assert popular_M.sum() > 0
    assert (graph_MM[[at], :].sum(), graph_MM[:, [at]].sum(), popular_M[at]) == (0.0, 0.0, 0.0)


def test_and_in_every_retriever_of_the_release(trained: Trained) -> None:
    pipeline = trained.shop.pipeline
    at = pipeline.index.snapshot().position("zz")
    assert pipeline.retrievers["popular"].scores_M[at] > 0  # type: ignore[attr-defined]


def test_the_encoder_learned_from_no_pair_and_no_query_of_the_held_out_days(trained: Trained) -> None:
    texts, pairs = trained.given["texts"], trained.given["pairs"]
    assert "zz" not in {texts[target] for _, target in pairs}
    assert trained.given["extra_texts"] == ["green tea"]


def test_the_trial_reads_the_keywords_that_the_release_will_serve(trained: Trained) -> None:
    (trial,) = trained.trials
    served = trained.shop.item_facets
    assert trial.portraits.item_facets.of("lamp-00") == served.of("lamp-00")
    assert any(kind == "keyword" for kind, _, _ in served.of("lamp-00"))


def test_each_step_is_told(trained: Trained) -> None:
    told = list(dict.fromkeys(step.split(":")[0] for step in trained.steps))
    assert told == [
        "read the log",
        "keywords",
        "encoder",
        "item vectors",
        "order of meetings",
        "select on held-out days",
        "fit on everything",
    ]


def test_a_shop_without_items_is_told_to_import_them(tmp_path: Path) -> None:
    shop = Shop(settings_of(tmp_path / "shop"))
    with pytest.raises(DataError, match="no items to recommend; import them first"):
        train(shop)
    assert shop.releases.list() == []


def test_a_shop_without_events_answers_in_the_order_of_its_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    shop = Shop(settings_of(tmp_path / "shop"))
    shop.intake.take([good | {"timestamp": NOON.isoformat()} for good in goods()[:3]])
    about = train(shop).about
    shop.refresh()
    assert (about["n_people"], about["weights"]) == (0, dict(START))
    assert "too few events" in about["validation"]["note"]
    page = shop.pipeline.rank(shop.portraits.state("ann", before=ONE), now=ONE, k=9)
    ranked, basis = page.ranked, page.basis
    assert (ranked.item_ids, basis) == (("tea-00", "tea-01", "tea-02"), "popularity")
    shop.close()


def test_a_training_that_fails_leaves_the_old_release_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(settings_of(build_shop(tmp_path / "shop")))

    def fail(*_args: object, **_more: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(training, "train_encoder", fail)
    with pytest.raises(OSError, match="no space"):
        train(shop)
    assert [release.id for release in shop.releases.list()] == [shop.releases.current_id] == [shop.release_id]
    shop.close()


def test_the_last_tenth_of_the_time_is_held_out() -> None:
    rows = pl.DataFrame({"at": [n * 10 for n in range(201)]})
    assert training.held_out_moment(rows) == 1800
    assert training.held_out_moment(rows[:199]) is None
    assert training.held_out_moment(pl.DataFrame({"at": [5] * 300})) is None


def test_a_shop_of_few_words_is_told_why_it_has_no_related_words(trained: Trained) -> None:
    said = trained.release.about["word_vectors"]
    assert said["n_words"] == 0
    assert "50 are needed" in said["note"]
    assert trained.shop.item_facets.related("tea") == ()


def test_words_of_a_catalogue_that_says_enough_have_relatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    monkeypatch.setattr(word_vectors, "FEWEST_WORDS", 10)
    shop = Shop(settings_of(tmp_path / "shop"))
    shop.intake.take([good | {"timestamp": NOON.isoformat()} for good in goods()])
    about = train(shop).about
    shop.refresh()
    assert about["word_vectors"]["n_words"] >= 10
    assert set(shop.item_facets.related("leather")) <= {"hiking", "boots", "alpina", "boot", "登山", "皮靴"}
    assert len(shop.item_facets.related("leather")) == 3
    shop.close()


def test_what_takes_too_much_of_the_time_that_is_left_is_not_tried_and_says_so() -> None:
    content = content_recipes([["tea"]] * 1_000, [["brand=a"]] * 1_000)
    refused = unaffordable(5_000, 500, 1_000, content, 0.1)
    assert set(refused) == {*CLOSED_FORMS, *OF_CONTENT, "als"}
    assert all("of the 0 that are left" in why for why in refused.values())
    assert unaffordable(5_000, 500, 1_000, content, 1e6) == {}
    assert "of 30,000 items; 20,000 at most" in unaffordable(5_000, 500, 30_000, {}, 1e6)["als"]


def test_without_the_package_factors_are_not_tried_and_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "huaxiang[train]" in unaffordable(5_000, 500, 1_000, {}, 1e6)["als"]


def lender_of(folder: Path) -> Lender:
    """A trained shop of the same goods and people, as another one meets it."""
    stock(folder, until=NOON)
    make_release(folder)
    other = Shop(settings_of(folder))
    release = other.releases.current
    assert release is not None
    log = read_log(other.store, portraits=other.portraits)
    other.close()
    return Lender.open(release, log.interactions)


def test_a_shop_can_start_from_another_and_keeps_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = small(monkeypatch)
    lender = lender_of(tmp_path / "other")
    stock(tmp_path / "shop", until=NOON)
    shop = Shop(settings_of(tmp_path / "shop"))
    about = train(shop, lender=lender).about
    assert given["rival"] is None  # the other shop's encoder holds no checkpoint to go on from
    assert {LENT, ELSEWHERE} <= set(about["validation"]["alone"])
    warm, figures = about["warm_from"], about["validation"]["warm_from"]
    assert (warm["release"], warm["n_shared"]) == (lender.release.id, 40)
    assert figures["ndcg@10"] >= figures["without"]
    refused = "refused" in figures.get("note", "")
    assert refused == (figures["ndcg@10"] - figures["without"] <= figures["standard_error_of_gain"])
    assert refused == (sum(warm["weights"].values()) == 0.0)
    shop.refresh()
    assert len(shop.pipeline.recommend(["u00"], now=ONE, k=3)[0].item_ids) == 3
    shop.close()


def test_what_people_met_elsewhere_in_the_held_out_days_selects_nothing(tmp_path: Path) -> None:
    lender = lender_of(tmp_path / "other")
    carried = lender.carried([item_text(item_from(good["item_id"], good["properties"])) for good in goods()])
    names = [good["item_id"] for good in goods()]
    assert lender.rows(carried, names, ["u00"], before=0) == {}
    (said,) = lender.rows(carried, names, ["u00", "\x1fdevice", "nobody there"]).values()
    assert {item.split("-")[0] for item in sorted(said, key=lambda item: -said[item])[:3]} == {"tea"}


def test_a_release_without_its_log_lends_its_ways_alone(tmp_path: Path) -> None:
    whole = lender_of(tmp_path / "other")
    bare = Lender.open(whole.release, None)
    carried = bare.carried([item_text(item_from(good["item_id"], good["properties"])) for good in goods()])
    assert bare.rows(carried, [good["item_id"] for good in goods()], ["u00"]) == {}
    assert carried.ways().scores([History.of([0])]).any()
