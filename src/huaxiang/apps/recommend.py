"""Recommendation as a shop asks for it: for a person or for a session, filtered, with reasons, under a request id."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from huaxiang.collect.check import check_event
from huaxiang.errors import DataError
from huaxiang.pipeline import Pipeline
from huaxiang.types import Event, ItemId, Ranked, UserId, is_anonymous

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        user_id: whose profile; exactly one of this and `session` is given.
        session: payloads of events without a user, oldest first; a missing timestamp means just now.
        where: filter of items, as in `ranking.rules.compile_filter`.
        explain: with reasons that pass the check of `pipeline.counterfactual`, which takes some forty times the page.
        item_ids: rank only these.
        diversity: 0 by score alone to 1 by difference alone; None: as the shop has it.
    """

    user_id: UserId | None = None
    session: Sequence[Mapping[str, Any]] | None = None
    k: int = 10
    where: Mapping[str, Any] = field(default_factory=dict)
    explain: bool = False
    item_ids: Sequence[ItemId] | None = None
    diversity: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranked items and what they rest on: `profile`, `popularity`, or `consent` (personalisation was denied).

    Attributes:
        arranged: what moved items beside their scores: rules, variety, a low mood.
    """

    request_id: str
    release: str
    basis: str
    ranked: Ranked
    took_ms: float
    arranged: tuple[str, ...] = ()


def answer(pipeline: Pipeline, ask: Ask, *, now: datetime, tenant: str = "default") -> Answer:
    """Answer a request with what is known strictly before `now`."""
    started = time.perf_counter()
    if (ask.user_id is None) == (ask.session is None):
        raise DataError("give exactly one of user_id and session")
    session: list[Event] | None = None
    if ask.user_id is not None:
        if is_anonymous(ask.user_id):
            raise DataError(f"user_id {ask.user_id!r} begins with U+001F; give the shop's own id")
        state = pipeline.portraits.state(ask.user_id, before=now)
    else:
        session = session_events(ask.session or (), now=now, tenant=tenant)
        state = pipeline.portraits.state_of(session)
    page = pipeline.rank(
        state,
        now=now,
        k=ask.k,
        where=ask.where,
        item_ids=ask.item_ids,
        explain=ask.explain,
        diversity=ask.diversity,
        user_id=ask.user_id,
        events=session,
    )
    took = (time.perf_counter() - started) * 1000
    request_id = uuid.uuid4().hex
    return Answer(request_id, pipeline.release_id, page.basis, page.ranked, round(took, 3), page.arranged)


def session_events(session: Sequence[Mapping[str, Any]], *, now: datetime, tenant: str) -> list[Event]:
    """Check a session's payloads; only events before `now` count, and one without a time is taken as just before."""
    if session and now - EARLIEST < timedelta(seconds=len(session)):
        raise DataError(f"as_of {now.isoformat()} is the beginning of time; no session lies before it")
    events = []
    for index, payload in enumerate(session):
        if payload.get("user_id") is not None:
            raise DataError(f"session[{index}] names a user; a session has none: ask with user_id instead")
        moment = now - timedelta(seconds=len(session) - index)
        filled = {"anonymous_id": "session", "timestamp": moment.isoformat()}
        filled |= {key: value for key, value in payload.items() if value is not None}  # nulls count as absent
        try:
            events.append(check_event(filled, tenant=tenant))
        except DataError as error:
            raise DataError(f"session[{index}]: {error}") from error
    return sorted((event for event in events if event.timestamp < now), key=lambda event: event.timestamp)
