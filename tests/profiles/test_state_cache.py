"""States in memory: what is kept is always what a fresh reading gives, and only whom an event is about is dropped."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.profiles import Portraits
from huaxiang.profiles import state_cache as cache
from huaxiang.store import Store, open_store
from huaxiang.types import Event
from tests.profiles.shops import at, event, portraits

USERS, DEVICES = ("ann", "bob"), ("phone", "tablet")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.sampled_from((*USERS, None)), st.sampled_from(DEVICES), st.integers(0, 9)),
        st.tuples(st.just("link"), st.sampled_from(USERS), st.sampled_from(DEVICES), st.integers(0, 9)),
        st.tuples(st.just("undo"), st.sampled_from(USERS), st.sampled_from(DEVICES), st.integers(0, 30)),
        st.tuples(st.just("read"), st.sampled_from(USERS), st.just(""), st.integers(0, 12)),
    ),
    max_size=30,
)


def made(n: int, step: tuple[str, str | None, str, int]) -> Event:
    kind, user, device, hour = step
    if kind == "look":
        named = device if user is None or hour % 2 else None
        return event("view_item", hour, user=user, item="sencha", anonymous_id=named, event_id=f"e{n}")
    properties = {"undo": f"e{hour}"} if kind == "undo" else {}
    moment = n % 10 if kind == "undo" else hour
    return event("identify", moment, user=user, anonymous_id=device, event_id=f"e{n}", properties=properties)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_is_kept_is_what_a_fresh_reading_gives(
    steps: list[tuple[str, str | None, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('states')}/shop.db")
    keeping = portraits(store)
    for n, step in enumerate(steps):
        if step[0] != "read":
            store.append([made(n, step)])
            continue
        user, before = str(step[1]), at(step[3])
        assert keeping.state(user, before=before) == portraits(store).state(user, before=before)
    store.close()


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('states')}/shop.db")


def reads(people: Portraits, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom `people` reads from now on."""
    found: list[str] = []
    plain = people._read

    def noting(user: str, *given: object) -> object:
        found.append(user)
        return plain(user, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(people, "_read", noting)
    return found


def test_an_event_drops_its_person_and_nobody_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append([event("view_item", 1, user=user, item="sencha") for user in USERS])
    people = portraits(store)
    for user in USERS:
        people.state(user, before=at(5))
    read = reads(people, monkeypatch)
    store.append([event("view_item", 2, user="bob", item="pot")])
    for user in (*USERS, *USERS):
        people.state(user, before=at(6))
    assert read == ["bob"]


def test_an_import_too_large_to_look_through_drops_everybody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_SCANNED", 3)
    store.append([event("view_item", 1, user="ann", item="sencha")])
    people = portraits(store)
    people.state("ann", before=at(5))
    read = reads(people, monkeypatch)
    store.append([event("view_item", 2, user=f"user {n}", item="pot") for n in range(4)])
    people.state("ann", before=at(6))
    assert read == ["ann"]
    assert people.n_state_bytes > 0


def test_states_stay_within_their_bytes_and_the_least_used_go_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"user {n}" for n in range(20)]
    store.append([event("view_item", 1, user=name, item="sencha") for name in names])
    people = portraits(store)
    people.state(names[0], before=at(5))
    one = people.n_state_bytes
    people._states._most_bytes = 5.5 * one
    for name in names[1:]:
        people.state(names[0], before=at(5))
        people.state(name, before=at(5))
    assert people.n_state_bytes <= 5.5 * one
    read = reads(people, monkeypatch)
    for name in (names[0], names[-1], names[1]):
        people.state(name, before=at(5) + timedelta(hours=1))
    assert read == [names[1]]
