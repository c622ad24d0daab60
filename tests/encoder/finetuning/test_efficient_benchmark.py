"""The benchmark of methods: its split and its interval, and that it says what it skips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.efficient import SETTINGS, divide, interval, main

SMALL = replace(SETTINGS[0], classes=2, train=6, held=4, test=8)
TEXTS = [(f"{kind} {n}", at) for at, kind in enumerate(("tea", "boots")) for n in range(20)]


def test_parts_share_no_text_and_every_seed_has_the_same_test_texts() -> None:
    one, two = divide(TEXTS, SMALL, 0), divide(TEXTS, SMALL, 1)
    assert [len(part) for part in one] == [6, 4, 8]
    assert len({text for part in one for text in part}) == 18
    assert one[2] == two[2]
    assert one[0] != two[0]


def test_the_interval_of_three_seeds_by_hand() -> None:
    # Mean .8, deviation .1: 4.303 * .1 / sqrt(3) = .248.
    assert interval([0.7, 0.8, 0.9]) == "0.800 ± 0.248"


def test_without_the_data_it_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("skipped: neither banking77/train.csv.gz nor cn_reviews")
