"""Training an encoder end to end on a tiny shop: what it promises about seeds, budgets and small shops."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import DataError
from tests.encoder.conftest import TINY, Trained, small_shop


def test_the_report_says_how_large_how_long_and_how_well(trained: Trained) -> None:
    report = trained.report
    assert report.pretrain is not None
    assert report.finetune is not None
    assert (report.n_items, report.n_pairs, report.d) == (12, 90, 32)
    assert (report.pretrain.steps, report.finetune.steps) == (4, 4)
    assert 0 <= report.start.mrr <= report.result.mrr <= 1


def test_figures_are_plain_json(trained: Trained) -> None:
    import json

    assert json.loads(json.dumps(trained.report.figures(), allow_nan=False))["d"] == 32


def test_a_shop_with_one_item_and_no_pairs_still_gets_an_encoder(tmp_path: Path) -> None:
    report = train_encoder(["tea"], [], out=tmp_path / "e", budget_seconds=1, seed=1, shape=TINY)
    assert report.finetune is None
    assert math.isnan(report.result.mrr)
    assert any("fine-tuning was skipped: 0 pairs" in note for note in report.notes)
    assert OnnxEncoder.load(tmp_path / "e").encode(["tea"]).any()


def test_a_budget_that_allows_no_step_says_what_it_cut(tmp_path: Path) -> None:
    shop = small_shop()
    report = train_encoder(shop.items, shop.pairs, out=tmp_path / "e", budget_seconds=0.1, seed=1, shape=TINY)
    assert any("cut fine-tuning after 0 of" in note for note in report.notes)
    assert OnnxEncoder.load(tmp_path / "e").fingerprint == report.fingerprint


def test_an_empty_shop_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no text to learn from"):
        train_encoder([], [], out=tmp_path / "e", budget_seconds=9, seed=1, shape=TINY)


def test_a_pair_that_points_outside_the_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pair 1 points to item 2"):
        train_encoder(["tea", "pot"], [("tea", 1), ("pot", 2)], out=tmp_path / "e", budget_seconds=9, seed=1)


def test_users_that_do_not_match_the_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 pairs but 2 users"):
        train_encoder(["tea"], [("tea", 0)], users=["a", "b"], out=tmp_path / "e", budget_seconds=9, seed=1)


def test_histories_that_do_not_match_the_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 pairs but 2 histories"):
        train_encoder(["tea"], [("tea", 0)], before=[(0,), ()], out=tmp_path / "e", budget_seconds=9, seed=1)
    with pytest.raises(DataError, match="pair 0 points to item 3"):
        train_encoder(["tea"], [("tea", 0)], before=[(3,)], out=tmp_path / "e", budget_seconds=9, seed=1)


def test_where_items_belong_is_learned_first_if_histories_name_them(trained: Trained, tmp_path: Path) -> None:
    shop = small_shop()
    place = {text: at for at, text in enumerate(shop.items)}
    pairs, users = shop.pairs * 3, [f"{user}-{n}" for n in range(3) for user in shop.users]
    before = [tuple(place[text] for text in history.split(" ; ")) for history, _ in pairs]
    report = train_encoder(
        shop.items,
        pairs,
        users=users,
        before=before,
        out=tmp_path / "e",
        checkpoint=str(trained.folder / "hf"),
        budget_seconds=60,
        seed=1,
    )
    assert report.finetune is not None
    assert report.finetune.planned_steps == 300  # of places; contrast would plan ten passes over the pairs
    assert report.result.mrr >= report.start.mrr


def test_a_rival_that_knows_the_shop_begins_in_the_place_of_its_text(trained: Trained, tmp_path: Path) -> None:
    shop = trained.shop
    taught = train_encoder(
        shop.items, shop.pairs, users=shop.users, out=tmp_path / "taught", budget_seconds=60, seed=3, shape=TINY
    )
    assert taught.result.mrr > trained.report.start.mrr
    report = train_encoder(
        shop.items,
        shop.pairs,
        users=shop.users,
        out=tmp_path / "e",
        rival=str(tmp_path / "taught" / "hf"),
        budget_seconds=600,
        seed=7,
        max_steps=1,
        shape=TINY,
    )
    assert any("begins with the other shop's encoder" in note for note in report.notes)
    assert report.start.mrr > trained.report.start.mrr


def test_a_checkpoint_is_carried_on_from_and_its_tokenizer_kept(trained: Trained, tmp_path: Path) -> None:
    shop = trained.shop
    report = train_encoder(
        shop.items,
        shop.pairs,
        out=tmp_path / "e",
        checkpoint=str(trained.folder),
        budget_seconds=600,
        seed=1,
        max_steps=1,
    )
    assert (report.d, report.vocabulary) == (trained.report.d, trained.report.vocabulary)


def test_a_checkpoint_stays_as_it_came_where_no_pair_can_say_what_it_would_unlearn(
    trained: Trained, tmp_path: Path
) -> None:
    came = trained.folder / "hf"
    report = train_encoder(small_shop().items, [], out=tmp_path / "e", checkpoint=str(came), budget_seconds=9, seed=1)
    assert any("no held-out pair says what the checkpoint would unlearn" in note for note in report.notes)
    asked = ["tea pot", "kettle"]
    theirs, ours = OnnxEncoder.load(trained.folder), OnnxEncoder.load(tmp_path / "e")
    np.testing.assert_allclose(ours.encode(asked), theirs.encode(asked), atol=1e-5)


@pytest.mark.data
def test_on_public_text_fine_tuning_does_not_fall_behind_its_start(tmp_path: Path) -> None:
    import gzip

    root = Path(os.environ.get("HUAXIANG_DATA", "../shared/data")) / "amazon2018_scientific_text" / "unisrec"
    if not root.is_dir():
        pytest.skip(f"no public data at {root}; set HUAXIANG_DATA")
    with gzip.open(root / "Scientific.text.gz", "rt", encoding="utf-8") as lines:
        texts = [line.split("\t", 1)[1] for line in lines][1:401]
    pairs = [(texts[i], i + 1) for i in range(len(texts) - 1)]
    report = train_encoder(texts, pairs, out=tmp_path / "e", budget_seconds=600, seed=1, max_steps=2, shape=TINY)
    assert report.result.mrr >= report.start.mrr
