import ast
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import huaxiang.demo
from huaxiang.collect.check import check_event
from huaxiang.demo import DemoShop, simulate
from huaxiang.errors import DataError
from huaxiang.types import EVENT_NAMES

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
ROOM = Path(huaxiang.demo.__file__).parent
SCORERS = {"score.py", "intents.py", "guesses.py"}


def small(seed: int) -> DemoShop:
    return simulate(seed=seed, n_items=80, n_users=20, days=20, until=UNTIL)


def named_items(event: dict[str, Any]) -> list[str]:
    return [event["item_id"]] if "item_id" in event else [line["item_id"] for line in event.get("items", ())]


def test_a_seed_gives_the_same_shop_to_the_last_byte() -> None:
    one, other = small(1), small(1)
    assert json.dumps(one.log(), ensure_ascii=False) == json.dumps(other.log(), ensure_ascii=False)
    assert one.truth.noise == other.truth.noise


def test_another_seed_gives_another_shop() -> None:
    one, other = small(1), small(2)
    assert [item["name"] for item in one.items] != [item["name"] for item in other.items]
    assert len(one.events) != len(other.events)


def test_two_seeds_share_no_event_id() -> None:
    ids = [event["event_id"] for seed in (1, 12) for event in small(seed).log()]
    assert len(set(ids)) == len(ids)


def test_about_a_third_of_the_events_are_noise(shop: DemoShop) -> None:
    assert 0.28 <= len(shop.truth.noise) / len(shop.events) <= 0.38


def test_every_kind_of_noise_is_there(shop: DemoShop) -> None:
    assert set(shop.truth.noise.values()) == {
        "bot", "shared_account", "gift", "no_login", "popularity", "position", "misclick", "missing_attributes", "typo",
    }  # fmt: skip


def test_every_canonical_event_happens(shop: DemoShop) -> None:
    assert {event["event"] for event in shop.log()} == EVENT_NAMES


def test_every_payload_passes_the_check_of_a_shop_that_refuses_naive_times(shop: DemoShop) -> None:
    now = UNTIL + timedelta(hours=1)
    assert all(check_event(event, now=now).event_id == event["event_id"] for event in shop.log())


def test_events_lie_in_the_span_in_time_order_with_ids_of_their_own(shop: DemoShop) -> None:
    moments = [datetime.fromisoformat(event["timestamp"]) for event in shop.log()]
    assert moments == sorted(moments)
    assert shop.start == UNTIL - timedelta(days=90)
    assert shop.start <= moments[0]
    assert moments[-1] < UNTIL
    assert len({event["event_id"] for event in shop.log()}) == len(moments)


def test_no_event_names_an_item_before_it_exists_and_no_list_shows_one_that_is_gone(shop: DemoShop) -> None:
    listed: set[str] = set()
    for event in shop.log():
        if event["event"] == "set_item":
            listed.add(event["item_id"])
        elif event["event"] == "delete_item":
            listed.discard(event["item_id"])
        elif event["event"] in {"view_item_list", "view_item", "add_to_cart", "purchase"}:
            assert listed.issuperset(named_items(event)), event


def test_an_order_is_worth_the_sum_of_its_lines(shop: DemoShop) -> None:
    for event in shop.events:
        if event["event"] == "purchase":
            assert event["value"] == round(sum(line["price"] * line["quantity"] for line in event["items"]), 2)
            assert event["currency"] == "CNY"


def test_a_click_belongs_to_a_list_that_showed_the_item_at_that_place(shop: DemoShop) -> None:
    lists = {event["request_id"]: event for event in shop.events if event["event"] == "view_item_list"}
    clicks = [event for event in shop.events if event["event"] == "select_item"]
    assert clicks
    for click in clicks:
        shown = lists[click["request_id"]]["items"]
        assert shown[click["position"]] == {"item_id": click["item_id"], "index": click["position"]}


def test_what_is_bought_again_was_bought_before(shop: DemoShop) -> None:
    bought: Counter[tuple[str, str]] = Counter(
        (event["user_id"], item) for event in shop.events if event["event"] == "purchase" for item in named_items(event)
    )
    assert sum(count > 1 for count in bought.values()) >= 5


def test_a_purchase_draws_what_goes_with_it(shop: DemoShop) -> None:
    truth = shop.truth
    row, lines = truth.item_row(), truth.goods.tables.lines
    orders: dict[str, list[list[int]]] = {}
    for event in shop.events:
        if event["event"] == "purchase":
            orders.setdefault(event["user_id"], []).append([int(truth.goods.line[row[i]]) for i in named_items(event)])
    pairs = [
        (line, after)
        for mine in orders.values()
        for one, other in pairwise(mine)
        for line in one
        for after in other
        if line != after
    ]
    together = sum(after in lines[line].goes_with for line, after in pairs) / len(pairs)
    by_chance = sum(len(line.goes_with) for line in lines) / len(lines) ** 2
    assert together > 3 * by_chance


def test_half_of_the_items_are_chinese_and_twelve_top_categories_are_filled(shop: DemoShop) -> None:
    chinese = sum(not item["name"].isascii() for item in shop.items) / len(shop.items)
    assert 0.4 <= chinese <= 0.6
    assert len({item["category"].split(" > ")[0] for item in shop.items if "category" in item}) == 12


def test_some_items_come_during_the_span_and_some_records_lack_their_attributes(shop: DemoShop) -> None:
    first = {event["item_id"]: event["timestamp"] for event in reversed(shop.item_events())}
    late = sum(datetime.fromisoformat(moment) > shop.start for moment in first.values())
    assert 0 < late < len(shop.items)
    assert 0.02 < sum(not item["attributes"] for item in shop.items) / len(shop.items) < 0.12


def test_a_shop_too_small_to_hold_every_category_is_refused() -> None:
    with pytest.raises(DataError, match="57 items"):
        simulate(seed=1, n_items=10, n_users=20, until=UNTIL)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(DataError, match="until"):
        simulate(seed=1, until=datetime(2026, 3, 1))


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_the_simulator_shares_nothing_with_what_is_scored_on_it(path: Path) -> None:
    allowed = {"demo", "errors"} | ({"types"} if path.name in SCORERS | {"simulation.py"} else set())
    allowed |= {"measure"} if path.name in SCORERS else set()  # intervals and calibration: no word of a shop
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("huaxiang."):
                assert name.split(".")[1] in allowed, f"{path.name} imports {name}"
