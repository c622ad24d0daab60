"""Filters of people: every field on a known person, and any filter against a plain reading of the profile's JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.profiles import Portraits
from huaxiang.profiles.audience_filter import FIELDS, compile_audience_filter
from huaxiang.profiles.readable import Readable
from huaxiang.ranking.rules import compile_filter
from huaxiang.server.schemas import ProfileOut
from huaxiang.types import Item, Reading
from tests.profiles.shops import at, edit, event, portraits, stocked_store

NOW = at(30)


READ: list[Portraits] = []


def people() -> Portraits:
    """The people of the shop below."""
    return READ[0]


@pytest.fixture(scope="module", autouse=True)
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ann drinks green tea and looks for pots, Bob dislikes it, Cai writes Chinese, Dee said no to analytics."""
    store = stocked_store(tmp_path_factory.mktemp("audience-filter"))
    store.append([event("view_item", hour, item=item) for hour, item in ((1, "sencha"), (2, "matcha"), (9, "pot"))])
    store.append([event("purchase", 3, item="sencha", value=12.0, currency="EUR", session_id="s")])
    store.append([event("search", 28, query="Clay tea pot 紫砂壶", reading=Reading("t", "en", keywords=("clay",)))])
    store.append([event("review", 29, text="lovely", reading=Reading("t", "en", polarity=0.9, strength=1.0))])
    traits = {"city": "Kyoto", "age": 31, "member": True, "tags": ["vip", 7]}
    store.append([event("set_user", 4, properties=traits)])
    store.append([event("dislike", 1, "bob", "sencha"), event("view_item", 2, "bob", "cup")])
    store.append([event("view_item", 5, "cai", "assam"), edit(6, "add", facet="category", value="Ware > Pots")])
    store.append([event("search", 27, "cai", query="红茶", reading=Reading("t", "zh", keywords=("红茶",)))])
    denied = {"scope": "analytics", "status": "denied"}
    store.append([event("view_item", 5, "dee", "assam"), event("consent", 6, "dee", properties=denied)])
    READ[:] = [portraits(store)]
    yield
    store.close()


