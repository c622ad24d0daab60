"""The texts of the check: the shop's own as far as they go, and never those that were learned from."""

import numpy as np
import pytest

from huaxiang.encoder import OnnxEncoder
from huaxiang.encoder.shrinking import texts
from huaxiang.encoder.shrinking.texts import Material, generated
from huaxiang.encoder.tokens import Tokens
from tests.encoder.conftest import Trained


@pytest.fixture
def tokens(trained: Trained) -> Tokens:
    return OnnxEncoder.load(trained.folder).tokens


def test_a_large_shop_gives_a_thousand_and_learns_from_the_rest(tokens: Tokens) -> None:
    own = [f"tea {n}" for n in range(5_000)]
    found = Material.of(own, tokens, np.random.default_rng(0))
    assert (len(found.checked), found.n_generated, len(found.learned), found.notes) == (1_000, 0, 4_000, ())
    assert not set(found.checked) & set(found.learned)


def test_a_small_shop_gives_a_quarter_and_the_tokenizer_the_rest(tokens: Tokens) -> None:
    found = Material.of([f"tea {n}" for n in range(100)], tokens, np.random.default_rng(0))
    assert (len(found.checked), len(found.own_checked), found.n_generated, len(found.learned)) == (1_000, 25, 975, 75)
    assert "975 of the 1000 texts" in found.notes[0]
    assert all(text.startswith("tea ") for text in (*found.own_checked, *found.learned))


@pytest.mark.parametrize("given", [None, [], ["", "  "]])
def test_without_a_text_everything_is_generated_and_nothing_is_checked_that_was_learned(
    given: list[str] | None, tokens: Tokens
) -> None:
    found = Material.of(given, tokens, np.random.default_rng(0))
    assert (found.n_generated, found.is_own, len(found.learned)) == (1_000, False, 1_000)


def test_a_text_that_comes_twice_is_not_learned_and_checked(tokens: Tokens) -> None:
    found = Material.of(["tea", "pot"] * 50, tokens, np.random.default_rng(0))
    assert sorted((*found.own_checked, *found.learned)) == ["pot", "tea"]


def test_of_very_many_texts_the_first_are_read_and_it_is_said(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_READ", 40)
    found = Material.of((f"tea {n}" for n in range(10**9)), tokens, np.random.default_rng(0))
    assert {*found.own_checked, *found.learned} == {f"tea {n}" for n in range(40)}
    assert "first 40" in found.notes[0]


def test_generated_texts_are_read_as_text_and_repeat_with_the_seed(tokens: Tokens) -> None:
    made = generated(tokens, 50, np.random.default_rng(3))
    assert made == generated(tokens, 50, np.random.default_rng(3))
    assert all(tokens.ids(made))
    assert not any("[MASK]" in text or "[PAD]" in text for text in made)
