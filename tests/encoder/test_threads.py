"""How many threads are worth having now."""

import os
import time
from pathlib import Path

import pytest

from huaxiang.encoder.threads import idle_cores


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def line(core: int, busy: int, idle: int) -> str:
    return f"cpu{core} {busy} 0 0 {idle} 0 0 0 0 0 0\n"


@pytest.mark.parametrize(("idle_of_second", "cores"), [(100, 2), (90, 2), (10, 1)])
@pytest.mark.usefixtures("two_cores")
def test_a_core_counts_by_its_idle_share_while_it_was_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle_of_second: int, cores: int
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(f"cpu 7 7 7 7 7 7 7 7 7 7\n{line(0, 50, 1_000)}{line(1, 900, 5)}ctxt 12\n")
    later = line(0, 50, 1_100) + line(1, 1_000 - idle_of_second, 5 + idle_of_second)
    monkeypatch.setattr(time, "sleep", lambda _: stat.write_text(later))
    assert idle_cores(stat) == cores


@pytest.mark.usefixtures("two_cores")
def test_one_thread_where_nothing_is_idle(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(line(0, 9, 9) + line(1, 9, 9))
    assert idle_cores(stat, 0.0) == 1


@pytest.mark.usefixtures("two_cores")
def test_the_load_average_stands_in_where_cores_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.2, 0.0, 0.0))
    assert idle_cores(tmp_path / "none") == 2
