"""The benchmark of the service runs, counts what it sent, and judges."""

import json
from pathlib import Path

import pytest

from benchmarks.http import main
from benchmarks.machine import Figure, table


def test_the_benchmark_of_the_service_writes_its_figures(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    small = ["--events", "1000", "--requests", "10", "--warm-up", "2", "--json", str(out)]
    assert main(["--data-dir", str(built), *small]) in {0, 1}
    figures = {row["name"]: row for row in json.loads(out.read_text("utf-8"))["figures"]}
    assert figures["recommend over HTTP, p50"]["target"] == 5.0
    assert figures["durable ingest over HTTP, batches of 500"]["value"] > 0
    assert "recommend over HTTP, p99" in capsys.readouterr().out


def test_a_figure_is_met_from_either_side() -> None:
    assert Figure("rate", 4.0, "a second", 2.0).ratio == 2.0
    assert Figure("time", 10.0, "ms", 5.0, is_at_least=False).ratio == 0.5
    assert "MISSED" in table([Figure("time", 10.0, "ms", 5.0, is_at_least=False)])
    assert Figure("share", 0.3, "").is_met