def matches(where: Mapping[str, Any], user: str = "ann") -> bool:
    read = people()
    person = Readable(read.state(user, before=NOW), read.item_facets, now=NOW, config=read.config)
    return compile_audience_filter(where)(person)


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ({}, True),
        ({"interests.brand": "Uji"}, True),
        ({"interests.brand": " uJi "}, True),
        ({"interests.brand": "Halmari"}, False),
        ({"interests.brand": ["Halmari", "Uji"]}, True),
        ({"interests.brand": []}, False),
        ({"interests.brand": {"not": "Uji"}}, False),
        ({"interests.brand": {"value": "Uji", "score": {"gte": 0.3}}}, True),
        ({"interests.brand": {"value": "Uji", "score": {"gte": 0.99}}}, False),
        ({"interests.brand": {"value": "Yixing", "score": {"lte": 0.5}}}, True),
        ({"interests.brand": {"score": {"gte": 0.99}}}, False),
        ({"interests.brand": {"not": {"value": "Uji", "score": {"gte": 0.99}}}}, True),
        ({"interests.category": "Tea > Green"}, True),
        ({"interests.category": "tea"}, True),
        ({"interests.category": "Green"}, True),
        ({"interests.category": "Black"}, False),
        ({"interests.category": "Tea > Black"}, False),
        ({"interests.keyword": "clay"}, True),
        ({"interests.attribute:colour": "red"}, False),
        ({"needs.search": "tea pot"}, True),
        ({"needs.search": "pot tea"}, False),
        ({"needs.search": "TEA"}, True),
        ({"needs.search": "te"}, False),
        ({"needs.search": "紫砂壶"}, True),
        ({"needs.search": ""}, False),
        ({"needs.search": {"value": "clay", "score": {"gte": 0.5}}}, True),
        ({"needs.unbought": ["pot", "cup"]}, True),
        ({"needs.unbought": "sencha"}, False),
        ({"behaviour.recency_days": {"lte": 1}}, True),
        ({"behaviour.recency_days": {"gte": 1}}, False),
        ({"behaviour.n_orders": 1}, True),
        ({"behaviour.n_orders": [0, 2]}, False),
        ({"behaviour.n_events": {"gte": 7, "lte": 8}}, True),
        ({"behaviour.frequency_per_week": {"gt": 0}}, None),
        ({"behaviour.counts.view_item": {"gte": 3}}, True),
        ({"behaviour.counts.refund": {"gte": 0}}, False),
        ({"behaviour.price_sensitivity": {"gte": 0}}, False),
        ({"behaviour.loyalty": {"not": {"gte": 0}}}, True),
        ({"behaviour.repeat_purchase": {"gte": 0}}, False),
        ({"behaviour.language": "EN"}, True),
        ({"behaviour.language": ["zh", "ja"]}, False),
        ({"behaviour.spend.EUR": {"gte": 12}}, True),
        ({"behaviour.spend.CNY": {"gte": 0}}, False),
        ({"behaviour.traits.city": "kyoto"}, True),
        ({"behaviour.traits.age": {"gte": 18}}, True),
        ({"behaviour.traits.age": 31}, True),
        ({"behaviour.traits.member": True}, True),
        ({"behaviour.traits.member": 1}, False),
        ({"behaviour.traits.tags": ["vip"]}, True),
        ({"behaviour.traits.nothing": {"not": "x"}}, True),
        ({"mood.label": "positive"}, True),
        ({"mood.polarity": {"gte": 0.8}}, True),
        ({"consents.advertising": "granted"}, True),
        ({"consents.training": {"not": "granted"}}, False),
        ({"interests.brand": "Uji", "behaviour.n_orders": {"gte": 2}}, False),
        ({"any": [{"behaviour.n_orders": {"gte": 2}}, {"interests.brand": "Uji"}]}, True),
        ({"any": [{"behaviour.n_orders": {"gte": 2}}, {"interests.brand": "Halmari"}]}, False),
        ({"any": [{"any": [{"mood.label": "positive"}]}]}, True),
    ],
)
def test_a_filter_holds_for_ann_or_not(where: Mapping[str, Any], passes: bool | None) -> None:
    if passes is None:
        with pytest.raises(DataError, match="bounds are"):
            matches(where)
    else:
        assert matches(where) is passes


def test_a_disliked_brand_is_no_interest_but_can_be_asked_for() -> None:
    assert not matches({"interests.brand": "Uji"}, "bob")
    assert matches({"interests.brand": {"value": "Uji", "score": {"lte": -0.1}}}, "bob")


def test_a_category_that_was_stated_is_held_by_its_parent() -> None:
    assert matches({"interests.category": "Ware"}, "ann")
    assert matches({"interests.category": {"value": "Ware", "score": {"gte": 0.9}}}, "ann")  # as stated of the pots


