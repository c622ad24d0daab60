"""What people agree to, in their own words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from huaxiang.collect.consent import said_scopes
from huaxiang.types import CONSENT_SCOPES, Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def consent(**properties: Any) -> Event:
    return Event(event="consent", timestamp=NOON, user_id="ann", properties=properties)


def test_one_scope_is_denied_and_the_others_are_not_spoken_of() -> None:
    assert said_scopes(consent(scope="advertising", status="denied")) == {"advertising": "denied"}


def test_all_names_every_scope() -> None:
    assert said_scopes(consent(scope="all", status="granted")) == dict.fromkeys(CONSENT_SCOPES, "granted")


def test_a_list_names_several_and_unknown_ones_are_passed_over() -> None:
    said = said_scopes(consent(scope=["training", "analytics", "cooking"], status="denied"))
    assert said == {"training": "denied", "analytics": "denied"}


@pytest.mark.parametrize("status", ["maybe", None, True])
def test_anything_but_granted_and_denied_says_nothing(status: object) -> None:
    assert said_scopes(consent(scope="all", status=status)) == {}


def test_other_events_say_nothing() -> None:
    assert said_scopes(Event(event="view_item", timestamp=NOON, user_id="ann", item_id="pot")) == {}
