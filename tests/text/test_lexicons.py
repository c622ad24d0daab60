"""The word lists are data: these are the rules they keep."""

from collections import Counter

import pytest

from huaxiang.text.lexicons import lines_of, weights_of
from huaxiang.text.segment import normalise


@pytest.mark.parametrize("name", ["sentiment_zh", "sentiment_en", "sentiment_emoji"])
def test_a_word_has_one_weight_and_is_spelt_as_texts_are_normalised(name: str) -> None:
    words = Counter(word for line in lines_of(name) for word in line.split()[1:])
    assert [word for word, n in words.items() if n > 1] == []
    assert [word for word in words if normalise(word) != word] == []
    assert all(-4.0 <= weight <= 4.0 for weight in weights_of(name).values())


def test_a_word_names_one_aspect() -> None:
    words = Counter(word for line in lines_of("aspects") for word in line.partition(":")[2].split())
    assert [word for word, n in words.items() if n > 1] == []
