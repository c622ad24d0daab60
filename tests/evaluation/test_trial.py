"""`huaxiang trial`: any shop's file to a page, as a shopkeeper would run it."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huaxiang.cli.trial import register
from huaxiang.errors import ConfigError, DataError


def sales(tmp_path: Path, n_people: int = 80, n_items: int = 24, days: int = 60) -> Path:
    """Everybody buys along a ring of teas, one every few days, from a place of their own."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(n_people):
        at, day = int(rng.integers(n_items)), float(rng.uniform(0, 4))
        while day < days:
            moment = np.datetime64("2024-03-01T08:00") + np.timedelta64(int(day * 1440), "m")
            rows.append(f"顾客{person},t{at % n_items},茶 <{at % n_items}>,{moment}")
            at, day = at + 1, day + float(rng.uniform(2, 6))
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["客户,货号,商品名称,时间", *rows]) + "\n", encoding="utf-8")
    return path


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["trial", *arguments], catch_exceptions=False)


class Tags(HTMLParser):
    """Counts opened and closed tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: Any) -> None:
        if tag not in {"meta", "rect", "path", "line", "polyline", "circle", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "path", "line", "polyline", "circle"}:
            assert self.open.pop() == tag


@pytest.mark.slow
def test_a_file_of_sales_becomes_a_verdict_and_ten_people(tmp_path: Path) -> None:
    page, out = tmp_path / "trial.html", tmp_path / "trial.json"
    asked = ["--event", "purchase", "--budget", "15s", "--out", str(page), "--json", str(out), "--yes"]
    result = run(str(sales(tmp_path)), *asked, "--language", "zh")
    assert result.exit_code == 0
    found = json.loads(out.read_text())
    rows = {row["model"]: row for row in found["models"]}
    assert rows["huaxiang"]["ndcg@10"] > rows["popularity"]["ndcg@10"] + 0.2
    assert found["asked"] == "purchase"
    assert len(found["shoppers"]) == 10
    assert all(each["recommended"] and each["taken"] for each in found["shoppers"])
    written = page.read_text(encoding="utf-8")
    assert "随机抽取的十位顾客" in written
    assert "<0>" not in written  # names are escaped
    tags = Tags()
    tags.feed(written)
    assert tags.open == []


def test_columns_that_were_guessed_must_be_confirmed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="confirm them with --yes"):
        run(str(sales(tmp_path, n_people=3)), "--event", "purchase", "--out", str(tmp_path / "trial.html"))


def test_a_log_in_which_nobody_comes_back_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "once.csv"
    rows = [f"u{n},p{n},2024-03-{n % 28 + 1:02d}" for n in range(50)]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    with pytest.raises(DataError, match="give a longer log"):
        run(str(path), "--event", "purchase", "--yes", "--budget", "5s", "--out", str(tmp_path / "trial.html"))


def test_a_folder_that_is_missing_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        run(str(sales(tmp_path, n_people=2)), "--out", str(tmp_path / "nowhere" / "trial.html"))


def test_a_language_without_a_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose en or zh"):
        run(str(sales(tmp_path, n_people=2)), "--language", "fr", "--out", str(tmp_path / "trial.html"))
