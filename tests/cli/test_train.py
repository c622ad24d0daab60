"""`train` as a person meets it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang import training
from huaxiang.cli.train import seconds_of
from huaxiang.config import load_settings
from huaxiang.errors import ConfigError
from huaxiang.release import Releases
from huaxiang.shop import Shop
from tests.cli.conftest import Run
from tests.shops import copy_shop


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120), ("0.5", 0.5)],
)
def test_a_budget_is_read_in_seconds(budget: str, seconds: float) -> None:
    assert seconds_of(budget) == seconds


@pytest.mark.parametrize(
    "budget", ["", "soon", "-5", "0", "0s", "5d", "1m30s", "nan", "inf", "1e3", "10 minutes", "．5"]
)
def test_a_budget_that_is_no_time_is_refused_with_examples(budget: str) -> None:
    with pytest.raises(ConfigError, match=r"90s, 10m, 1\.5h"):
        seconds_of(budget)


@given(st.integers(1, 10**6), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("", 1)]))
def test_any_whole_number_of_a_unit_is_read(n: int, unit: tuple[str, int]) -> None:
    assert seconds_of(f"{n}{unit[0]}") == n * unit[1]


def test_an_empty_shop_is_told_to_import(run: Run, tmp_path: Path) -> None:
    Shop(load_settings(None, data_dir=tmp_path / "empty")).close()
    said = run("train", "--data-dir", tmp_path / "empty", "--budget", "30s")
    assert said.status == 2
    assert "no items to recommend; import them first: `huaxiang import`" in said.err
    assert not (tmp_path / "empty" / "releases").exists()


def test_a_bad_budget_ends_before_anything_is_made(run: Run, tmp_path: Path) -> None:
    said = run("train", "--data-dir", tmp_path / "empty", "--budget", "soon")
    assert (said.status, "budget 'soon' is no time" in said.err) == (2, True)
    assert not (tmp_path / "empty").exists()


def test_what_was_asked_for_reaches_training_and_what_came_out_is_said(
    run: Run, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out, asked = copy_shop(built, tmp_path / "shop"), tmp_path / "figures.json", dict[str, Any]()

    def made(_portraits: object, releases: Releases, **given: Any) -> Any:
        asked.update(given)
        validation = {"ndcg@10": 0.5, "alone": {"popular": 0.25}}
        with releases.draft() as draft:
            draft.about |= {"n_items": 60, "n_interactions": 1320, "seconds": 3.2, "validation": validation}
            draft.about["encoder"] = {"notes": ["too few pairs"]}
        return releases.use(draft.id)

    monkeypatch.setattr(training, "train", made)
    said = run("train", "--data-dir", folder, "--budget", "2m", "--seed", "7", "--json", out)
    assert (asked["budget_seconds"], asked["seed"], asked["checkpoint"]) == (120, 7, None)
    assert said.status == 0
    assert "1,320 interactions, 60 items, 3.2 s" in said.out
    assert "0.5000 fused; alone: popular 0.2500" in said.out
    assert "encoder: too few pairs" in said.out
    assert json.loads(out.read_text())["release"] == Releases(folder / "releases").current_id


def test_a_warm_start_from_the_shop_itself_or_from_no_release_is_refused(run: Run, built: Path, tmp_path: Path) -> None:
    folder = copy_shop(built, tmp_path / "shop")
    itself = run("train", "--data-dir", folder, "--warm-from", folder)
    assert (itself.status, "belongs to the shop that is trained" in itself.err) == (2, True)
    (tmp_path / "empty").mkdir()
    nothing = run("train", "--data-dir", folder, "--warm-from", tmp_path / "empty")
    assert nothing.status == 2
    assert "has no release in use; train that shop first" in nothing.err


@pytest.mark.parametrize("named", ["the folder", "the release", "the release alone"])
def test_another_shop_is_found_by_its_folder_or_its_release(
    named: str, run: Run, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = copy_shop(built, tmp_path / "shop"), copy_shop(built, tmp_path / "other")
    release = Releases(other / "releases").current
    assert release is not None
    if named == "the release alone":
        shutil.copytree(other / "releases", tmp_path / "copied" / "releases")
        release = Releases(tmp_path / "copied" / "releases").current
        assert release is not None
    asked: dict[str, Any] = {}

    def made(_portraits: object, releases: Releases, **given: Any) -> Any:
        asked.update(given)
        with releases.draft() as draft:
            draft.about |= {"n_items": 60, "n_interactions": 1320, "seconds": 3.2, "encoder": {}}
            draft.about["validation"] = {"note": "few", "warm_from": {"ndcg@10": 0.5, "without": 0.4}}
            draft.about["warm_from"] = {"n_shared": 40, "weights": {"lent": 0.25, "elsewhere": 0.0}}
        return releases.use(draft.id)

    monkeypatch.setattr(training, "train", made)
    said = run("train", "--data-dir", folder, "--warm-from", other if named == "the folder" else release.path)
    assert said.status == 0
    assert asked["lender"].release.id == release.id
    assert (asked["lender"].log is None) == (named == "the release alone")
    assert "40 people are in both shops; weights: lent 0.2500" in " ".join(said.out.split())
    assert "0.4000 without, 0.5000 with it" in " ".join(said.out.split())
