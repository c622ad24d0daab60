"""The log as retrievers learn from it, by hand."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.retrieval.log import TrainingLog, read_log, to_interactions
from huaxiang.store import Store, open_store
from huaxiang.types import Event, LineItem, anonymous_subject
from tests.profiles.shops import at, edit, event, portraits


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/shop.db")


def anonymous(hour: float, item: str, device: str = "phone") -> Event:
    return event("view_item", hour, user=None, item=item, anonymous_id=device)


def link(hour: float, user: str, device: str = "phone", **properties: str) -> Event:
    return event("identify", hour, user, anonymous_id=device, event_id=f"{user}-{hour}", properties=properties)


def word(
    hour: float, status: str, user: str | None = "ann", scope: str = "training", device: str | None = None
) -> Event:
    return event("consent", hour, user, anonymous_id=device, properties={"scope": scope, "status": status})


def basket(name: str, hour: float, *items: str, event_id: str = "") -> Event:
    return event(name, hour, items=tuple(LineItem(item) for item in items), event_id=event_id)


def pairs(log: TrainingLog) -> set[tuple[str, str]]:
    return set(log.interactions.select("person", "item_id").iter_rows())


def items(log: TrainingLog) -> list[str]:
    return log.interactions["item_id"].to_list()


def test_an_empty_log_gives_empty_frames(store: Store) -> None:
    log = read_log(store)
    assert (len(log.interactions), len(log.searches)) == (0, 0)
    assert to_interactions(log.interactions, ["tea"]).n_users == 0


def test_a_purchase_weighs_six_looks_and_a_review_two(store: Store) -> None:
    store.append([event(name, 1, item=name) for name in ("view_item", "purchase", "review", "select_item", "share")])
    weights = dict(read_log(store).interactions.select("item_id", "weight").iter_rows())
    assert weights == {"view_item": 1.0, "purchase": 6.0, "review": 2.0, "select_item": 0.5, "share": 2.0}


@pytest.mark.parametrize("name", ["dislike", "remove_from_cart", "view_item_list", "view_cart"])
def test_what_shows_no_interest_teaches_nothing(store: Store, name: str) -> None:
    store.append([event(name, 1, item="tea")])
    assert items(read_log(store)) == []


def test_a_basket_of_four_gives_each_half_of_the_weight(store: Store) -> None:
    store.append([basket("purchase", 1, "tea", "pot", "cup", "jar")])
    found = read_log(store).interactions
    assert sorted(found["item_id"]) == ["cup", "jar", "pot", "tea"]
    assert found["weight"].to_list() == [3.0] * 4  # 6 / sqrt(4)


def test_an_item_named_at_the_top_and_in_a_line_counts_once(store: Store) -> None:
    store.append([event("purchase", 1, item="tea", items=(LineItem("tea"),))])
    assert read_log(store).interactions.select("item_id", "weight").rows() == [("tea", 6.0)]


def test_rows_come_in_time_order_whatever_the_order_of_arrival(store: Store) -> None:
    store.append([event("view_item", hour, item=f"i{hour}") for hour in (3, 1, 2)])
    assert items(read_log(store)) == ["i1", "i2", "i3"]


def test_searches_stand_apart(store: Store) -> None:
    store.append([event("search", 1, query="green tea"), event("view_item", 2, item="tea")])
    log = read_log(store)
    assert log.searches.select("person", "query").rows() == [("ann", "green tea")]
    assert items(log) == ["tea"]


def test_a_device_that_one_user_claimed_is_that_user(store: Store) -> None:
    store.append([anonymous(1, "tea"), link(2, "ann"), anonymous(3, "pot")])
    assert pairs(read_log(store)) == {("ann", "tea"), ("ann", "pot")}


def test_an_unclaimed_device_is_its_own_person(store: Store) -> None:
    store.append([anonymous(1, "tea", "kiosk"), link(2, "ann")])
    assert pairs(read_log(store)) == {(anonymous_subject("kiosk"), "tea")}


def test_a_shared_device_is_its_first_users_until_the_first_claim(store: Store) -> None:
    store.append([anonymous(1, "tea"), link(2, "ann"), anonymous(3, "pot"), link(4, "bob"), anonymous(5, "cup")])
    device = anonymous_subject("phone")
    assert pairs(read_log(store)) == {("ann", "tea"), (device, "pot"), (device, "cup")}


def test_a_link_that_was_undone_never_was(store: Store) -> None:
    store.append([anonymous(1, "tea"), link(2, "bob"), link(3, "bob", undo="bob-2"), link(4, "ann")])
    assert pairs(read_log(store)) == {("ann", "tea")}


def test_training_and_profiles_agree_on_whose_an_event_is_at_the_very_moment_of_a_claim(store: Store) -> None:
    store.append([link(2, "ann"), anonymous(2, "tea"), link(4, "bob")])  # the look came in after the claim
    by_profile = set(portraits(store).state("ann", before=at(9)).items)
    by_log = {item for person, item in pairs(read_log(store)) if person == "ann"}
    assert by_log == by_profile == set()


def test_who_denied_training_is_not_in_it(store: Store) -> None:
    store.append([event("view_item", 1, item="tea"), event("view_item", 1, "bob", "pot"), word(2, "denied")])
    store.append([event("search", 1, query="tea"), event("search", 1, "bob", query="pot")])
    log = read_log(store)
    assert pairs(log) == {("bob", "pot")}
    assert log.searches["person"].to_list() == ["bob"]


def test_the_last_word_counts_by_its_time(store: Store) -> None:
    store.append([event("view_item", 1, item="tea"), word(3, "granted"), word(2, "denied")])
    assert items(read_log(store)) == ["tea"]


@pytest.mark.parametrize(("scope", "left"), [("all", []), ("training", []), ("advertising", ["tea"])])
def test_only_training_and_all_speak_of_training(store: Store, scope: str, left: list[str]) -> None:
    store.append([event("view_item", 1, item="tea"), word(2, "denied", scope=scope)])
    assert items(read_log(store)) == left


def test_where_silence_means_no_only_those_who_granted_are_learned_from(store: Store) -> None:
    store.append([event("view_item", 1, item="tea"), event("view_item", 1, "bob", "pot"), word(2, "granted", "bob")])
    assert pairs(read_log(store, consent_default="denied")) == {("bob", "pot")}


def test_a_denial_on_the_phone_holds_for_its_owner(store: Store) -> None:
    store.append([word(1, "denied", user=None, device="phone"), anonymous(2, "tea"), link(3, "ann")])
    store.append([event("view_item", 4, item="pot")])
    assert portraits(store).profile("ann", now=at(9)).consents["training"] == "denied"
    assert items(read_log(store)) == []


def test_a_denial_of_the_owner_holds_for_the_phone(store: Store) -> None:
    store.append([anonymous(1, "tea"), link(2, "ann"), word(3, "denied")])
    assert items(read_log(store)) == []


def test_an_event_that_its_person_excluded_is_gone(store: Store) -> None:
    store.append([event("view_item", 1, item="gift", event_id="g"), event("view_item", 1, item="tea")])
    store.append([edit(2, "exclude_event", event_id="g")])
    assert items(read_log(store, portraits=portraits(store))) == ["tea"]


def test_an_exclusion_that_was_undone_leaves_the_event(store: Store) -> None:
    store.append([event("view_item", 1, item="gift", event_id="g"), edit(2, "exclude_event", event_id="g")])
    store.append([edit(3, "undo", edit_id="exclude_event-2")])
    assert items(read_log(store, portraits=portraits(store))) == ["gift"]


def test_a_refunded_line_is_gone_and_the_rest_of_the_order_stays(store: Store) -> None:
    store.append([basket("purchase", 1, "tea", "pot", event_id="order"), event("refund", 2, item="pot")])
    assert items(read_log(store, portraits=portraits(store))) == ["tea"]


def test_an_item_met_often_in_a_day_stands_once_at_its_heaviest(store: Store) -> None:
    store.append(
        [event("view_item", 1, item="tea"), event("purchase", 2, item="tea"), event("view_item", 3, item="tea")]
    )
    found = to_interactions(read_log(store).interactions, ["tea"])
    assert (found.items_E.tolist(), found.weights_E.tolist()) == ([0], [6.0])
    assert found.days_E[0] % 1.0 == pytest.approx(1 / 24)  # the first of the day


def test_the_next_day_it_stands_again(store: Store) -> None:
    store.append([event("view_item", 1, item="tea"), event("view_item", 25, item="tea")])
    assert len(to_interactions(read_log(store).interactions, ["tea"]).items_E) == 2


def test_items_that_the_shop_does_not_sell_are_left_out(store: Store) -> None:
    store.append([event("view_item", 1, item="tea"), event("view_item", 2, item="ghost")])
    found = to_interactions(read_log(store).interactions, ["pot", "tea"])
    assert (found.items_E.tolist(), found.item_ids) == ([1], ("pot", "tea"))


def test_of_a_crawler_the_latest_500_are_read() -> None:
    day = 86_400_000_000
    rows = pl.DataFrame(
        {"person": ["bot"] * 503, "item_id": ["tea"] * 503, "at": [n * day for n in range(503)], "weight": [1.0] * 503}
    )
    found = to_interactions(rows, ["tea"])
    assert (len(found.items_E), found.days_E[0], found.days_E[-1]) == (500, 3.0, 502.0)


def test_people_own_their_slices(store: Store) -> None:
    store.append([event("view_item", 2, "bob", "pot"), event("view_item", 1, "ann", "tea")])
    store.append([event("view_item", 3, "ann", "pot")])
    found = to_interactions(read_log(store).interactions, ["pot", "tea"])
    assert (found.indptr_N1.tolist(), found.items_E.tolist()) == ([0, 2, 3], [1, 0, 0])  # ann: tea, pot; bob: pot


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["look", "link", "undo", "deny", "grant"]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["phone", "tablet"]),
        st.integers(0, 4),
        st.integers(0, 9),
    ),
    max_size=12,
)


def step(n: int, kind: str, user: str, device: str, hour: int, target: int) -> Event:
    """The n-th step, its id its number; an undo may name any other, a look or a word may be the device's."""
    own = target % 2 == 0
    who, where = (user, None) if own else (None, device)
    if kind == "look":
        return event("view_item", hour, who, f"i{n}", anonymous_id=where, event_id=f"{n}")
    if kind in {"deny", "grant"}:
        said = {"scope": "training", "status": "denied" if kind == "deny" else "granted"}
        return event("consent", hour, who, anonymous_id=where, event_id=f"{n}", properties=said)
    undo = {"undo": f"{target}"} if kind == "undo" else {}
    return event("identify", hour, user, anonymous_id=device, event_id=f"{n}", properties=undo)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
def test_training_reads_of_a_person_what_their_profile_reads_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, int, int]]
) -> None:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('log')}/shop.db")
    store.append([step(n, *said) for n, said in enumerate(steps)])
    learned, readers = pairs(read_log(store)), portraits(store)
    for user in ("ann", "bob"):
        granted = readers.profile(user, now=at(99)).consents["training"] == "granted"
        own = set(readers.state(user, before=at(99)).items) if granted else set()
        assert {item for person, item in learned if person == user} == own
    store.close()
