"""Words and queries as they were meant."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.text.slips import BESIDE, FIRST
from huaxiang.text.spelling import Correction, Speller

NAMES = [
    *(["Rain Shower Head Chrome"] * 8),
    *(["Simpson Strong-Tie Angle Bracket 12-Gauge"] * 8),
    *(["Brass Desk Lamp", "Laptop Stand", "Garden Hose 50 ft"] * 8),
    *(["夏季红色连衣裙女", "按摩椅 家用", "防滑登山鞋", "牛仔裤男"] * 8),
]


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller({}, NAMES)


def best(speller: Speller, word: str) -> tuple[str, str] | None:
    found = speller.correct(word)
    return (found[0].word, found[0].kind) if found else None


@pytest.mark.parametrize("typed", ["shwoer", "showe", "showwer", "showar", "shover", "hower"])
def test_one_slip_of_the_fingers_is_undone(speller: Speller, typed: str) -> None:
    assert best(speller, typed) == ("shower", "edit")


def test_long_words_are_forgiven_two_slips_and_short_ones_one(speller: Speller) -> None:
    speller = Speller({"television": 9, "lamp": 9})
    assert best(speller, "telivison") == ("television", "edit")
    assert best(speller, "lapm") == ("lamp", "edit")
    assert best(speller, "lxxp") is None


def test_the_cheaper_slip_comes_first() -> None:
    speller = Speller({"better": 20, "bettor": 20, "batter": 20})
    assert speller.correct("beter")[0].word == "better"
    assert speller.correct("brtter")[0].word == "better"  # r lies beside e


def test_of_equal_slips_the_commoner_word_comes_first() -> None:
    assert [one.word for one in Speller({"brush": 900, "crush": 9}).correct("xrush")] == ["brush", "crush"]


def test_a_first_letter_may_be_wrong_but_costs_more() -> None:
    found = Speller({"lamps": 50, "champ": 50, "lamp": 50}).correct("kamps")
    assert found[0] == Correction("lamps", BESIDE + FIRST, "edit")


def test_a_blank_that_was_lost_or_added(speller: Speller) -> None:
    assert best(speller, "rainshower") == ("rain shower", "split")
    assert best(speller, "lap top") == ("laptop", "join")
    assert speller.correct_query(["rainshower", "head"]) == ("rain", "shower", "head")
    assert speller.correct_query(["lap", "top", "stand"]) == ("laptop", "stand")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("练衣裙", "连衣裙"),
        ("lianyiqun", "连衣裙"),
        ("lianyiqn", "连衣裙"),
        ("nianyiqun", "连衣裙"),
        ("登衫鞋", "登山鞋"),
    ],
)
def test_a_chinese_word_is_known_by_its_sound(speller: Speller, typed: str, meant: str) -> None:
    assert best(speller, typed) == (meant, "pinyin")


@pytest.mark.parametrize("typed", ["登鞋", "山登鞋", "登湖鞋"])
def test_a_character_lost_swapped_or_replaced(speller: Speller, typed: str) -> None:
    assert best(speller, typed) == ("登山鞋", "edit")


def test_a_character_more_is_a_word_of_its_own(speller: Speller) -> None:
    assert speller.correct("登山大鞋") == ()


def test_the_shortest_words_are_changed_only_where_the_words_around_call_for_it(speller: Speller) -> None:
    assert speller.correct("hed") == ()
    assert speller.correct_query(["hed"]) == ("hed",)
    assert speller.correct_query(["brass", "dsk", "lamp"]) == ("brass", "desk", "lamp")
    assert speller.correct_query(["garden", "hose", "50", "ft"]) == ("garden", "hose", "50", "ft")


def test_a_unit_is_known_by_the_number_before_it(speller: Speller) -> None:
    assert speller.correct_query(["hose", "50", "foto"]) == ("hose", "50", "foot")


def test_an_ending_is_no_error(speller: Speller) -> None:
    for word in ("lamps", "brackets", "hoses"):
        assert speller.correct_query([word]) == (word,)
    assert speller.correct_query(["brcakets"]) == ("bracket",)


def test_a_query_that_others_asked_is_known_as_a_whole() -> None:
    speller = Speller({}, [*(["结构胶"] * 3), *(["热熔胶枪"] * 3), "结构胶枪"])
    assert "".join(speller.correct_query(["结", "构", "枪"])) == "结构胶枪"


def test_a_run_of_chinese_is_read_as_one_text_whatever_its_cuts(speller: Speller) -> None:
    assert "".join(speller.correct_query(["红色", "练", "衣裙", "女"])) == "红色连衣裙女"
    assert "".join(speller.correct_query(["登", "鞋"])) == "登山鞋"


def test_what_is_known_well_a_number_a_model_and_a_short_word_stay(speller: Speller) -> None:
    for word in ("shower", "连衣裙", "12", "xr-200", "b0wer", "rai", "hed", "the", "without", "", "💥", "12ft"):
        assert speller.correct(word) == ()
        assert speller.correct_query([word]) == (word,)


def test_the_words_around_decide() -> None:
    speller = Speller({}, [*(["garden hose"] * 6), *(["garden rose"] * 6), *(["hose reel"] * 6), *(["rose bush"] * 6)])
    assert speller.correct_query(["xose", "reel"]) == ("hose", "reel")
    assert speller.correct_query(["xose", "bush"]) == ("rose", "bush")


def test_a_rare_word_gives_way_only_to_what_the_words_around_call_for() -> None:
    speller = Speller({}, [*(["rain shower head"] * 2_000), "shover snow", "plain text"])
    assert speller.correct_query(["rain", "shover", "head"]) == ("rain", "shower", "head")
    assert speller.correct_query(["shover", "snow"]) == ("shover", "snow")


def test_a_compound_keeps_its_form_unless_a_part_is_wrong(speller: Speller) -> None:
    assert speller.correct_query(["strong-tie", "brakcet"]) == ("strong-tie", "bracket")
    assert speller.correct_query(["stronng-tie", "bracket"]) == ("strong", "tie", "bracket")


def test_a_word_that_is_added_is_known_at_once(speller: Speller) -> None:
    fresh = Speller({}, NAMES)
    assert fresh.correct("zirconnium") == ()
    fresh.add({"zirconium": 6})
    assert best(fresh, "zirconnium") == ("zirconium", "edit")
    assert fresh.correct("zirconium") == ()
    fresh.learn(["扫地机器人"] * 6)
    assert best(fresh, "saodijiqiren") is not None


def test_words_that_the_shop_trusts_stay() -> None:
    assert Speller({"affordance": 99}, trusted=["affordable"]).correct("affordable") == ()


def test_an_everyday_word_that_a_shop_does_not_sell_is_no_slip_of_one_that_it_does() -> None:
    speller = Speller({}, ["Fable Porcelain Mug"] * 45 + ["Coffee Beans", "Fable Desk Lamp"])
    assert speller.correct_query(["coffee", "table"]) == ("coffee", "table")
    assert speller.correct_query(["coffee", "fabel"]) == ("coffee", "fable")


def test_frequencies_that_are_none_are_passed_over() -> None:
    speller = Speller({"nothing": 0.0, "less": -1.0, "never": float("nan"), "boundless": float("inf")})
    assert len(speller.known) == 0


_ANY = st.text(max_size=30) | st.text("abcdeé连衣裙登山鞋 -'1\u202e\ud83d\u0000", max_size=60)


@given(st.lists(_ANY, max_size=12))
@settings(deadline=None, max_examples=150)
def test_nothing_that_is_typed_breaks_it(speller: Speller, words: list[str]) -> None:
    assert isinstance(speller.correct_query(words), tuple)
    for word in words:
        assert all(one.distance >= 0 for one in speller.correct(word))


@given(st.lists(st.sampled_from(["rain", "shower", "head", "brass", "lamp", "连衣裙", "登山鞋", "12", "xr-200"])))
@settings(deadline=None, max_examples=60)
def test_a_query_without_an_error_stays_as_it_is(speller: Speller, words: list[str]) -> None:
    assert speller.correct_query(words) == tuple(words)


@pytest.mark.parametrize("word", ["x" * 10_000, "连" * 10_000, "lianyiqun" * 1_000, "a-" * 5_000, "\u202e" * 10_000])
def test_long_input_takes_bounded_time(speller: Speller, word: str) -> None:
    began = time.perf_counter()
    speller.correct(word)
    speller.correct_query([word] * 30)
    assert time.perf_counter() - began < 2.0
