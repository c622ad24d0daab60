"""Few labels: a head of means, below the last layer where that is better, and taught by the labels' own words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AlbertConfig, AlbertForMaskedLM

from huaxiang.encoder.classifying.classical import fit_on_vectors
from huaxiang.encoder.classifying.frozen import fit_frozen, fit_scarce, is_scarce, label_words
from huaxiang.encoder.classifying.material import Material, material_of
from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.schedule import Clock
from huaxiang.encoder.start import start_as_bag_of_words
from tests.encoder.classifying.conftest import reviews

CLASSES = {"green tea": "green tea leaves", "desk lamp": "desk lamp brass", "walking boot": "walking boot leather"}


def material(train: Labelled, *, many: bool = False) -> Material:
    return material_of(train, Clock(60.0), seed=0, many=many, balanced=False)


def network(texts: tuple[str, ...], layers: int = 1) -> Network:
    torch.manual_seed(0)
    shape = Shape(hidden=32, layers=layers, heads=2, inner=64, vocabulary=300, max_tokens=32)
    made = new_network(texts, shape)
    start_as_bag_of_words(made.lm, made.tokens.ids(texts), made.tokenizer.all_special_ids, np.random.default_rng(0))
    return made


def goods(n: int) -> Labelled:
    """`n` texts a class that share one word with its label, and hold two of all the words there are."""
    rng = np.random.default_rng(0)
    others = ["new", "fine", "sale", "gift", "old", "big"]
    texts, labels = [], []
    for at in range(n):
        for label, words in CLASSES.items():
            texts.append(f"{rng.choice(others)} {rng.choice(words.split())} {rng.choice(others)} {at}")
            labels.append((label,))
    return Labelled(tuple(texts), tuple(labels))


def test_sixteen_texts_a_class_are_few_and_seventeen_are_not() -> None:
    assert is_scarce(material(reviews(32)))
    assert not is_scarce(material(reviews(33)))


def test_texts_of_several_labels_are_not_read_so() -> None:
    assert not is_scarce(material(reviews(20), many=True))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (("card_arrival", "exchange-rate"), ["card arrival", "exchange rate"]),
        (("好评", "差评"), ["好评", "差评"]),
        (("0", "1"), []),
        (("a", "green tea"), []),
        (("no", "yes"), []),
        (("class 1", "class 2"), ["class", "class"]),
    ],
)
def test_labels_that_say_something_are_read(classes: tuple[str, ...], words: list[str]) -> None:
    assert label_words(classes) == words


def test_one_scale_for_all_widths_leaves_their_proportions() -> None:
    rng = np.random.default_rng(0)
    vectors_ND = (rng.normal(size=(40, 3)) * [1.0, 10.0, 0.1]).astype(np.float32)
    targets_NC = np.eye(2, dtype=np.float32)[(vectors_ND[:, 0] + vectors_ND[:, 2] > 0).astype(int)]
    head = fit_on_vectors(vectors_ND, targets_NC, material(reviews(40)), 1.0, one_scale=True)
    size = np.sqrt(np.square(vectors_ND - vectors_ND.mean(axis=0)).sum(axis=1).mean())
    by_hand = fit_on_vectors(vectors_ND / size, targets_NC, material(reviews(40)), 1.0, one_scale=True)
    np.testing.assert_allclose(head.weights_CF * size, by_hand.weights_CF, rtol=1e-2)


def test_the_words_of_the_labels_teach_and_never_judge() -> None:
    train = goods(3)
    given = material(train)
    found = fit_scarce(network((*train.texts, *CLASSES)), given, False)
    assert len(found.head.judged.scores_HC) == len(given.held_N) == 9
    assert "labels' words taught too" in given.notes[-1]
    said = found.scores(["brass", "leather", "leaves"]).argmax(axis=1)
    assert [given.classes[at] for at in said] == ["desk lamp", "walking boot", "green tea"]


def test_what_there_is_no_time_to_read_twice_is_read_once_or_left_out() -> None:
    train = reviews(16)
    whole, given = network(train.texts, layers=3), material(train)
    assert fit_scarce(whole, given, False, below=False).network is whole
    assert fit_frozen(whole, given, bf16=False, seconds=0.0) is None
    assert "was left out" in given.notes[-1]


def test_layers_that_cannot_be_taken_apart_are_left_together() -> None:
    train = reviews(16)
    whole = network(train.texts)
    config = AlbertConfig(
        vocab_size=whole.tokenizer.vocab_size + 100,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
    )
    shared = replace(whole, lm=AlbertForMaskedLM(config), name="shared")
    assert fit_scarce(shared, material(train), False).network is shared


def test_where_every_label_has_one_text_nothing_judges_and_that_is_said() -> None:
    given = material(Labelled(("green tea", "desk lamp"), (("tea",), ("lamp",))))
    assert given.folds == []
    fit_scarce(network(given.train.texts), given, False)
    assert "nothing was held out that could judge" in given.notes[-1]


def test_a_layer_is_taken_off_where_the_others_tell_more(tmp_path: Path) -> None:
    train = reviews(16)
    whole = network(train.texts, layers=3)
    with torch.no_grad():  # the last layer turns everything into one vector
        last = whole.lm.base_model.encoder.layer[-1].output
        last.LayerNorm.weight.zero_()
        last.LayerNorm.bias.fill_(1.0)
    given = material(train)
    found = fit_scarce(whole, given, False)
    assert found.network.name == f"{whole.name}-2-layers"
    assert found.head.judged.accuracy > 0.7
    found.save(tmp_path / "kept", list(train.texts[:4]))
    assert (tmp_path / "kept" / "encoder").is_dir()
    assert int(whole.lm.config.num_hidden_layers) == 3  # fine-tuning still begins with all of it
