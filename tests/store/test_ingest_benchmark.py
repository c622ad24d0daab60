"""The benchmark runs and says what it promises; its figures are for a quiet machine, not for a test."""

import json
from pathlib import Path

import pytest

from benchmarks.ingest import main


def test_the_ingest_benchmark_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--events", "2000", "--users", "50", "--repeats", "1", "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {"machine", "commit", "append_events_of_raw", "append_table_of_raw", "history_p50_ms"} <= set(figures)
    assert "append, one table" in capsys.readouterr().out
