"""`huaxiang pretrain` and `huaxiang encode` on files as people have them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.encode import parse_budget, read_texts, register
from huaxiang.encoder import OnnxEncoder
from huaxiang.errors import DataError
from tests.encoder.conftest import Trained


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


def test_pretrain_writes_an_encoder_and_its_figures(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "shop.txt").write_text("green tea 绿茶\ntea pot 茶壶\nhiking boots 登山鞋\n" * 20, encoding="utf-8")
    command = ["pretrain", "--texts", f"{tmp_path}/shop.txt", "--out", f"{tmp_path}/e", "--budget", "1s"]
    done = CliRunner().invoke(app, [*command, "--json", f"{tmp_path}/figures.json"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "held-out perplexity" in done.output
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


def test_a_column_that_is_not_there_is_refused_and_the_others_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,title\n1,tea\n", encoding="utf-8")
    with pytest.raises(DataError, match="it has: sku, title"):
        list(read_texts(tmp_path / "a.csv", "name"))


def test_the_one_column_that_looks_like_text_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sku,title\n1,"tea, green"\n2,\n', encoding="utf-8")
    assert list(read_texts(tmp_path / "a.csv", None)) == ["tea, green"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("绿茶".encode("gb18030"))
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_texts(tmp_path / "a.txt", None))


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "tea"}\n{oops\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        list(read_texts(tmp_path / "a.jsonl", None))


@pytest.mark.parametrize(("said", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400)])
def test_budgets_are_read(said: str, seconds: float) -> None:
    assert parse_budget(said) == seconds


def test_a_budget_that_is_no_time_is_refused() -> None:
    with pytest.raises(DataError, match="90s, 5m or 1h"):
        parse_budget("soon")
