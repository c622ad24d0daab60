"""How well a title answers a query, on a shelf of a hardware shop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.ranking.matching import NAMES, Title, features, read_query, read_title
from huaxiang.ranking.vocabulary import Vocabulary

SHELF = (
    "Werner 12 ft. Fiberglass Step Ladder",
    "Werner 8 ft. Aluminum Step Ladder with Tool Tray",
    "Louisville Tool Tray for Step Ladder",
    "Delta Rain-Shower Head in Chrome",
    "Kohler Showerhead Holder (Shower Not Included)",
    "Orbit Lawn Sprinkler, 2-Pack",
    "Simpson Strong-Tie 12-Gauge Angle",
    "House of Fara 3/4 in. x 8 ft. Casing",
)


class Shop:
    """A shelf that has been read."""

    def __init__(self, *titles: str) -> None:
        self.vocabulary = Vocabulary()
        self.texts = titles
        self.titles: list[Title] = [read_title(title, self.vocabulary) for title in titles]

    def feature(self, query: str, name: str) -> dict[str, float]:
        """One feature of every title, by the title's first word; of several the last."""
        found_CG = features(read_query(query, self.vocabulary), self.titles, self.vocabulary)
        return {text: float(row[NAMES.index(name)]) for text, row in zip(self.texts, found_CG, strict=True)}

    def best(self, query: str, name: str) -> str:
        """The title with the most of a feature."""
        found = self.feature(query, name)
        return max(found, key=lambda text: found[text])


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(*SHELF)


def test_all_terms_of_a_query_are_found_in_the_title_that_has_them(shop: Shop) -> None:
    found = shop.feature("fiberglass ladders", "all_found")
    assert [text for text, value in found.items() if value] == [SHELF[0]]
    assert shop.feature("fiberglass ladders", "rarity_found")[SHELF[1]] == pytest.approx(
        shop.vocabulary.rarity(shop.vocabulary.number("ladder"))
        / (
            shop.vocabulary.rarity(shop.vocabulary.number("ladder"))
            + shop.vocabulary.rarity(shop.vocabulary.number("fiberglass"))
        )
    )


def test_a_thing_for_a_ladder_is_no_ladder(shop: Shop) -> None:
    assert shop.feature("step ladder", "last_in_head") == {text: float(text in SHELF[:2]) for text in SHELF}
    assert shop.feature("step ladder", "last_near_end")[SHELF[1]] == 1.0


@pytest.mark.parametrize("query", ["rainshower head", "rain shower head", "rain-shower heads"])
def test_compounds_meet_however_they_are_written(shop: Shop, query: str) -> None:
    assert shop.feature(query, "all_found")[SHELF[3]] == 1.0


def test_two_words_of_a_query_meet_one_of_a_title(shop: Shop) -> None:
    assert shop.feature("shower head holder", "all_found")[SHELF[4]] == 1.0


@pytest.mark.parametrize("query", ["lawn sprkinler", "lawn sprinkle", "lawn sprinklr", "lawnn sprinklers"])
def test_a_slip_is_understood(shop: Shop, query: str) -> None:
    assert shop.feature(query, "all_found")[SHELF[5]] == 1.0


def test_what_was_probably_meant_is_written_out(shop: Shop) -> None:
    assert read_query("Fiberglas lader, 8 1/2 ft", shop.vocabulary).spelled == "fiberglass ladder, 8 1/2 ft"


def test_other_amounts_contradict_and_equal_ones_agree_whatever_the_unit(shop: Shop) -> None:
    against = shop.feature("12ft ladder", "numbers_against")
    assert (against[SHELF[0]], against[SHELF[1]], against[SHELF[2]]) == (0.0, 1.0, 0.0)
    assert shop.feature("144 inch ladder", "numbers_found")[SHELF[0]] == 1.0
    assert shop.feature("8 ladder", "numbers_found")[SHELF[1]] == 1.0
    near = shop.feature("11.5 ft ladder", "numbers_near")
    assert 0.0 < near[SHELF[1]] < near[SHELF[0]] < 1.0


def test_words_side_by_side_count_and_their_order(shop: Shop) -> None:
    assert shop.feature("step ladder", "adjacent")[SHELF[0]] == 1.0
    assert shop.feature("ladder step", "adjacent")[SHELF[0]] == 0.0
    assert shop.feature("ladder werner", "in_order")[SHELF[0]] == 0.0
    assert shop.feature("werner ladder", "in_order")[SHELF[0]] == 1.0


def test_the_beginning_of_a_word_finds_it(shop: Shop) -> None:
    assert shop.best("alum", "rarity_found") == SHELF[1]


def test_a_brand_that_was_asked_for_is_missed(shop: Shop) -> None:
    found = shop.feature("werner ladder", "brand_missing")
    assert found[SHELF[0]] == 0.0
    assert found[SHELF[2]] > 0.0


def test_a_description_may_hold_what_a_title_lacks() -> None:
    vocabulary = Vocabulary()
    titles = [read_title("Red pot", vocabulary, "cast iron"), read_title("Red pot", vocabulary)]
    found_CG = features(read_query("iron pot", vocabulary), titles, vocabulary)
    assert (found_CG[:, NAMES.index("description_found")] == 1.0).tolist() == [True, False]
    assert (found_CG[:, NAMES.index("all_found")] == 0.0).all()


def test_chinese_titles_are_read_by_words() -> None:
    shop = Shop("红色 陶瓷 茶壶 500毫升", "红色 保温杯 350毫升")
    assert shop.best("茶壶 500ml", "rarity_found") == shop.texts[0]
    assert shop.feature("500毫升", "numbers_against")[shop.texts[1]] == 1.0


@given(query=st.text(max_size=40), titles=st.lists(st.text(max_size=60), max_size=4))
@settings(deadline=None, max_examples=80)
def test_no_text_breaks_it_and_every_feature_is_a_number(query: str, titles: list[str]) -> None:
    shop = Shop(*titles)
    found_CG = features(read_query(query, shop.vocabulary), shop.titles, shop.vocabulary)
    assert found_CG.shape == (len(titles), len(NAMES))
    assert np.isfinite(found_CG).all()
    assert (found_CG >= -1e-6).all()


def test_a_title_is_judged_alone_or_among_others_alike(shop: Shop) -> None:
    query = read_query("8 ft step ladder", shop.vocabulary)
    together_CG = features(query, shop.titles, shop.vocabulary)
    alone_CG = np.concatenate([features(query, [title], shop.vocabulary) for title in shop.titles])
    np.testing.assert_allclose(together_CG, alone_CG, atol=1e-6)