def test_who_denied_analytics_has_no_behaviour_to_ask_for() -> None:
    assert not matches({"behaviour.n_events": {"gte": 0}}, "dee")
    assert matches({"behaviour.n_events": {"not": {"gte": 1}}, "interests.brand": "Halmari"}, "dee")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ({"interests.brnd": "Uji"}, "filter 'interests.brnd': no such field; known fields: interests.brand,"),
        ({"brand": "Uji"}, "filter 'brand': no such field"),
        ({"interests.attribute:": "x"}, "no such field"),
        ({"behaviour.spend": {"gte": 1}}, "no such field"),
        ({"consents.adverts": "granted"}, "scopes are analytics, personalisation"),
        ({"interests.brand": 5}, "filter 'interests.brand': it takes a text"),
        ({"interests.brand": None}, "it takes a text"),
        ({"interests.brand": [["Uji"]]}, "it takes a text"),
        ({"interests.brand": {"gte": 1}}, "filter 'interests.brand': use a text"),
        ({"interests.brand": {"value": "Uji", "score": 0.1}}, "bounds are"),
        ({"interests.brand": {}}, "use a text"),
        ({"interests.price_band": "cheap"}, "its values are low, middle, high"),
        ({"behaviour.n_orders": "3"}, "filter 'behaviour.n_orders': it takes a number"),
        ({"behaviour.n_orders": True}, "it takes a number"),
        ({"behaviour.n_orders": {"gte": float("nan")}}, "bounds are"),
        ({"behaviour.recency_days": {"gte": 1, "not": 2}}, "bounds are"),
        ({"behaviour.language": {"gte": 1}}, "it takes a text"),
        ({"mood.label": "sad"}, "its values are positive, neutral, negative"),
        ({"behaviour.traits.city": None}, "it takes a text, a number"),
        ({"any": {}}, "filter 'any': it takes a list"),
        ({"any": []}, "it takes a list"),
        ({"any": [{"any": [{"any": [{"any": [{"any": [{"any": [{}]}]}]}]}]}]}, "nested deeper than 5"),
        ({"any": [{"mood.label": "positive"}] * 51}, "more than 100 conditions"),
        ({"interests.brand": ["x"] * 10_001}, "at most 10000"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field_and_rule(where: Mapping[str, Any], why: str) -> None:
    with pytest.raises(DataError) as refused:
        compile_audience_filter(where)
    assert why in str(refused.value)


def test_negations_without_end_are_refused_and_do_not_end_the_stack() -> None:
    wanted: Any = "Uji"
    for _ in range(5001):
        wanted = {"not": wanted}
    with pytest.raises(DataError, match="more than 100 times"):
        compile_audience_filter({"interests.brand": wanted})


def test_every_known_field_is_known() -> None:
    for field in FIELDS:
        named = field.replace("NAME", "x").replace("CURRENCY", "EUR").replace("EVENT", "search")
        with pytest.raises(DataError) as refused:
            compile_audience_filter({named.replace("SCOPE", "training"): None})
        assert "no such field" not in str(refused.value)


# -- any filter, against the profile as it is answered over HTTP, read the plain way -----------------------------------

TEXTS = {
    "interests.brand": ["Uji", "Yixing", "halmari", "Meissen"],
    "interests.category": ["Tea", "Ware", "Tea > Green", "Green", "Pots", "Ware > Pots", "Shoes"],
    "interests.keyword": ["clay", "tea", "glass"],
    "needs.unbought": ["pot", "cup", "sencha"],
    "behaviour.language": ["en", "zh"],
    "mood.label": ["positive", "negative", "neutral"],
    "consents.analytics": ["granted", "denied"],
}
NUMBERS = [
    *("behaviour.recency_days", "behaviour.n_orders", "behaviour.n_events", "behaviour.spend.EUR", "mood.polarity"),
    *("behaviour.price_sensitivity", "behaviour.loyalty", "behaviour.repeat_purchase"),
]
BOUNDS = st.fixed_dictionaries({}, optional={"gte": st.floats(-1, 9), "lte": st.floats(-1, 9)}).filter(bool)
SHARES = st.fixed_dictionaries({}, optional={"gte": st.floats(-1, 1), "lte": st.floats(-1, 1)}).filter(bool)


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Any]:
    field = draw(st.sampled_from([*TEXTS, *NUMBERS]))
    if field in NUMBERS:
        wanted: Any = draw(st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=3) | BOUNDS)
    else:
        value = st.sampled_from(TEXTS[field])
        wanted = draw(value | st.lists(value, max_size=3))
        if field.startswith(("interests.", "needs.")) and draw(st.booleans()):
            wanted = {"value": wanted, "score": draw(SHARES)}
    for _ in range(draw(st.integers(0, 2))):
        wanted = {"not": wanted}
    return field, wanted


FLAT = st.lists(conditions(), max_size=3).map(dict)
FILTERS = st.recursive(
    FLAT,
    lambda inner: st.tuples(FLAT, st.lists(inner, min_size=1, max_size=3)).map(lambda two: two[0] | {"any": two[1]}),
    max_leaves=4,
)


def naively(where: Mapping[str, Any], profile: Mapping[str, Any]) -> bool:
    """A filter read off a profile's JSON, one field after the other."""
    return all(
        any(naively(one, profile) for one in wanted) if field == "any" else holds(field, wanted, profile)
        for field, wanted in where.items()
    )


