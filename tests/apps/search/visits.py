"""Visits of a small tea shop, for the tests of what is learned from its searches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from huaxiang.types import Event, LineItem

DAWN = datetime(2026, 3, 1, tzinfo=UTC)
SHOWN = ("sencha", "matcha", "assam")


def at(hour: float) -> datetime:
    """A moment so many hours after dawn."""
    return DAWN + timedelta(hours=hour)


def event(name: str, hour: float, user: str | None = "ann", **more: Any) -> Event:
    """An event of a user; with `device`, of an anonymous visitor too. The session is the user's unless named."""
    device = more.pop("device", None)
    session = more.pop("session", f"of-{user or device}")
    said = {"anonymous_id": device, "session_id": session, **more}
    return Event(event=name, timestamp=at(hour), user_id=user, **said)


def search(hour: float, user: str | None = "ann", query: str = "green tea", **more: Any) -> Event:
    """A search with its own query id, unless it has none (`query_id=None`)."""
    total = more.pop("total", None)
    named = {"query_id": f"q-{user or more.get('device')}-{hour}", **more}
    return event("search", hour, user, query=query, properties={} if total is None else {"total": total}, **named)


def shows(hour: float, user: str | None = "ann", items: Sequence[str] = SHOWN, **more: Any) -> Event:
    """A list of items, places counted from 0, at an hour."""
    lines = tuple(LineItem(item, index=place) for place, item in enumerate(items))
    return event("view_item_list", hour, user, items=lines, **more)


def visit(
    hour: float,
    user: str | None,
    *,
    query: str = "green tea",
    items: Sequence[str] = SHOWN,
    clicked: Sequence[str] = (),
    **more: Any,
) -> list[Event]:
    """A search, its list, and clicks on some of it, all within a few minutes."""
    name = f"{user or more.get('device')}-{hour}"
    asked = search(hour, user, query, query_id=f"q-{name}", **more)
    more.pop("total", None)
    shown = shows(hour + 0.01, user, items, query_id=f"q-{name}", request_id=f"r-{name}", **more)
    clicks = [event("select_item", hour + 0.02, user, item_id=item, request_id=f"r-{name}", **more) for item in clicked]
    return [asked, shown, *clicks]


def people(n: int) -> list[str]:
    """Names of n different people."""
    return [f"p{number:03d}" for number in range(n)]
