"""The shop's own queries, by hand: who counts, what is told, what follows the log and what is let go."""

import threading
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.apps.search.query_log import QueryLog, QueryLogConfig, one_spelling
from huaxiang.store import Store, open_store
from huaxiang.types import Event
from tests.apps.search.visits import at, event, people, search, visit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def read(store: Store, **config: float) -> QueryLog:
    log = QueryLog(store, config=QueryLogConfig.model_validate(config))
    log.refresh()
    return log


def texts(log: QueryLog) -> list[str]:
    return [asked.text for asked in log.known()]


@pytest.mark.parametrize(
    ("typed", "spelling"),
    [
        ("  Green\t Tea ", "green tea"),
        ("ＧＲＥＥＮ　茶", "green 茶"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁlter", "filter"),
        ("", ""),
        ("a" * 99 + " bc", "a" * 99),
    ],
)
def test_a_query_has_one_spelling(typed: str, spelling: str) -> None:
    assert one_spelling(typed) == spelling


@given(st.text(max_size=150))
def test_a_spelling_is_its_own_spelling_and_short(typed: str) -> None:
    once = one_spelling(typed)
    assert one_spelling(once) == once
    assert len(once) <= 100


def test_an_empty_log_knows_nothing(store: Store) -> None:
    log = read(store)
    assert (log.known(), log.appeal("tea"), log.without_results(), log.version) == ((), {}, [], 0)


def test_a_query_is_told_of_once_five_people_typed_it(store: Store) -> None:
    store.append([search(1, user, "Green  Tea") for user in people(4)])
    log = read(store)
    assert texts(log) == []
    store.append([search(2, "p003", "green tea"), search(3, "p004", "ＧＲＥＥＮ tea")])
    log.refresh()
    assert [(asked.text, asked.people) for asked in log.known()] == [("green tea", 5)]


def test_who_types_a_thousand_times_a_day_is_one_person_and_one_search(store: Store) -> None:
    store.append([search(1 + n / 1000, "bot") for n in range(1000)])
    store.append([search(1, user) for user in people(4)])
    asked = read(store).known()[0]
    assert asked.people == 5
    assert asked.weight == pytest.approx(5 * 2 ** (-22.5 / 24 / 30), rel=0.01)  # as of the end of the day


def test_a_search_counts_half_after_thirty_days(store: Store) -> None:
    store.append([search(0, user, "old") for user in people(6)] + [search(720, user, "new") for user in people(6)])
    old, new = sorted(read(store).known(), key=lambda asked: asked.weight)
    assert (old.text, new.text) == ("old", "new")
    assert old.weight / new.weight == pytest.approx(0.5)
    assert old.last_asked == at(0)


def test_a_device_and_its_user_are_one_person_also_when_the_link_comes_later(store: Store) -> None:
    store.append([search(1, user) for user in people(4)])
    store.append([search(2, None, device="phone"), search(3, "p000")])
    log = read(store)
    assert log.known()[0].people == 5
    store.append([event("identify", 4, "p000", device="phone")])
    log.refresh()
    assert texts(log) == []
    fresh = read(store)
    assert texts(fresh) == []


def test_a_link_that_was_undone_never_was(store: Store) -> None:
    store.append([search(1, user) for user in people(4)] + [search(2, None, device="phone")])
    store.append([event("identify", 3, "p000", device="phone", event_id="link")])
    log = read(store)
    assert texts(log) == []
    store.append([event("identify", 4, "p000", device="phone", properties={"undo": "link"})])
    log.refresh()
    assert log.known()[0].people == 5


def test_who_denies_training_is_taken_out_and_may_come_back(store: Store) -> None:
    for number, user in enumerate(people(5)):
        store.append(visit(number, user, clicked=["matcha"]))
    log = read(store)
    assert log.known()[0].people == 5
    store.append([event("consent", 9, "p002", properties={"scope": "training", "status": "denied"})])
    log.refresh()
    assert texts(log) == []
    store.append([event("consent", 10, "p002", properties={"scope": ["training"], "status": "granted"})])
    fresh = read(store)
    assert fresh.known()[0].people == 5


def test_a_word_on_a_device_holds_for_its_user(store: Store) -> None:
    store.append([search(1, user) for user in people(5)])
    store.append([event("consent", 2, None, device="phone", properties={"scope": "all", "status": "denied"})])
    assert read(store).known()[0].people == 5
    store.append([event("identify", 3, "p001", device="phone")])
    assert texts(read(store)) == []


def test_where_nothing_is_granted_by_default_those_who_granted_count(store: Store) -> None:
    store.append([event("consent", 0, user, properties={"scope": "all", "status": "granted"}) for user in people(5)])
    store.append([search(1, user) for user in people(7)])
    log = QueryLog(store, consent_default="denied")
    log.refresh()
    assert log.known()[0].people == 5


def test_what_is_done_while_analytics_is_denied_is_not_learned_from(store: Store) -> None:
    for number, user in enumerate(people(5)):
        store.append(visit(number, user, clicked=["matcha"]))
    before = read(store).appeal("green tea")
    store.append([event("consent", 5, "p004", properties={"scope": "analytics", "status": "denied"})])
    store.append([event("purchase", 6, "p004", item_id="matcha")])
    assert read(store).appeal("green tea") == pytest.approx(before)
    assert read(store).known()[0].people == 5
    store.append([event("purchase", 6, "p003", item_id="matcha")])
    assert read(store).appeal("green tea")["matcha"] > before["matcha"] + 0.01


def test_an_excluded_search_does_not_count(store: Store) -> None:
    store.append([search(1, user, event_id=f"e-{user}") for user in people(5)])
    log = read(store)
    assert log.known()[0].people == 5
    excludes = {"op": "exclude_event", "event_id": "e-p001"}
    store.append([event("profile_edit", 2, "p001", event_id="edit", properties=excludes)])
    log.refresh()
    assert texts(log) == []
    store.append([event("profile_edit", 3, "p001", properties={"op": "undo", "edit_id": "edit"})])
    log.refresh()
    assert log.known()[0].people == 5


def test_an_erased_person_is_gone_after_forget(store: Store) -> None:
    for number, user in enumerate(people(6)):
        store.append(visit(number, user, clicked=["matcha"]))
    log = read(store)
    before = log.version
    store.erase("p005")
    log.forget()
    assert (log.known(), log.appeal("green tea")) == ((), {})
    log.refresh()
    assert log.known()[0].people == 5
    assert log.version > before


def test_what_is_read_in_parts_is_what_is_read_at_once(store: Store) -> None:
    log = read(store)
    for number, user in enumerate(people(9)):
        query = ("green tea", "tea pot")[number % 2]
        store.append(visit(number, user, query=query, clicked=[("sencha", "matcha", "assam")[number % 3]]))
        log.refresh()
        store.append([event("add_to_cart", number + 0.1, user, item_id="assam")])
        log.refresh()
    whole = read(store)
    assert texts(log) == ["green tea"]
    for one, other in zip(log.known(), whole.known(), strict=True):
        assert (one.text, one.people, one.total, one.last_asked) == (
            other.text,
            other.people,
            other.total,
            other.last_asked,
        )
        assert one.weight == pytest.approx(other.weight)
        assert dict(one.items) == pytest.approx(dict(other.items))


def test_the_version_changes_with_what_is_told_and_with_nothing_else(store: Store) -> None:
    store.append([search(1, user) for user in people(5)])
    log = read(store)
    first = log.version
    store.append([event("view_item", 2, "p001", item_id="pot", session="another"), search(2, "p001", "rare")])
    log.refresh()
    assert log.version == first
    store.append([search(3, "p009")])
    log.refresh()
    assert log.version == first + 1


def test_queries_that_found_nothing_the_last_time(store: Store) -> None:
    store.append([search(1, user, "gaiwan", total=3) for user in people(5)])
    store.append([search(2, user, "tea whisk", total=0) for user in people(5)])
    log = read(store)
    assert [asked.text for asked in log.without_results()] == ["tea whisk"]
    store.append(
        [search(3, "p001", "tea whisk", total=1), search(4, "p001", "gaiwan", total=0), search(5, "p002", "gaiwan")]
    )
    log.refresh()
    assert [asked.text for asked in log.without_results()] == ["gaiwan"]


def test_a_higher_floor_can_be_asked_for_and_a_lower_one_cannot(store: Store) -> None:
    store.append([search(1, user) for user in people(6)] + [search(1, user, "pot") for user in people(4)])
    log = read(store)
    assert [asked.text for asked in log.known(6)] == ["green tea"]
    assert log.known(7) == ()
    assert [asked.text for asked in log.known(1)] == ["green tea"]


def test_the_rarest_queries_go_when_there_are_too_many(store: Store) -> None:
    store.append([search(1, user) for user in people(6)])
    store.append([search(2, "bob", f"query {number}") for number in range(40)])
    log = read(store, most_queries=8)
    assert texts(log) == ["green tea"]
    assert len(log._fold.counts._texts) <= 10


def test_cells_beyond_the_bound_go_with_the_rarest_queries(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.apps.search.counts._SMALL", 0)
    for number, user in enumerate(people(12)):
        query = "green tea" if number < 6 else f"rare {number}"
        store.append(visit(number, user, query=query, clicked=["matcha"]))
    log = read(store, most_cells=6)
    assert set(log.appeal("green tea")) == {"matcha"}
    assert len(log._fold.counts._cells) <= 6


def test_old_searches_are_let_go(store: Store) -> None:
    store.append([search(0, user) for user in people(5)] + [search(24 * 20, "bob", "pot")])
    assert texts(read(store)) == ["green tea"]
    assert texts(read(store, most_days=10)) == []


def test_only_what_came_before_a_moment_can_be_read(store: Store) -> None:
    store.append([search(1, user) for user in people(5)] + [search(9, "p009")])
    log = QueryLog(store, before=at(9))
    log.refresh()
    assert log.known()[0].people == 5


def test_a_clock_that_runs_ahead_outweighs_nobody(store: Store) -> None:
    store.append([search(24 * 365 * 900, "p000", "far")] + [search(1, user) for user in people(5)])
    log = read(store)
    assert log.known()[0].weight > 0.0


def test_a_reading_that_broke_is_begun_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, user in enumerate(people(5)):
        store.append(visit(number, user, clicked=["matcha"]))
    log = QueryLog(store)
    with monkeypatch.context() as broken:
        broken.setattr("huaxiang.apps.search.counts.Counts.settle", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log.refresh()
    log.refresh()
    assert log.known()[0].people == 5
    assert log.known()[0].clicks == pytest.approx(5.0, rel=0.02)


def test_readers_see_one_state_while_the_log_is_read_and_forgotten(store: Store) -> None:
    store.append([search(1, user) for user in people(5)])
    log = read(store)
    wrong: list[str] = []
    stop = threading.Event()

    def reads() -> None:
        while not stop.is_set():
            asked = log.known()
            if asked and (len(asked) != 1 or asked[0].people < 5):
                wrong.append(str(asked))
            time.sleep(0.001)

    readers = [threading.Thread(target=reads) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(8):
        store.append([search(2 + number, f"more-{number}")])
        if number % 3 == 2:
            log.forget()
        log.refresh()
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert log.known()[0].people == 13


def test_an_import_may_bring_older_events_later(store: Store) -> None:
    store.append([search(900, user) for user in people(5)])
    log = read(store)
    old: list[Event] = [one for number, user in enumerate(people(5)) for one in visit(number, user, clicked=["assam"])]
    store.append(old)
    log.refresh()
    assert set(log.appeal("green tea")) == {"assam"}
    assert log.known()[0].last_asked == at(900)


def test_ids_are_not_kept_as_they_are(store: Store) -> None:
    for number, user in enumerate(people(5)):
        store.append(visit(number, user, clicked=["assam"]))
    log = read(store)
    for frame in (log._fold.counts._asks, log._fold._trails.showings):
        assert not any(dtype == pl.String for dtype in frame.dtypes)
