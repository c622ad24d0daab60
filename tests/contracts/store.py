"""What every store does, told as stories about a shop. An engine inherits `StoreContract` and gives a `url`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.errors import ConfigError, DataError, StoreError, UnknownNameError
from huaxiang.store import EVENT_SCHEMA, SCAN_SCHEMA, Store, Subjects, Traces, open_store
from huaxiang.types import Event, LineItem, Reading, anonymous_subject
from tests.contracts.store_people import PeopleContract
from tests.contracts.store_records import RecordsContract

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
_fresh = count()


def at(hour: float) -> datetime:
    """So many hours after midnight of the day of the story."""
    return NOON + timedelta(hours=hour - 12)


def view(user: str, hour: float, item: str, event_id: str = "") -> Event:
    """A user looks at an item."""
    return Event("view_item", at(hour), user_id=user, item_id=item, event_id=event_id)


def items_of(events: list[Event]) -> list[str | None]:
    """What the events are about, in their order."""
    return [event.item_id for event in events]


def rows_of_scan(store: Store, after_seq: int = 0, **asked: object) -> list[dict[str, object]]:
    """The whole scan as dictionaries."""
    return [row for batch in store.scan(after_seq, **asked) for row in batch.to_pylist()]  # type: ignore[arg-type]


EVERYTHING = Event(
    "review",
    datetime(1969, 7, 20, 20, 17, 40, 123_457, tzinfo=UTC),
    user_id="安/🛒 ..%2F",
    item_id="茶/壶",
    event_id="e-1",
    anonymous_id="browser 7",
    session_id="s",
    value=-1.25,
    currency="CNY",
    quantity=2.0,
    rating=4.5,
    text="好用 😀\n'; DROP TABLE events; --",
    query="pot",
    query_id="q",
    request_id="r",
    position=3,
    items=(LineItem("茶/壶", price=9.5, quantity=1.0, index=0, properties={"size": "M"}), LineItem("cup")),
    experiment="blue",
    properties={"nested": {"a": [1, 2.5, None, True]}, "b\\u0000": "\\u0000"},
    reading=Reading("r1", "zh", 0.5, 0.25, {"quality": 1.0}, ("好用", "pot")),
)
"""An event with each field filled."""


class StoreContract(RecordsContract, PeopleContract):
    """The log; the records are in `RecordsContract`. Implementers override `url` with one of a fresh, empty place."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("an engine's tests say where its stores are")

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        opened = open_store(url)
        yield opened
        opened.close()

    def test_history_never_shows_the_future(self, store: Store) -> None:
        store.append([view("ann", hour, f"p{hour}") for hour in (3, 1, 2)])
        assert items_of(store.history("ann", before=at(3), limit=9)) == ["p1", "p2"]

    def test_history_is_the_latest_oldest_first(self, store: Store) -> None:
        store.append([view("ann", hour, f"p{hour}") for hour in (3, 1, 2, 4)])
        assert items_of(store.history("ann", before=at(9), limit=2)) == ["p3", "p4"]
        assert store.history("ann", before=at(9), limit=0) == []

    def test_events_of_one_moment_stand_in_the_order_they_came(self, store: Store) -> None:
        store.append([view("ann", 1, "first"), view("ann", 1, "second")])
        store.append([view("ann", 1, "third")])
        assert items_of(store.history("ann", before=at(2), limit=9)) == ["first", "second", "third"]
        assert items_of(store.history("ann", before=at(2), limit=2)) == ["second", "third"]

    def test_history_of_some_events_looks_past_the_others(self, store: Store) -> None:
        bought = Event("purchase", at(1), user_id="ann", item_id="tea")
        store.append([bought, *(view("ann", 2, f"p{n}") for n in range(20))])
        assert items_of(store.history("ann", before=at(9), limit=2, events=frozenset({"purchase"}))) == ["tea"]
        assert store.history("ann", before=at(9), limit=2, events=frozenset()) == []

    def test_history_refuses_a_naive_time(self, store: Store) -> None:
        with pytest.raises(DataError, match="time zone"):
            store.history("ann", before=datetime(2026, 1, 1), limit=1)

    def test_one_shopper_never_sees_another(self, store: Store) -> None:
        store.append([view("ann", 1, "tea"), view("ann2", 1, "tyre"), view("Ann", 1, "pen")])
        assert items_of(store.history("ann", before=at(2), limit=9)) == ["tea"]

    def test_every_field_comes_back(self, store: Store) -> None:
        seq = store.append([EVERYTHING]).seqs[0]
        (back,) = store.history("安/🛒 ..%2F", before=NOON, limit=9)
        for name in Event.__slots__:
            if name not in ("seq", "received_at"):
                assert getattr(back, name) == getattr(EVERYTHING, name), name
        assert back.seq == seq
        assert back.received_at is not None

    def test_a_trace_says_what_a_fold_reads_of_its_event(self, store: Store) -> None:
        kinds = ("purchase", "refund", "search", "view_item", "identify", "consent", "profile_edit", "set_user")
        told = [
            Event(
                kind,
                at(n),
                user_id="ann",
                anonymous_id="d",
                value=9.1 + 0.2,
                currency="EUR",
                rating=4.5,
                query="pot",
                properties={"a": [1, None]},
            )
            for n, kind in enumerate(kinds)
        ]
        look = Event("view_item", at(9), anonymous_id="d", item_id="tea")
        store.append([EVERYTHING, *told, look, view("ann", 3, "pot")])
        for who in ("安/🛒 ..%2F", "ann", anonymous_subject("d")):
            events = store.history(who, before=at(12), limit=20)
            traces = store.traces(who, before=at(12), limit=20)
            assert len(events) == len(traces) > 0
            for event, trace in zip(events, traces, strict=True):
                for name in ("seq", "micros", "event_id", "event", "session_id", "item_ids", "items", "reading"):
                    assert getattr(trace, name) == getattr(event, name), name
                assert trace.value == (None if event.event == "review" else event.value)
                assert trace.rating == (event.rating if event.event == "review" else None)
                assert trace.currency == (event.currency if event.event in ("purchase", "refund") else None)
                assert trace.query == (event.query if event.event == "search" else None)
                assert trace.properties == (event.properties if event.event in kinds[4:] else {})
            for made, trace in zip(Traces.of_events(events), traces, strict=True):
                assert made[:6] == trace[:6]
                assert (made.properties, made[7:]) == (trace.properties, trace[7:])
        asked = frozenset({"view_item"})
        assert [trace.item_ids for trace in store.traces("ann", before=at(9), limit=9, events=asked)] == [(), ("pot",)]
        assert len(store.traces("ann", before=at(9), limit=0)) == 0
        with pytest.raises(DataError, match="time zone"):
            store.traces("ann", before=datetime(2026, 1, 1), limit=1)

    @pytest.mark.parametrize("year", [1, 1900, 9999])
    def test_times_keep_their_microseconds_in_all_years(self, store: Store, year: int) -> None:
        moment = datetime(year, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        store.append([Event("view_item", moment, user_id="ann"), Event("like", NOON, user_id="ann")])
        times = {event.timestamp for event in store.history("ann", before=datetime.max.replace(tzinfo=UTC), limit=9)}
        assert NOON in times
        assert moment in times or year == 9999  # `before` is exclusive, and there is nothing after the last moment
        assert rows_of_scan(store, columns=["timestamp"])[0] == {"timestamp": moment}

    def test_an_event_sent_again_is_counted_and_not_kept(self, store: Store) -> None:
        first = store.append([view("ann", 1, "tea", "a"), view("ann", 2, "pot", "b")])
        again = store.append([view("ann", 2, "pot", "b"), view("ann", 3, "cup", "c"), view("bob", 4, "hat", "a")])
        assert (first.accepted, first.duplicates) == (2, 0)
        assert (again.accepted, again.duplicates) == (1, 2)
        assert [seq is None for seq in again.seqs] == [True, False, True]
        assert again.last_seq == again.seqs[1] == store.last_seq
        assert items_of(store.history("ann", before=at(9), limit=9)) == ["tea", "pot", "cup"]

    def test_the_first_of_two_in_one_batch_is_kept(self, store: Store) -> None:
        said = store.append([view("ann", 1, "tea", "a"), view("ann", 2, "pot", "a")])
        assert (said.accepted, said.seqs[1]) == (1, None)
        assert items_of(store.history("ann", before=at(9), limit=9)) == ["tea"]

    def test_only_duplicates_leave_the_log_as_it_was(self, store: Store) -> None:
        before = store.append([view("ann", 1, "tea")]).last_seq
        assert store.append([view("ann", 1, "tea")]).last_seq == before == store.last_seq
        assert store.append([]).last_seq == before

    @pytest.mark.parametrize("bad", ["\ud800", "a\x00b"])
    def test_a_batch_with_one_bad_text_leaves_nothing(self, store: Store, bad: str) -> None:
        with pytest.raises(DataError, match="text"):
            store.append([view("ann", 1, "tea"), Event("review", NOON, user_id="ann", text=bad)])
        with pytest.raises(DataError, match="properties"):
            store.append([view("ann", 1, "tea"), Event("review", NOON, user_id="ann", properties={"a": bad})])
        assert (store.last_seq, store.history("ann", before=at(24), limit=9)) == (0, [])

    def test_a_number_that_no_column_holds_is_named(self, store: Store) -> None:
        with pytest.raises(DataError, match="position is 1180591620717411303424"):
            store.append([view("ann", 1, "tea"), Event("like", NOON, user_id="ann", position=2**70)])
        assert store.last_seq == 0

    def test_numbers_rise_and_received_at_never_falls(self, url: str) -> None:
        told = iter([at(10), at(9), at(11)])
        store = open_store(url, clock=lambda: next(told))
        seqs = [store.append([view("ann", 1, item), view("ann", 1, item + "s")]).seqs for item in ("tea", "pot", "cup")]
        events = store.history("ann", before=at(9), limit=9)
        assert [seq for pair in seqs for seq in pair] == [event.seq for event in events]
        assert [event.received_at for event in events] == [at(10), at(10), at(10), at(10), at(11), at(11)]
        store.close()

    def test_two_shops_share_nothing(self, url: str) -> None:
        tea, tyres, default = (open_store(url, tenant=name) for name in ("tea", "tyres_2", "default"))
        tea.append([view("ann", 1, "pot", "a")])
        assert tyres.append([view("ann", 1, "tyre", "a")]).accepted == 1
        assert items_of(tea.history("ann", before=at(2), limit=9)) == ["pot"]
        assert default.last_seq == 0
        for store in (tea, tyres, default):
            store.close()

    @pytest.mark.parametrize("tenant", ["", "A", "a-b", "../x", "a" * 41])
    def test_a_shop_has_a_plain_name(self, url: str, tenant: str) -> None:
        with pytest.raises(ConfigError, match="tenant"):
            open_store(url, tenant=tenant)

    def test_an_unknown_option_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigError, match="colour"):
            open_store(url, colour="blue")

    def test_a_device_knows_who_claimed_it(self, store: Store) -> None:
        device = anonymous_subject("browser 7")
        store.append(
            [
                Event("view_item", at(1), anonymous_id="browser 7", item_id="tea"),
                Event("identify", at(2), user_id="ann", anonymous_id="browser 7"),
                Event("view_item", at(3), user_id="ann", anonymous_id="browser 7", item_id="pot"),
            ]
        )
        assert [event.event for event in store.history(device, before=at(9), limit=9)] == ["view_item", "identify"]
        assert [event.event for event in store.history("ann", before=at(9), limit=9)] == ["identify", "view_item"]
        assert [event.event for event in store.history(device, before=at(9), limit=1)] == ["identify"]
        asked = frozenset({"view_item"})
        assert items_of(store.history(device, before=at(9), limit=9, events=asked)) == ["tea"]

    def test_users_are_paged_in_order_without_devices_and_catalogue(self, store: Store) -> None:
        store.append([view(user, hour, "p") for hour, user in enumerate(("安", "b", "a/b", "B", "b"))])
        store.append([Event("set_item", NOON, item_id="p"), Event("view_item", NOON, anonymous_id="browser 7")])
        assert store.users(limit=2) == [Subjects("B", at(3), 1), Subjects("a/b", at(2), 1)]
        assert store.users(after="a/b", limit=9) == [Subjects("b", at(4), 2), Subjects("安", at(0), 1)]
        assert store.users(after="安") == []

    def test_erasing_ann_leaves_bob_and_no_number_is_used_again(self, store: Store) -> None:
        store.append([view("bob", 1, "tyre"), view("ann", 2, "tea"), view("ann", 3, "pot")])
        last = store.last_seq
        assert store.erase("ann").events == 2
        assert store.history("ann", before=at(9), limit=9) == []
        assert items_of(store.history("bob", before=at(9), limit=9)) == ["tyre"]
        assert store.append([view("cid", 4, "hat")]).last_seq > last

    def test_an_erased_link_is_gone_from_both_histories(self, store: Store) -> None:
        device = anonymous_subject("d")
        link = Event("identify", at(2), user_id="ann", anonymous_id="d")
        store.append([Event("view_item", at(1), anonymous_id="d", item_id="tea"), link, view("ann", 3, "pot")])
        assert store.erase(device).events == 2
        assert items_of(store.history("ann", before=at(9), limit=9)) == ["pot"]

    def test_scan_goes_on_where_it_stood(self, store: Store) -> None:
        stood = store.append([view("ann", 5, "tea"), view("bob", 1, "tyre")]).last_seq
        store.append([view("ann", 2, "pot")])
        assert [row["item_id"] for row in rows_of_scan(store)] == ["tea", "tyre", "pot"]
        assert [row["item_id"] for row in rows_of_scan(store, stood)] == ["pot"]
        assert [row["item_id"] for row in rows_of_scan(store, before=at(2))] == ["tyre"]
        assert rows_of_scan(store, events=frozenset({"purchase"})) == []
        assert rows_of_scan(store, store.last_seq) == []

    def test_scan_finds_the_catalogue_among_the_rest(self, store: Store) -> None:
        store.append([Event("set_item", NOON, item_id="tea"), view("ann", 1, "tea"), view("ann", 2, "pot")])
        stood = store.append([Event("set_item", NOON, item_id="pot")]).last_seq
        store.append([Event("delete_item", NOON, item_id="tea")])
        both, gone = frozenset({"set_item", "delete_item"}), frozenset({"delete_item"})
        assert [row["item_id"] for row in rows_of_scan(store, events=both)] == ["tea", "pot", "tea"]
        assert [row["item_id"] for row in rows_of_scan(store, stood, events=both)] == ["tea"]
        assert [row["event"] for row in rows_of_scan(store, events=gone)] == ["delete_item"]

    def test_scan_says_all_there_is(self, store: Store) -> None:
        store.append([EVERYTHING, Event("view_item", NOON, anonymous_id="d"), Event("set_item", NOON, item_id="p")])
        batches = list(store.scan())
        assert all(batch.schema == SCAN_SCHEMA for batch in batches)
        said, device, catalogue = (row for batch in batches for row in batch.to_pylist())
        assert (said["user_id"], said["subject"], said["timestamp"]) == (
            EVERYTHING.user_id,
            EVERYTHING.user_id,
            EVERYTHING.timestamp,
        )
        assert said["items"].startswith('[{"item_id":"茶/壶","price":9.5')
        assert (device["user_id"], device["subject"], device["items"]) == (None, anonymous_subject("d"), None)
        assert (catalogue["user_id"], catalogue["subject"]) == (None, "")

    def test_scan_of_some_columns_in_the_order_asked(self, store: Store) -> None:
        store.append([view("ann", 1, "tea")])
        assert [list(row.items()) for row in rows_of_scan(store, columns=["item_id", "user_id"])] == [
            [("item_id", "tea"), ("user_id", "ann")]
        ]
        with pytest.raises(UnknownNameError, match="colour"):
            store.scan(columns=["colour"])

    def test_a_scan_ends_where_the_log_ended_when_it_began(self, store: Store) -> None:
        store.append([view("ann", 1, "tea")])
        scan = store.scan(columns=["item_id"])
        first = next(scan)
        store.append([view("ann", 2, "pot")])
        assert first.num_rows == 1
        assert list(scan) == []

    def test_a_table_is_kept_as_its_events_would_be(self, url: str) -> None:
        one, two = (open_store(url, tenant=name, clock=lambda: NOON) for name in ("one", "two"))
        events = [EVERYTHING, Event("view_item", at(1), anonymous_id="d", event_id="x"), view("ann", 1, "tea", "e-1")]
        one.append(events)
        scanned = pa.Table.from_batches(list(one.scan())).drop_columns(["seq", "received_at"])
        said = two.append(pa.concat_tables([scanned, scanned.slice(0, 1)]))
        assert (list(said.seqs), said.duplicates) == ([1, 2, None], 1)
        assert pa.Table.from_batches(list(two.scan())) == pa.Table.from_batches(list(one.scan()))
        for store in (one, two):
            store.close()

    def test_a_table_may_leave_columns_out(self, store: Store) -> None:
        n = 70_000  # more than one inner batch
        schema = pa.schema([EVENT_SCHEMA.field(name) for name in ("event_id", "event", "timestamp", "user_id")])
        table = pa.table([[f"e{i}" for i in range(n)], ["like"] * n, [NOON] * n, ["ann"] * n], schema)
        said = store.append(table)
        assert (said.seqs, said.accepted, store.last_seq) == (range(1, n + 1), n, n)
        assert sum(batch.num_rows for batch in store.scan(columns=["seq"])) == n
        assert store.append(table.slice(n - 3)).duplicates == 3

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("event", ["like", "dance"]),
            ("value", [1.0, float("nan")]),
            ("text", ["a", "\x00"]),
            ("colour", ["a", "b"]),
            ("event_id", ["a", None]),
            ("properties", ["{}", '{"a":"\\u0000"}']),
            ("subject", ["ann", "bob"]),
            ("timestamp", [datetime(2026, 1, 1), datetime(2026, 1, 2)]),
            ("position", ["first", "second"]),
        ],
    )
    def test_a_table_with_one_bad_value_leaves_nothing(self, store: Store, column: str, values: list[object]) -> None:
        good = {"event_id": ["a", "b"], "event": ["like"] * 2, "timestamp": [NOON] * 2, "user_id": ["ann"] * 2}
        with pytest.raises(DataError, match=column if column != "event" else "dance"):
            store.append(pa.table({**good, column: values}))
        assert store.last_seq == 0

    def test_a_closed_store_says_so(self, url: str) -> None:
        store = open_store(url)
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.append([view("ann", 1, "tea")])

    # One log serves all draws, each under names of its own, and each engine runs the same property.
    @settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
    @given(
        batches=st.lists(
            st.lists(
                st.tuples(
                    st.sampled_from("abc"),
                    st.integers(0, 4),
                    st.sampled_from(["like", "purchase", "identify"]),
                    st.integers(0, 9),
                ),
                max_size=6,
            ),
            max_size=4,
        ),
        before=st.integers(0, 5),
        limit=st.integers(0, 5),
    )
    def test_history_is_what_a_plain_list_says(
        self, store: Store, batches: list[list[tuple[str, int, str, int]]], before: int, limit: int
    ) -> None:
        draw = f"{next(_fresh)}-"
        model: dict[str, Event] = {}
        for batch in batches:
            events = [
                Event(
                    event, at(hour), user_id=draw + who, anonymous_id=f"{draw}{number % 2}", event_id=f"{draw}{number}"
                )
                for who, hour, event, number in batch
            ]
            said = store.append(events)
            for event, seq in zip(events, said.seqs, strict=True):
                assert (seq is None) == (event.event_id in model)
                model.setdefault(event.event_id, event)
        kept = sorted(model.values(), key=lambda event: event.timestamp)  # stable: ties in the order they came
        for who in "abc":
            own = [e.event_id for e in kept if e.user_id == draw + who and e.timestamp < at(before)]
            said_ids = [e.event_id for e in store.history(draw + who, before=at(before), limit=limit)]
            assert said_ids == own[max(len(own) - limit, 0) :]
            traced = store.traces(draw + who, before=at(before), limit=limit)
            assert list(traced.ids) == said_ids
        claims = [e.event_id for e in kept if e.event == "identify" and e.anonymous_id == draw + "0"]
        device = store.history(anonymous_subject(draw + "0"), before=at(9), limit=99)
        assert [e.event_id for e in device] == claims
