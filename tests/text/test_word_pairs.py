"""Which words stand near each other."""

from huaxiang.text.word_pairs import WordPairs


def test_words_within_two_places_are_a_pair_in_either_order() -> None:
    pairs = WordPairs()
    pairs.add([["rain", "shower", "head", "chrome"], ["shower", "rain"]])
    assert pairs.counts(["rain", "rain", "rain", "shower"], ["shower", "head", "chrome", "chrome"]).tolist() == [
        2,
        1,
        0,
        1,
    ]


def test_texts_do_not_touch_and_later_ones_add() -> None:
    pairs = WordPairs()
    pairs.add([["a", "b"], ["c", "d"]])
    for _ in range(20):
        pairs.add([["b", "c"]])
    assert pairs.counts(["b", "b", "b"], ["a", "c", "d"]).tolist() == [1, 20, 0]
    assert len(pairs) == 3


def test_of_nothing_there_are_none() -> None:
    pairs = WordPairs()
    pairs.add([])
    pairs.add([[], ["alone"]])
    assert len(pairs) == 0
    assert pairs.counts(["a"], ["b"]).tolist() == [0]
    assert pairs.counts([], []).shape == (0,)
