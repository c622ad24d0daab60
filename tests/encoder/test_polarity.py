"""Star ratings teach what praise and blame read like in this shop."""

import numpy as np
import pytest

from huaxiang.encoder.classifying.classifier import TextClassifier
from huaxiang.encoder.polarity import Polarity, by_classifier, by_lexicon, train_polarity_from_ratings
from huaxiang.errors import DataError
from huaxiang.text.english import analyser

GOODS = ["chair", "desk", "lamp", "shelf", "sofa", "stool", "bench", "frame"]


def slang(n: int) -> list[tuple[str, float]]:
    """Reviews in words that no lexicon holds: `zippo` for five stars, `meggo` for one; each text differs."""
    rng = np.random.default_rng(0)
    return [
        (f"{rng.choice(GOODS)} {rng.choice(GOODS)} no. {at} {'zippo' if at % 2 else 'meggo'}", 5.0 if at % 2 else 1.0)
        for at in range(n)
    ]


def test_words_that_the_lexicon_does_not_hold_are_learned_from_the_stars() -> None:
    polarity = train_polarity_from_ratings(*zip(*slang(300), strict=True))
    zippo, meggo = polarity(["a zippo lamp", "a meggo lamp"])
    assert zippo > 0.8
    assert meggo < 0.2
    assert (polarity.name, polarity.is_trained) == ("ngrams on 300 rated reviews", True)
    assert "300 held-out reviews: ngrams 1.000" in polarity.why


def test_too_few_rated_texts_leave_the_word_to_the_lexicon_and_it_is_said() -> None:
    rows = slang(198)  # 99 of either; a rating of 3, a blank text, no rating and a second copy do not count
    rows += [("middling", 3.0), (" ", 1.0), rows[0], rows[1]]
    texts, stars = zip(*rows, strict=True)
    polarity = train_polarity_from_ratings([*texts, "unrated"], [*stars, None])
    assert (polarity.name, polarity.is_trained) == ("lexicon", False)
    assert polarity.why == "99 rated texts praise and 99 blame, 100 of either are needed to learn"
    praise, blame = polarity(["It is excellent", "It is terrible"])
    assert praise > 0.5 > blame


def test_a_head_that_is_behind_the_lexicon_on_held_out_texts_is_not_used() -> None:
    # each review has a feeling of its own, said by no other, so a head has nothing to know the held-out ones by
    words = sorted((word, weight) for word, weight in analyser().lexicon.items() if word.isalpha() and len(word) > 5)
    sides = [[word for word, w in words if w > 1.8][:110], [word for word, w in words if w < -1.8][:110]]
    texts = [f"It was {word} for me" for side in sides for word in side]
    polarity = train_polarity_from_ratings(texts, [5.0] * 110 + [1.0] * 110)
    assert (polarity.name, polarity.is_trained) == ("lexicon", False)
    assert "220 held-out reviews: ngrams" in polarity.why


def test_the_side_with_more_texts_is_thinned_and_its_share_is_remembered() -> None:
    rows = [(f"zippo {at}", 5.0) for at in range(900)] + [(f"meggo {at}", 1.0) for at in range(100)]
    polarity = train_polarity_from_ratings(*zip(*rows, strict=True))
    assert polarity.name == "ngrams on 200 rated reviews"
    assert polarity.log_odds == pytest.approx(np.log(9.0))


def test_a_text_that_could_be_either_is_mostly_what_most_texts_are() -> None:
    undecided = Polarity(
        lambda texts: np.full(len(texts), 0.5), "head", "", is_trained=True, log_odds=float(np.log(9.0))
    )
    assert undecided.shares(["one", "two"]) == pytest.approx((0.9, 0.1))


def test_shares_by_the_lexicon_leave_out_what_it_is_silent_on() -> None:
    assert by_lexicon().shares(["It is excellent", "It is terrible", "It is wood", "It is a pot"]) == (0.25, 0.25)
    assert by_lexicon().shares([]) == (0.0, 0.0)


class Fixed:
    """A part that is sure of the second label."""

    def scores(self, texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.tile([0.0, 9.0], (len(texts), 1))


@pytest.mark.parametrize(("labels", "praise"), [(("0", "1"), 1.0), (("好评", "差评"), 0.0), (("NEG", "Pos"), 1.0)])
def test_a_classifier_of_ones_own_judges_by_what_its_labels_are_called(labels: tuple[str, str], praise: float) -> None:
    classifier = TextClassifier(labels, {"fixed": Fixed()}, {"fixed": 1.0})  # type: ignore[dict-item]
    assert by_classifier(classifier, "mine")(["any"])[0] == pytest.approx(praise, abs=1e-3)


@pytest.mark.parametrize("labels", [("a", "b"), ("0", "1", "2"), ("1", "positive")])
def test_a_classifier_of_something_else_is_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="mine has"):
        by_classifier(TextClassifier(labels, {}, {}), "mine")
