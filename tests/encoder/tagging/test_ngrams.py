"""N-grams alone, beside a network, and how sure both are; the dictionary that all must beat."""

from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder.tagging.chain import Chain
from huaxiang.encoder.tagging.dictionary import Dictionary
from huaxiang.encoder.tagging.files import TaggedFile, read_tagged
from huaxiang.encoder.tagging.mixture import (
    WITHOUT_CHOICE,
    Part,
    best,
    choose_weight,
    confidences,
    fitted_temperature,
    mixed,
)
from huaxiang.encoder.tagging.ngrams import Ngrams, features_of
from huaxiang.encoder.tagging.spans import Tagged, agreement, label_names
from huaxiang.errors import DataError

NAMES = label_names(["brand", "type"])
K = len(NAMES)
ENGLISH = [
    "Fresh O\nUji B-brand\nGreen B-type\nTea I-type\n, O\n50g O",
    "Uji B-brand\nTeapot B-type\nin O\nblue O",
    "Strider B-brand\n& I-brand\nCo I-brand\nRain B-type\nBoots I-type\n, O\nblue O",
    "New O\nStrider B-brand\n& I-brand\nCo I-brand\nHiking B-type\nBoots I-type",
]


def scores(*labels: str, by: float = 1.0) -> Part:
    """A part that says these labels, so sure."""
    emissions_UK = np.zeros((len(labels), K))
    emissions_UK[np.arange(len(labels)), [NAMES.index(label) for label in labels]] = by
    return Part([emissions_UK], Chain.of(NAMES))


def text(*labels: str) -> Tagged:
    return Tagged("x" * len(labels), tuple((i, i + 1) for i in range(len(labels))), labels)


def test_ngrams_learn_english_words_and_find_them_in_other_titles(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from huaxiang.encoder.tagging.ngram_training import fit_ngrams

    path = tmp_path / "train.txt"
    path.write_text("\n\n".join(ENGLISH * 4), encoding="utf-8")
    learned = read_tagged(path)
    ngrams, chain = fit_ngrams(learned.texts, NAMES, rng=np.random.default_rng(0), seconds=30.0)
    title = "Blue Strider & Co Hiking Boots"
    units = ((0, 4), (5, 12), (13, 14), (15, 17), (18, 24), (25, 30))
    found = best(Part([ngrams.emissions(title, units)], chain))[0]
    assert [span.text for span in Tagged(title, units, found).spans if span.label == "brand"] == ["Strider & Co"]


def test_ngrams_are_what_they_were_after_saving(tmp_path: Path) -> None:
    weights_FK = np.random.default_rng(0).normal(size=(2, K)).astype(np.float32)
    ngrams = Ngrams({"0=红": 1, "any": 0}, weights_FK)
    ngrams.save(tmp_path)
    again = Ngrams.load(tmp_path, K)
    np.testing.assert_array_equal(again.emissions("红牛", [(0, 1), (1, 2)]), ngrams.emissions("红牛", [(0, 1), (1, 2)]))
    np.testing.assert_allclose(again.emissions("红", [(0, 1)])[0], weights_FK.sum(axis=0), rtol=1e-6)


def test_ngrams_of_other_labels_are_refused(tmp_path: Path) -> None:
    Ngrams({"any": 0}, np.zeros((1, K), dtype=np.float32)).save(tmp_path)
    with pytest.raises(DataError, match="train again"):
        Ngrams.load(tmp_path, K + 2)


def test_ngrams_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not open"):
        Ngrams.load(tmp_path, K)


def test_features_tell_a_unit_from_its_neighbours_its_shape_and_its_place_in_a_word() -> None:
    first, second = features_of("运动鞋", [(0, 2), (2, 3)])
    assert {"0=运动", "1=鞋", "shape=h"} <= set(first)
    assert {"0=鞋", "-1=运动", "place=E", "word=运动鞋"} <= set(second)


def test_a_weight_decides_between_two_that_disagree() -> None:
    brand, plain = scores("B-brand", by=1.0), scores("O", by=1.0)
    assert best(mixed([(1.0, brand), (0.5, plain)])) == [("B-brand",)]
    assert best(mixed([(1.0, brand), (1.5, plain)])) == [("O",)]


def test_held_out_texts_choose_the_weight_that_is_right() -> None:
    weight, f1 = choose_weight(scores("O", by=1.0), scores("B-brand", by=1.0), [text("B-brand")])
    assert weight == 1.5
    assert (f1[0.0], f1[1.5]) == (0.0, 1.0)


def test_without_held_out_texts_the_weight_is_the_usual_one() -> None:
    assert choose_weight(scores("O"), scores("O"), []) == (WITHOUT_CHOICE, {})


def test_a_part_that_is_sure_and_half_wrong_is_made_less_sure() -> None:
    part = Part([*scores("B-brand", by=6.0).emissions] * 2, Chain.of(NAMES))
    held = [text("B-brand"), text("B-type")]
    temperature = fitted_temperature(part, held)
    sure_N, right_N = confidences(part, held, best(part), temperature)
    assert right_N.tolist() == [True, False]
    assert sure_N == pytest.approx([0.5, 0.5], abs=0.05)
    assert temperature > 2.0


def test_where_no_span_is_found_the_temperature_stays() -> None:
    assert fitted_temperature(scores("O"), [text("O")]) == 1.0


def test_the_dictionary_takes_the_longest_span_it_knows(shop: TaggedFile) -> None:
    known = Dictionary().fit(
        [text_of("红牛饮料", (0, 2, "brand"), (2, 4, "type")), text_of("饮料茶壶", (0, 4, "type"))]
    )
    assert known.predict([text_of("红牛饮料茶壶")]) == [("B-brand", "I-brand", "B-type", "I-type", "I-type", "I-type")]
    assert agreement([t.labels for t in shop.texts], Dictionary().fit(shop.texts).predict(shop.texts)).f1 == 1.0


def test_a_word_that_is_mostly_no_brand_is_none() -> None:
    texts = [text_of("新款", (0, 1, "brand")), text_of("新红"), text_of("新茶")]
    assert Dictionary().fit(texts).predict([text_of("新")]) == [("O",)]


def text_of(title: str, *spans: tuple[int, int, str]) -> Tagged:
    labels = ["O"] * len(title)
    for start, end, name in spans:
        labels[start:end] = [f"B-{name}"] + [f"I-{name}"] * (end - start - 1)
    return Tagged(title, tuple((i, i + 1) for i in range(len(title))), tuple(labels))
