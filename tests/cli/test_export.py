"""`huaxiang export`, and what `huaxiang encode` does with what it wrote."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli import encode, export
from huaxiang.encoder.model import Shape
from huaxiang.encoder.training import train_encoder
from huaxiang.errors import DataError

TITLES = ["green tea 绿茶", "tea pot 茶壶", "hiking boots 登山鞋", "rain boots 雨靴", "oak desk 书桌", "desk lamp 台灯"]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    encode.register(app)
    export.register(app)
    return app


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    train_encoder(TITLES, [], out=folder, budget_seconds=600, seed=0, max_steps=1, shape=Shape(32, 1, 2, 64, 300, 32))
    return folder


@pytest.fixture
def titles(tmp_path: Path) -> Path:
    path = tmp_path / "titles.txt"
    path.write_text("\n".join(f"{a}, {b}" for a in TITLES for b in TITLES), encoding="utf-8")
    return path


def run(app: typer.Typer, *arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_export_says_how_it_agrees_and_writes_the_figures(
    app: typer.Typer, encoder: Path, titles: Path, tmp_path: Path
) -> None:
    said = run(
        app, "export", encoder, "--out", tmp_path / "int8", "--texts", titles, "--json", tmp_path / "figures.json"
    )
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert f"cosine {figures['cosines']['mean']:.5f}, smallest {figures['cosines']['least']:.5f}" in said
    assert "note: 991 of the 1000 texts" in said
    assert figures["precision"] == "int8"


@pytest.mark.parametrize(
    "options", [("--precision", "int8"), ("--precision", "fp32"), ("--format", "static", "--width", "8")]
)
def test_what_export_wrote_encode_reads(
    app: typer.Typer, encoder: Path, titles: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    run(app, "export", encoder, "--out", tmp_path / "out", *options, "--force")
    run(app, "encode", "--encoder", tmp_path / "out", "--texts", titles, "--out", tmp_path / "vectors.npy")
    vectors = np.load(tmp_path / "vectors.npy", allow_pickle=False)
    assert len(vectors) == 36
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(36), atol=1e-5)


def test_a_second_encode_comes_out_of_the_cache_to_the_same_vectors(
    app: typer.Typer, encoder: Path, titles: Path, tmp_path: Path
) -> None:
    command = ["encode", "--encoder", encoder, "--texts", titles, "--cache", tmp_path / "cache", "--out"]
    first, second = (run(app, *command, tmp_path / f"{n}.npy") for n in (1, 2))
    assert "0 of the texts were in the cache" in first
    assert "36 of the texts were in the cache" in second
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()


def test_a_folder_in_which_no_encoder_is_is_named(app: typer.Typer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="attic"):
        run(app, "export", tmp_path / "attic", "--out", tmp_path / "out")
