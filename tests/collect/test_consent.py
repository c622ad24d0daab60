"""What a shopper agreed to, as of a moment."""

from datetime import UTC, datetime

import pytest

from huaxiang.collect.consent import allows, consents
from huaxiang.errors import DataError
from huaxiang.types import CONSENT_SCOPES, Event


def said(hour: int, scope: str, status: str, seq: int = 0) -> Event:
    properties = {"scope": scope, "status": status}
    return Event("consent", at(hour), user_id="ann", properties=properties, seq=seq)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 1, hour, tzinfo=UTC)


def test_a_shopper_who_said_nothing_has_the_default() -> None:
    assert consents([], before=at(12)) == dict.fromkeys(CONSENT_SCOPES, "granted")
    assert consents([], before=at(12), default="denied") == dict.fromkeys(CONSENT_SCOPES, "denied")


def test_a_recorded_consent_wins_over_the_default() -> None:
    found = consents([said(9, "advertising", "granted")], before=at(12), default="denied")
    assert allows(found, "advertising")
    assert not allows(found, "training")


def test_all_is_every_scope_and_the_latest_word_counts() -> None:
    events = [said(11, "service", "granted"), said(9, "all", "denied")]
    assert [scope for scope, status in consents(events, before=at(12)).items() if status == "granted"] == ["service"]


def test_of_two_words_in_one_moment_the_later_in_the_log_counts() -> None:
    events = [said(9, "training", "denied", seq=2), said(9, "training", "granted", seq=1)]
    assert consents(events, before=at(12))["training"] == "denied"


def test_what_is_said_later_is_not_known_yet() -> None:
    assert consents([said(12, "all", "denied")], before=at(12))["analytics"] == "granted"


def test_an_unknown_default_is_refused() -> None:
    with pytest.raises(DataError, match="give granted or denied"):
        consents([], before=at(12), default="maybe")
