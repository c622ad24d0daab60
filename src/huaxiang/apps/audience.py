"""Audiences: who matches a filter or is like given people, counted over the store as it is now.

Legend: N people.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np

from huaxiang.errors import BusyError, DataError
from huaxiang.pipeline import Pipeline
from huaxiang.pipeline.lookalike import (
    MOST_TAUGHT,
    Likeness,
    Read,
    Sample,
    by_classifier,
    by_vector,
    most_alike,
    read_people,
    vectors_of,
)
from huaxiang.profiles import Portraits
from huaxiang.profiles.audience_count import Compared, comparing, passing
from huaxiang.profiles.audience_filter import Condition, compile_audience_filter
from huaxiang.profiles.audiences import Exports, Floor, Size
from huaxiang.store import every_user
from huaxiang.types import UserId, check_id

Method = Literal["vector", "classifier"]
METHODS: Final[tuple[Method, ...]] = ("vector", "classifier")
Progress = Callable[[str, int, int, float], None]
"""Told of a stage, people read, people in all, and nothing (0)."""

_WAITING: Final = 4
_KEPT_SECONDS: Final = 60.0
_KEPT_ANSWERS: Final = 100


@dataclass(frozen=True, slots=True)
class Like:
    """Of whom the audience is to be like: people by their ids, or those a filter selects; exactly one of the two."""

    user_ids: Sequence[UserId] | None = None
    where: Mapping[str, Any] | None = None
    method: Method = "vector"


@dataclass(frozen=True, slots=True)
class Ask:
    """One audience.

    Attributes:
        where: filter of people, as in `profiles.audience_filter.compile_audience_filter`.
        like: the `k` most alike of those who pass the filter, examples left out; None: everybody who passes.
        export: name the members.
        seed: of the sample that a classifier is taught beside the examples.
    """

    where: Mapping[str, Any] = field(default_factory=dict)
    like: Like | None = None
    k: int = 1_000
    export: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """How many, and who.

    Attributes:
        excluded: known people of the whole store who denied advertising or personalisation; no filter is applied to
            them, which would be what they denied.
        members: with their likeness, None in an audience by filter alone; None where nobody is named.
        withheld: why nobody is named though that was asked for.
        release: whose encoder compared people; None in an audience by filter alone.
    """

    size: Size
    floor: int
    excluded: Size
    members: tuple[tuple[UserId, float | None], ...] | None
    withheld: str | None
    release: str | None
    took_ms: float


@dataclass(frozen=True, slots=True)
class _Found:
    members: list[tuple[UserId, float | None]]
    n_excluded: int
    release: str | None


class Audiences:
    """One shop's audiences, found one at a time. Safe to use from many threads.

    Args:
        pipeline: the one that answers now, asked for only where people are compared.
        stored_id: the id that a person is kept under.
    """

    def __init__(
        self,
        portraits: Portraits,
        pipeline: Callable[[], Pipeline],
        floor: Floor,
        stored_id: Callable[[UserId], UserId] = str,
    ) -> None:
        self._portraits, self._pipeline, self._floor, self._stored_id = portraits, pipeline, floor, stored_id
        self._exports = Exports()
        self._kept: dict[tuple[str, int], tuple[float, Answer]] = {}
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(_WAITING)

    def answer(self, ask: Ask, *, now: datetime, tell: Progress | None = None) -> Answer:
        """Find an audience among everybody in the store, as known strictly before `now`.

        A count is kept for a minute, while no event comes in; an export is always found anew.

        Raises:
            DataError: the question breaks a rule.
            BusyError: others are being found, and as many wait as may.
            ReleaseError: people are to be compared and there is no release.
        """
        started = time.perf_counter()
        question = _checked(ask, self._floor)
        if ask.like is not None and ask.like.user_ids is not None:
            named = tuple(map(self._stored_id, ask.like.user_ids))
            ask = replace(ask, like=replace(ask.like, user_ids=named))
        if not self._places.acquire(blocking=False):
            raise BusyError("another audience is being counted and others wait; ask again when it is done")
        try:
            with self._turn:
                said = self._said(ask, question, now, tell)
        finally:
            self._places.release()
        took = round((time.perf_counter() - started) * 1000, 3)
        return replace(said, took_ms=took)

    def forget(self) -> None:
        """Let go of kept answers, which name people; the exports that were admitted are still remembered."""
        self._kept.clear()

    def _said(self, ask: Ask, question: str, now: datetime, tell: Progress | None) -> Answer:
        key = (question, self._portraits.store.last_seq)
        at, kept = self._kept.get(key, (0.0, None))
        if kept is not None and not ask.export and time.monotonic() - at < _KEPT_SECONDS:
            return kept
        found = self._found(ask, now, tell)
        size, members, withheld = self._floor.size(len(found.members)), None, None
        if ask.export and size.count is not None:
            user_ids = [user_id for user_id, _ in found.members]
            if self._exports.admit(question, user_ids, self._floor, now=now):
                size, members = Size(count=len(user_ids)), tuple(found.members)
            else:
                withheld = (
                    f"fewer than {self._floor.least} people are in this audience and not in one exported within a day, "
                    "or the other way round; the two together would single them out"
                )
        elif ask.export:
            withheld = f"an audience of fewer than {self._floor.least} people is not exported"
        said = Answer(
            size, self._floor.least, self._floor.size(found.n_excluded), members, withheld, found.release, 0.0
        )
        if not ask.export:
            self._kept = dict(list(self._kept.items())[1 - _KEPT_ANSWERS :]) | {key: (time.monotonic(), said)}
        return said

    def _found(self, ask: Ask, now: datetime, tell: Progress | None) -> _Found:
        passes = compile_audience_filter(ask.where)
        scan = _Scan(self._portraits, now, tell)
        if ask.like is None:
            members: list[tuple[UserId, float | None]] = [(user_id, None) for user_id in scan.counted(passes)]
            return _Found(members, scan.n_excluded, None)
        pipeline = self._pipeline()
        named, likeness = _likeness(ask, pipeline, scan, self._floor)
        scan.n_excluded = 0
        scored = (
            (read.user_ids, likeness(read)) for read in _candidates(pipeline, scan, "comparing people", passes, named)
        )
        return _Found([*most_alike(scored, ask.k)], scan.n_excluded, pipeline.release_id)


class _Scan:
    """Reads people of the store, those who may be addressed, and counts the others."""

    def __init__(self, portraits: Portraits, now: datetime, tell: Progress | None) -> None:
        self.portraits, self.now, self._tell = portraits, now, tell
        self.n_excluded = 0
        self._n_users = sum(1 for _ in every_user(portraits.store)) if tell is not None else 0

    def counted(self, passes: Condition) -> Iterator[UserId]:
        """All users of the store who pass a filter, answered by residents where these can tell."""
        n_read = 0
        for part in passing(self.portraits, self._everybody(), passes, now=self.now):
            yield from part.user_ids
            self.n_excluded += part.n_excluded
            n_read += part.n_read
            self._say("reading people", n_read, self._n_users)

    def everyone(self, stage: str, passes: Condition, by: str) -> Iterator[Compared]:
        """All users of the store who pass a filter, to be compared."""
        return self.of(self._everybody(), stage, self._n_users, passes, by)

    def of(self, user_ids: Iterable[UserId], stage: str, n: int, passes: Condition, by: str) -> Iterator[Compared]:
        """Those of some users who pass a filter, to be compared by what a release says of them."""
        n_read = 0
        for block in comparing(self.portraits, user_ids, passes, now=self.now, by=by):
            yield block
            self.n_excluded += block.passed.n_excluded
            n_read += block.passed.n_read
            self._say(stage, n_read, n)

    def _everybody(self) -> Iterator[UserId]:
        return (user.user_id for user in every_user(self.portraits.store))

    def _say(self, stage: str, n_read: int, n: int) -> None:
        if self._tell is not None:
            self._tell(stage, n_read, max(n, n_read), 0.0)

    def teaching(self, block: Compared) -> list[UserId]:
        """Those of a block who did not deny training: nobody else may teach a classifier."""
        default = self.portraits.config.consent_default
        return [user for user, state in block.states.items() if state.consents.get("training", default) != "denied"]

    def read(self, pipeline: Pipeline, block: Compared, user_ids: Iterable[UserId]) -> Read:
        """These people of a block, as they are compared; vectors that had to be computed are kept beside residents."""
        chosen = list(user_ids)
        fresh = [user for user in chosen if user not in block.beside]
        found_ND = vectors_of(pipeline, fresh, [block.states[user] for user in fresh], now=self.now)
        vectors = dict(zip(fresh, found_ND, strict=True))
        for user, u_D in vectors.items():
            if user in block.stays:
                self.portraits.residents.attach(user, pipeline.release_id, u_D.tobytes(), block.mark)
        kept = {user: np.frombuffer(block.beside[user], np.float32) for user in chosen if user in block.beside}
        u_ND = np.array([kept[user] if user in kept else vectors[user] for user in chosen], np.float32)
        states = [block.states[user] for user in chosen]
        return read_people(pipeline, chosen, states, u_ND.reshape(len(chosen), pipeline.encoder.d), now=self.now)


def _likeness(ask: Ask, pipeline: Pipeline, scan: _Scan, floor: Floor) -> tuple[set[UserId], Likeness]:
    """The examples, who are no members, and how much a person is like them."""
    assert ask.like is not None
    examples = Sample(MOST_TAUGHT, pipeline.encoder.d, seed=ask.seed)
    named: set[UserId] = set(ask.like.user_ids or ())
    passes, by = compile_audience_filter(ask.like.where or {}), pipeline.release_id
    if ask.like.where is None:
        found = scan.of(sorted(named), "reading examples", len(named), passes, by)
    else:
        found = scan.everyone("reading examples", passes, by)
    for block in found:
        named.update(block.states)
        chosen = block.states if ask.like.method == "vector" else scan.teaching(block)
        examples.add(scan.read(pipeline, block, chosen))
    if examples.n < floor.least:
        raise DataError(
            f"like: fewer than {floor.least} of the examples are known by what they did and allow advertising and "
            "personalisation (for the method 'classifier' training too); an audience like few people is the profile of "
            "these few: give more of them"
        )
    if ask.like.method == "vector":
        return named, by_vector(examples)
    return named, by_classifier(examples, _others(ask, pipeline, scan, named))


def _others(ask: Ask, pipeline: Pipeline, scan: _Scan, named: set[UserId]) -> Sample:
    """An even sample of people who are no examples."""
    rng = np.random.default_rng(ask.seed)
    keyed = ((rng.random(), user.user_id) for user in every_user(scan.portraits.store))
    ids = sorted(user_id for user_id, _ in _least((pair for pair in keyed if pair[1] not in named), 2 * MOST_TAUGHT))
    others = Sample(MOST_TAUGHT, pipeline.encoder.d, seed=ask.seed)
    for block in scan.of(ids, "reading others", len(ids), compile_audience_filter({}), pipeline.release_id):
        others.add(scan.read(pipeline, block, scan.teaching(block)))
    if others.n == 0:
        raise DataError("like: there is nobody but the examples to tell them from; use the method 'vector'")
    return others


def _least(keyed: Iterable[tuple[float, UserId]], n: int) -> list[tuple[UserId, float]]:
    """The `n` with the least keys, without keeping the others."""
    return most_alike((([user_id], np.array([-key])) for key, user_id in keyed), n)


def _candidates(pipeline: Pipeline, scan: _Scan, stage: str, passes: Condition, named: set[UserId]) -> Iterator[Read]:
    for block in scan.everyone(stage, passes, pipeline.release_id):
        yield scan.read(pipeline, block, (user for user in block.states if user not in named))


def _checked(ask: Ask, floor: Floor) -> str:
    """A digest of the question, the same for the same one, once it breaks no rule."""
    compile_audience_filter(ask.where)
    said: dict[str, Any] = {"filter": ask.where}
    if ask.like is not None:
        like = ask.like
        if (like.user_ids is None) == (like.where is None):
            raise DataError("like: give exactly one of user_ids and filter")
        if like.method not in METHODS:
            raise DataError(f"like: unknown method {like.method!r}; known: {', '.join(METHODS)}")
        if ask.k < floor.least:
            raise DataError(f"k is {ask.k}; an audience has at least {floor.least} members (audiences.floor)")
        for user_id in like.user_ids or ():
            check_id("like.user_ids", user_id)
        compile_audience_filter(like.where or {})
        named = None if like.user_ids is None else sorted(set(like.user_ids))
        said |= {"user_ids": named, "like": like.where, "method": like.method, "k": ask.k, "seed": ask.seed}
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
