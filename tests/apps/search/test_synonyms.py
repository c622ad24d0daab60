"""Names that stand for the same, learned from what is liked after them; a shop's own file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.apps.search.query_log import AskedQuery, QueryLog
from huaxiang.apps.search.synonym_file import read_synonyms
from huaxiang.apps.search.synonyms import Synonyms, key_of, learn_synonyms, learned_pairs
from huaxiang.collect.check import check_event
from huaxiang.demo import simulate
from huaxiang.demo.tables import read_tables
from huaxiang.errors import DataError
from huaxiang.store import open_store

SHOES = {"runner": 0.4, "pacer": 0.3, "strider": 0.3}
BOOTS = {"boot": 0.5, "hiker": 0.4}


def asked(text: str, items: Mapping[str, float], *, people: int = 9, clicks: float = 90.0) -> AskedQuery:
    return AskedQuery(text, people, 10.0, datetime(2026, 3, 1, tzinfo=UTC), items, clicks)


def names(synonyms: Synonyms, text: str) -> list[str]:
    return [name for name, _ in synonyms.of(text)]


def test_two_names_after_which_the_same_is_liked_are_synonyms() -> None:
    found = learn_synonyms([asked("sneaker", SHOES), asked("running shoes", SHOES), asked("boots", BOOTS)])
    assert found.of("sneaker") == (("running shoes", 0.9),)  # a cosine of 1, drawn to 0 by 10 clicks of doubt in 100
    assert names(found, "Running  SHOE") == ["sneaker"]
    assert found.of("boots") == ()


def test_names_of_two_languages_are_synonyms() -> None:
    found = learn_synonyms([asked("green tea", SHOES), asked("绿茶", SHOES)])
    assert names(found, "绿茶") == ["green tea"]


def test_the_words_that_two_queries_share_are_not_part_of_the_names() -> None:
    found = learn_synonyms([asked("leather sneaker black", SHOES), asked("leather trainer black", SHOES)])
    assert names(found, "trainer") == ["sneaker"]
    assert found.of("leather trainer black") == ()


def test_queries_that_differ_the_same_way_and_are_liked_differently_speak_against_it() -> None:
    same = [asked("leather sneaker", SHOES), asked("leather trainer", SHOES)]
    assert names(learn_synonyms(same), "trainer") == ["sneaker"]
    other = [asked("sneaker", SHOES, clicks=400.0), asked("trainer", BOOTS, clicks=400.0)]
    assert learn_synonyms([*same, *other]).of("trainer") == ()


def test_a_query_that_only_says_more_is_no_synonym() -> None:
    assert not len(learn_synonyms([asked("shoes", SHOES), asked("running shoes", SHOES)]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("red shoes", "blue shoes"),
        ("mens shoes", "women's shoes"),
        ("红色 跑鞋", "蓝色 跑鞋"),
        ("男 跑鞋", "女 跑鞋"),
        ("shoes size 40", "shoes size 41"),
        ("500ml bottle", "1 l bottle"),
        ("small shirt", "large shirt"),
        ("xr-200 case", "xr-300 case"),
        ("red shoes", "蓝色 跑鞋"),
    ],
)
def test_colours_sexes_sizes_and_numbers_are_none_however_alike_the_clicks(one: str, other: str) -> None:
    assert not len(learn_synonyms([asked(one, SHOES), asked(other, SHOES)]))


def test_one_colour_in_two_languages_may_be() -> None:
    assert names(learn_synonyms([asked("red", SHOES), asked("红色", SHOES)]), "红色") == ["red"]


def test_values_of_one_attribute_that_the_caller_names_are_none() -> None:
    both = [asked("oak table", SHOES), asked("walnut table", SHOES)]
    assert names(learn_synonyms(both), "oak") == ["walnut"]
    assert not len(learn_synonyms(both, apart=[["Oak", "Walnut"]]))


def test_names_that_too_few_typed_or_clicked_after_are_none() -> None:
    assert not len(learn_synonyms([asked("sneaker", SHOES, people=4), asked("trainer", SHOES)]))
    assert not len(learn_synonyms([asked("sneaker", SHOES, clicks=4.0), asked("trainer", SHOES)]))
    assert not len(learn_synonyms([asked("sneaker", {}), asked("trainer", {})]))
    assert not len(learn_synonyms([]))


def test_long_names_are_none() -> None:
    assert not len(learn_synonyms([asked("shoes for a long run", SHOES), asked("sneaker", SHOES)]))


def test_a_pair_says_in_how_many_queries_it_was_seen() -> None:
    liked = {"leather": SHOES, "canvas": BOOTS}
    known = [asked(f"{kind} {name}", items) for kind, items in liked.items() for name in ("sneaker", "trainer")]
    assert [(pair.one, pair.other, pair.queries) for pair in learned_pairs(known)] == [("sneaker", "trainer", 2)]


def test_what_the_shop_says_stands_first_and_what_it_forbids_is_none() -> None:
    known = [asked("sneaker", SHOES), asked("trainer", SHOES)]
    said = learn_synonyms(known, own=[("sneaker", "kicks", "跑鞋")])
    assert said.of("sneakers") == (("kicks", 1.0), ("跑鞋", 1.0), ("trainer", 0.9))
    assert not len(learn_synonyms(known, never=[("sneaker", "trainer")]))
    many = tuple(f"name {letter}" for letter in "abcdefghijkl")
    assert len(learn_synonyms([], own=[many]).of("name a")) == 11


def written(folder: Path, text: str) -> Path:
    path = folder / "synonyms.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_holds_a_group_a_line(tmp_path: Path) -> None:
    text = '\ufeff# ours\nsneaker, running shoe，跑鞋\n\n"salt, fine", table salt\n!red, blue\n'
    own = read_synonyms(written(tmp_path, text))
    assert own.groups == (("sneaker", "running shoe", "跑鞋"), ("salt, fine", "table salt"))
    assert own.never == (("red", "blue"),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sneaker", "line 2 has 1 names; a group has 2 to 50"),
        ("sneaker,,  ,", "line 2 has 1 names"),
        ("sneaker, Sneakers", "'Sneakers' is there twice"),
        ("sneaker, ***", "'\\*\\*\\*' has no letter or digit"),
        (f"sneaker, {'x' * 101}", "a name has 101 characters"),
        ('"sneaker, shoe', "line 2: unexpected end of data; put a name that holds a comma in double quotes"),
        (",".join(f"name{n}" for n in range(51)), "has 51 names"),
    ],
)
def test_a_line_that_is_no_group_is_refused_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_synonyms(written(tmp_path, f"a, b\n{line}\n"))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="save the file as UTF-8 text"):
        read_synonyms(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"caf\xe9, bar\n")
    with pytest.raises(DataError, match="save the file as UTF-8 text"):
        read_synonyms(tmp_path / "latin.csv")


@given(st.text(max_size=300))
def test_whatever_stands_in_a_file_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("own") / "synonyms.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        own = read_synonyms(path)
    except DataError:
        return
    assert all(len(group) >= 2 for group in (*own.groups, *own.never))
    learn_synonyms([], own=own.groups, never=own.never)


def test_in_the_demo_shop_kinds_are_found_in_two_languages_and_no_values_of_attributes(tmp_path: Path) -> None:
    made = simulate(seed=3, n_items=80, n_users=400, until=datetime(2026, 3, 1, tzinfo=UTC))
    store = open_store(f"sqlite:///{tmp_path}/shop.db")
    wanted = {"search", "view_item_list", "select_item", "add_to_cart", "purchase"}
    store.append([check_event(said, tenant="default") for said in made.log() if said["event"] in wanted])
    log = QueryLog(store)
    log.refresh()
    pairs = learned_pairs(log.known())
    store.close()
    values = {key_of(value) for item in made.items for value in item["attributes"].values()}
    kinds = [tuple(map(key_of, kind)) for line in read_tables().lines for kind in line.kinds]
    found = [tuple(sorted((key_of(pair.one), key_of(pair.other)))) for pair in pairs]
    assert sum(tuple(sorted(kind)) in found for kind in kinds) >= 6
    assert len(found) <= 12
    assert not [pair for pair in found if set(pair) <= values]
