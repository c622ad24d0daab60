"""`huaxiang evaluate search` of a shop by its own clicks, as a person at a terminal runs it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from huaxiang.profiles import Portraits
from huaxiang.release import Release, Releases
from huaxiang.shop import Shop
from huaxiang.types import CONSENT_SCOPES, Event, LineItem
from tests.cli.conftest import Run
from tests.shops import build_shop, settings_of

SHOWN = ("boot-01", "lamp-02", "tea-03", "book-04")
TAKEN = "tea-03"


def searched(n: int, moment: datetime) -> list[Event]:
    """A shopper of tea looks for something, and takes the tea from the third place."""
    user, name = f"u{n % 40 // 4 * 4:02d}", f"{n}"
    lines = tuple(LineItem(item, index=place) for place, item in enumerate(SHOWN))
    said: dict[str, Any] = {"user_id": user, "session_id": f"s{name}"}
    seconds = [moment + timedelta(seconds=second) for second in range(3)]
    return [
        Event("search", seconds[0], query="something nice", query_id=f"q{name}", **said),
        Event("view_item_list", seconds[1], items=lines, query_id=f"q{name}", request_id=f"r{name}", **said),
        Event("select_item", seconds[2], item_id=TAKEN, request_id=f"r{name}", **said),
    ]


def said(user: str, scope: str, status: str, moment: datetime) -> Event:
    """A word on consent."""
    return Event("consent", moment, user_id=user, properties={"scope": scope, "status": status})


def test_a_shop_is_judged_by_its_last_tenth_of_searches(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(settings_of(build_shop(tmp_path / "shop")))
    begin = datetime.now(UTC) - timedelta(days=20)
    for n in range(100):
        shop.store.append(searched(n, begin + timedelta(hours=n)))
    shop.store.append([said(f"u{n:02d}", scope, "granted", begin) for n in range(40) for scope in CONSENT_SCOPES])
    shop.store.append([said("u36", "training", "denied", datetime.now(UTC))])
    n_events = shop.store.last_seq
    own = f'[consent]\ndefault = "denied"\n[store]\nurl = "sqlite:///{tmp_path}/shop/shop.db"\n'
    (tmp_path / "own.toml").write_text(own)
    release = shop.releases.current
    shop.close()
    known: list[tuple[str, datetime]] = []
    consents: list[str] = []

    def train(portraits: Portraits, _releases: Releases, **_: Any) -> Release:
        consents.append(portraits.config.consent_default)
        for batch in portraits.store.scan():
            known.extend(pl.DataFrame(pl.from_arrow(batch)).select("event", "timestamp").iter_rows())
        assert release is not None
        return release

    monkeypatch.setattr("huaxiang.training.train", train)
    ran = run("evaluate", "search", "--data-dir", "shop", "--config", "own.toml", "--json", "out.json")
    assert ran.status == 0, ran.err
    report = json.loads((tmp_path / "out.json").read_text())
    since = datetime.fromisoformat(report["data"]["since"])
    assert {event for event, moment in known if moment >= since} == {"consent"}
    assert consents == ["denied"]  # the shop's own settings hold, and its own store is only read
    again = Shop(settings_of(tmp_path / "shop"))
    assert again.store.last_seq == n_events
    again.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "own.toml", "shop"]
    assert {"search", "select_item", "set_item"} <= {event for event, _ in known}
    assert (report["data"]["n_lists"], report["data"]["n_people"]) == (10, 3)
    assert report["as shown"]["ndcg@10"] == pytest.approx(0.5)  # the one that was taken stands third
    assert report["huaxiang"]["ndcg@10"] == pytest.approx(1.0)  # they bought tea before
    gap = report["differences"]["huaxiang - as shown"]["ndcg@10"]
    assert gap["mean"] == pytest.approx(0.5)
    assert "10 lists of 3 people" in ran.out


def test_nothing_to_judge_by_is_said_in_words(run: Run, tmp_path: Path) -> None:
    build_shop(tmp_path / "shop")
    ran = run("evaluate", "search", "--data-dir", "shop", "--json", "out.json")
    assert ran.status != 0
    assert "nobody searched" in " ".join((ran.out + ran.err).split())
    ran = run("evaluate", "search", "--data-dir", "shop", "--json", "out.json", "--train", "grades.csv")
    assert "give both or neither" in " ".join((ran.out + ran.err).split())
    assert not (tmp_path / "out.json").exists()
