"""The console's page of search in a browser: what tests of it do there and read from it."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route

SEARCH = "/search"


def watch(page: Page, sent: list[dict[str, Any]]) -> Page:
    """Note what the page posts as events from now on."""

    def noted(route: Route) -> None:
        sent.extend(json.loads(route.request.post_data or "[]"))
        route.continue_()

    page.route("**/v1/events", noted)
    return page


def search_for(page: Page, query: str) -> None:
    """Type a query and send it."""
    page.locator("#find").fill(query)
    page.keyboard.press("Enter")


def asked(page: Page) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(page.url).query)


def ids(page: Page, under: str = ".side:not(.is-plain)") -> list[str]:
    """The items of a list, in order."""
    found = page.locator(f"{under} .result").evaluate_all("rows => rows.map(row => row.dataset.key)")
    return [str(one) for one in found]