def holds(field: str, wanted: Any, profile: Mapping[str, Any]) -> bool:
    if isinstance(wanted, dict) and "not" in wanted:
        return not holds(field, wanted["not"], profile)
    part, name = field.split(".", 1)
    if part in {"interests", "needs"}:
        bounds = wanted["score"] if isinstance(wanted, dict) else {"gte": 0.005}
        values = wanted["value"] if isinstance(wanted, dict) else wanted
        for value in values if isinstance(values, list) else [values]:
            scores = [
                facet["score"]
                for facet in profile[part]
                if facet["facet"] == name
                and (
                    value.lower() in names_of(facet["value"])
                    if name == "category"
                    else value.lower() == facet["value"].lower()
                )
            ]
            if scores and inside(max(scores), bounds):
                return True
        return False
    read = profile[part]
    for step in name.split("."):
        read = (read or {}).get(step)
    if read is None:
        return False
    if isinstance(wanted, dict):
        return inside(read, wanted)
    return read in (wanted if isinstance(wanted, list) else [wanted])


def names_of(path: str) -> set[str]:
    levels = path.lower().split(" > ")
    return {*levels, *(" > ".join(levels[:n]) for n in range(1, len(levels) + 1))}


def inside(value: float, bounds: Mapping[str, float]) -> bool:
    return not (("gte" in bounds and value < bounds["gte"]) or ("lte" in bounds and value > bounds["lte"]))


@pytest.fixture(scope="module")
def answered() -> dict[str, dict[str, Any]]:
    """The profile of each person, scores unrounded."""
    found = {}
    for user in ("ann", "bob", "cai", "dee", "nobody"):
        profile = people().profile(user, now=NOW)
        said = ProfileOut.of(profile).model_dump(mode="json")
        for part in ("interests", "needs"):
            for shown, facet in zip(said[part], getattr(profile, part), strict=True):
                shown["score"] = facet.score
        found[user] = said
    return found


@settings(deadline=None, max_examples=150)
@given(where=FILTERS)
def test_a_compiled_filter_is_the_plain_reading_of_the_profile(
    answered: dict[str, dict[str, Any]], where: Mapping[str, Any]
) -> None:
    for user, profile in answered.items():
        assert matches(where, user) is naively(where, profile), (user, where)


@settings(deadline=None, max_examples=60)
@given(condition=conditions(), user=st.sampled_from(["ann", "bob", "cai", "dee"]))
def test_not_parts_all_people(condition: tuple[str, Any], user: str) -> None:
    field, wanted = condition
    assert matches({field: wanted}, user) is not matches({field: {"not": wanted}}, user)


@settings(deadline=None, max_examples=60)
@given(path=st.sampled_from(["Tea > Green", "Ware > Pots", "Ware > Cups", "Tea > Black"]), least=st.floats(0, 1))
def test_a_parent_category_holds_its_children(path: str, least: float) -> None:
    for user in ("ann", "bob", "cai", "dee"):
        for parent in (path.split(" > ", maxsplit=1)[0], path.split(" > ", maxsplit=1)[0].lower()):
            child, whole = ({"value": name, "score": {"gte": least}} for name in (path, parent))
            assert matches({"interests.category": whole}, user) or not matches({"interests.category": child}, user)


@settings(deadline=None, max_examples=60)
@given(
    brand=st.sampled_from(["Uji", "Yixing"]),
    wanted=st.recursive(
        st.sampled_from(["Uji", "uji ", "Yixing"]) | st.lists(st.sampled_from(["Uji", "Yixing"])),
        lambda inner: st.builds(lambda one: {"not": one}, inner),
        max_leaves=3,
    ),
)
def test_the_language_is_that_of_filters_of_items(brand: str, wanted: Any) -> None:
    read = people()
    viewed = "sencha" if brand == "Uji" else "pot"
    state = read.state_of([event("view_item", 1, item=viewed)])
    person = Readable(state, read.item_facets, now=NOW, config=read.config)
    of_items = compile_filter({"brand": wanted})(Item("one", brand=brand))
    assert compile_audience_filter({"interests.brand": wanted})(person) is of_items
