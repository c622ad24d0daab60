"""`huaxiang finetune tag` and `apply-tags` as a person at a terminal runs them."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.finetune_tag import register
from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.shop import open_shop_store
from huaxiang.encoder.tagger import Tagger
from huaxiang.errors import ConfigError, DataError, UnknownNameError
from huaxiang.types import Event
from tests.encoder.tagging.conftest import titles
from tests.profiles.shops import at

pytest.importorskip("torch")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("titles")
    (folder / "train.txt").write_text(titles(80, 0), encoding="utf-8")
    (folder / "test.txt").write_text(titles(20, 1), encoding="utf-8")
    return folder


def tag(app: typer.Typer, files: Path, *more: str) -> str:
    command = ["tag", "--train", f"{files}/train.txt", "--test", f"{files}/test.txt", "--method", "ngrams", *more]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_titles_become_a_tagger_and_the_tagger_fills_a_catalogue(
    app: typer.Typer, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = tag(app, files, "--out", f"{tmp_path}/tagger", "--json", f"{tmp_path}/out.json", "--budget", "1m")
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert {"f1", "precision", "recall", "per_type", "method", "seconds", "n_train", "n_test", "baselines"} <= set(
        figures
    )
    assert (figures["method"], figures["n_train"], figures["n_test"]) == ("ngrams", 80, 20)
    assert "dictionary, all" in said
    assert Tagger.load(tmp_path / "tagger").fingerprint == figures["fingerprint"]

    shop = tmp_path / "shop"
    store = open_shop_store(shop, create=True)
    store.append([Event(event="set_item", timestamp=at(0), item_id="p1", properties={"name": "正品红牛饮料包邮"})])
    store.close()
    command = [
        "apply-tags",
        "--tagger",
        f"{tmp_path}/tagger",
        "--data-dir",
        str(shop),
        "--map",
        "brand=brand,type=type",
    ]
    tried = CliRunner().invoke(app, [*command, "--min-confidence", "0.3", "--dry-run"], catch_exceptions=False)
    assert "dry run: nothing was written" in tried.output
    done = CliRunner().invoke(
        app, [*command, "--min-confidence", "0.3", "--json", f"{tmp_path}/applied.json"], catch_exceptions=False
    )
    assert "1 items were set" in done.output
    assert json.loads((tmp_path / "applied.json").read_text())["filled"] == {"brand": 1, "type": 1}
    store = open_shop_store(shop)
    item = Catalogue(store).get("p1")
    store.close()
    assert item is not None
    assert (item.brand, item.category) == ("红牛", ("饮料",))


def test_a_network_is_trained_within_the_budget(
    app: typer.Typer, files: Path, checkpoint: Path, tmp_path: Path
) -> None:
    command = ["tag", "--train", f"{files}/train.txt", "--test", f"{files}/test.txt", "--encoder", str(checkpoint)]
    more = ["--method", "full", "--epochs", "2", "--budget", "1m", "--json", f"{tmp_path}/out.json"]
    CliRunner().invoke(app, [*command, *more], catch_exceptions=False)
    figures = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert figures["training"]["steps"] > 0
    assert figures["seconds"] < 60


def test_an_unknown_method_is_refused_with_those_that_are(app: typer.Typer, files: Path) -> None:
    with pytest.raises(UnknownNameError, match="adalora, adapter, auto, full"):
        tag(app, files, "--method", "magic")


def test_a_type_that_nothing_can_learn_ends_before_any_training(app: typer.Typer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("红 B-colour\n", encoding="utf-8")
    with pytest.raises(DataError, match="colour"):
        tag(app, files, "--test", f"{tmp_path}/test.txt")


def test_a_folder_of_other_files_is_refused_before_any_training(app: typer.Typer, files: Path) -> None:
    with pytest.raises(DataError, match="holds other files"):
        tag(app, files, "--out", str(files))


def test_a_budget_of_a_second_is_refused(app: typer.Typer, files: Path) -> None:
    with pytest.raises(ConfigError, match="at least 10s"):
        tag(app, files, "--budget", "1s")


def test_a_map_that_is_none_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    command = ["apply-tags", "--tagger", str(tmp_path), "--data-dir", str(tmp_path), "--map", "brand"]
    with pytest.raises(ConfigError, match="LABEL=brand"):
        CliRunner().invoke(app, command, catch_exceptions=False)


@pytest.fixture(scope="module")
def checkpoint(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.encoder.tagging.conftest import saved_network

    texts = ["新款红牛正品饮料包邮2024", "宜兴茶壶", "Nike跑鞋", "Uji"] * 3
    return saved_network(texts, tmp_path_factory.mktemp("tiny"))
