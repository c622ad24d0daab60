"""What is done on the console's page of search becomes the shopper's events, so that profile and search learn of it."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server.browsing import Open
from tests.server.running import Running
from tests.server.searching import SEARCH, ids, search_for, watch


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    """The events that a watched page posts, in order."""
    return []


def test_a_search_its_list_and_a_click_are_the_shoppers_events(
    fresh: Running, visit: Open, sent: list[dict[str, Any]]
) -> None:
    page = watch(visit(fresh, "lang=en&user=u00", path=SEARCH), sent)
    search_for(page, "hiking boots")
    expect(page.locator(".record-told")).to_contain_text("Recorded: the search and a list of")
    page.locator(".result").nth(2).locator(".result-name").click()
    expect(page.locator(".record-told")).to_contain_text("the click on")
    expect(page.locator(".result").nth(2).locator(".result-clicked")).to_be_visible()
    search, listed, click = sent
    assert [one["event"] for one in sent] == ["search", "view_item_list", "select_item"]
    assert {one["user_id"] for one in sent} == {"u00"}
    assert len({one["query_id"] for one in sent}) == len({one["request_id"] for one in sent}) == 1
    assert search["query"] == "hiking boots"
    assert search["properties"]["total"] == 8
    assert [line["item_id"] for line in listed["items"]] == ids(page)
    assert [line["index"] for line in listed["items"]] == list(range(len(ids(page))))
    assert (click["item_id"], click["position"]) == (ids(page)[2], 2)
    events = fresh.client.get("/v1/users/u00/profile/evidence").json()["events"]
    assert {event["event"] for event in events} >= {"search", "select_item"}


def test_another_page_of_a_query_is_another_list_of_the_same_search(
    shared: Running, visit: Open, sent: list[dict[str, Any]]
) -> None:
    page = watch(visit(shared, "lang=en&user=page-turner", path=SEARCH), sent)
    search_for(page, "shop")
    expect(page.locator(".record-told")).to_contain_text("a list of 20")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".pager")).to_contain_text("Page 2 of 3")
    expect(page.locator(".record-told")).to_have_text("Recorded: a list of 20")
    expect(page.locator("#found-title")).to_be_focused()
    assert [one["event"] for one in sent] == ["search", "view_item_list", "view_item_list"]
    assert len({one["query_id"] for one in sent}) == 1
    assert sent[2]["request_id"] != sent[1]["request_id"]
    assert [line["index"] for line in sent[2]["items"]] == list(range(20, 40))


def test_nothing_is_recorded_of_nobody_nor_when_it_is_turned_off(
    shared: Running, visit: Open, sent: list[dict[str, Any]]
) -> None:
    page = watch(visit(shared, "lang=en&q=shop", path=SEARCH), sent)
    page.locator(".result-name").first.click()
    expect(page.locator(".result-more").first).to_be_visible()
    page.get_by_role("switch", name="Record what is done here").uncheck()
    expect(page.locator(".record-about")).to_contain_text("Off: nothing")
    page.locator("#find-for").fill("u05")
    page.keyboard.press("Enter")
    expect(page.locator(".counted")).to_be_visible()
    page.locator(".result-name").first.click()
    expect(page.locator(".result-more").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("switch", name="Record what is done here")).not_to_be_checked()
    expect(page.locator(".result").first).to_be_visible()
    assert sent == []
