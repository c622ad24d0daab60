"""`huaxiang pretrain` and `huaxiang encode` on files as people have them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli import encode, pretrain
from huaxiang.encoder import OnnxEncoder
from tests.encoder.conftest import Trained


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    pretrain.register(app)
    encode.register(app)
    return app


def test_pretrain_writes_an_encoder_and_its_figures(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "shop.txt").write_text("green tea 绿茶\ntea pot 茶壶\nhiking boots 登山鞋\n" * 20, encoding="utf-8")
    command = ["pretrain", "--texts", f"{tmp_path}/shop.txt", "--out", f"{tmp_path}/e", "--budget", "1s"]
    done = CliRunner().invoke(app, [*command, "--json", f"{tmp_path}/figures.json"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "too little text to hold any out" in done.output
    assert json.loads((tmp_path / "figures.json").read_text())["n_texts"] == 3
    assert OnnxEncoder.load(tmp_path / "e").encode(["绿茶"]).any()


def test_encode_writes_one_row_for_each_line_in_order(app: typer.Typer, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "titles.txt").write_text("green tea\n\nboots\n", encoding="utf-8")
    command = ["encode", "--encoder", str(trained.folder), "--texts", f"{tmp_path}/titles.txt"]
    CliRunner().invoke(app, [*command, "--out", f"{tmp_path}/v.npy"], catch_exceptions=False)
    vectors = np.load(tmp_path / "v.npy", allow_pickle=False)
    expected = OnnxEncoder.load(trained.folder).encode(["green tea", "", "boots"])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_encode_to_parquet_keeps_the_text_beside_the_vector(app: typer.Typer, trained: Trained, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    with gzip.open(tmp_path / "titles.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write('{"title": "绿茶", "price": 3}\n')
    command = ["encode", "--encoder", str(trained.folder), "--texts", f"{tmp_path}/titles.jsonl.gz"]
    CliRunner().invoke(app, [*command, "--out", f"{tmp_path}/v.parquet"], catch_exceptions=False)
    table = pq.read_table(tmp_path / "v.parquet")
    assert table["text"].to_pylist() == ["绿茶"]
    assert len(table["vector"][0]) == 32
