"""From labelled texts to a classifier, with a checkpoint that the room made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.classifying import auto, tuned
from huaxiang.encoder.classifying.asked import Asked
from huaxiang.encoder.classifying.auto import train_classifier
from huaxiang.encoder.classifying.classifier import TextClassifier
from huaxiang.encoder.classifying.report import figures, save_classifier
from huaxiang.encoder.classifying.table import Labelled
from huaxiang.encoder.finetuning.loop import Plan
from huaxiang.encoder.optimising import DivergedError
from huaxiang.encoder.schedule import Clock
from huaxiang.errors import DataError, UnknownNameError
from tests.encoder.classifying.conftest import reviews

SHORT = Plan(epochs=2.0, batch_size=8, learning_rate=1e-3, head_learning_rate=1e-2, checks=1)


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few-shot training as short as the rest of the room."""
    monkeypatch.setattr(tuned, "plan_for_pairs", lambda _: SHORT)


def train(table: Labelled, **how: Any) -> auto.Trained:
    return train_classifier(table, Asked(threads=1, precision="fp32", **how), Clock(600))


@pytest.fixture(scope="module")
def whole(checkpoint: Path) -> auto.Trained:
    """Every candidate, trained once."""
    return train(reviews(160), encoder=str(checkpoint), plan=SHORT)


def test_every_candidate_was_tried_and_the_choice_is_explained(whole: auto.Trained) -> None:
    assert set(whole.judged) == {"ngrams", "frozen", "full"}
    assert whole.choice.why


def test_it_tells_praise_from_blame_in_texts_it_has_not_seen(whole: auto.Trained) -> None:
    unseen = reviews(60, seed=1)
    said = [prediction.labels for prediction in whole.classifier.predict(unseen.texts)]
    assert np.mean([a == b for a, b in zip(said, unseen.labels, strict=True)]) > 0.9


def test_probabilities_add_up_to_one_also_for_nothing_and_for_very_long_texts(whole: auto.Trained) -> None:
    probabilities = whole.classifier.probabilities(["", "  \n", "很好 " * 3_000, "🥾", "\ud83e half an emoji"])
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(5))
    assert probabilities[0] == pytest.approx([0.5, 0.5])


def test_what_is_kept_answers_without_torch_as_it_did_in_training(whole: auto.Trained, tmp_path: Path) -> None:
    save_classifier(whole, tmp_path / "kept", {})
    opened = TextClassifier.load(tmp_path / "kept")
    texts = reviews(30, seed=2).texts
    assert opened.probabilities(texts) == pytest.approx(whole.classifier.probabilities(texts), abs=2e-2)
    assert (opened.labels, opened.threshold) == (whole.classifier.labels, whole.classifier.threshold)


def test_a_folder_that_holds_something_else_is_left_alone(whole: auto.Trained, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all I have")
    with pytest.raises(DataError, match="holds other files"):
        save_classifier(whole, tmp_path, {})
    assert (tmp_path / "thesis.txt").read_text() == "all I have"


def test_a_full_disk_leaves_the_classifier_that_was_there(
    whole: auto.Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_classifier(whole, tmp_path / "kept", {"accuracy": 1.0})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TextClassifier, "save", full)
    with pytest.raises(DataError, match="No space left on device"):
        save_classifier(whole, tmp_path / "kept", {})
    assert TextClassifier.load(tmp_path / "kept").labels == ("bad", "good")


def test_the_report_counts_what_is_right(whole: auto.Trained) -> None:
    test = reviews(20, seed=3)
    perfect = test.targets(("bad", "good")).astype(np.float64)
    found = figures(whole, test, perfect)
    assert (found["accuracy"], found["macro_f1"], found["n_test"]) == (1.0, 1.0, 20)
    assert found["confusion"] == [[10, 0], [0, 10]]


def test_the_same_seed_gives_the_same_classifier(checkpoint: Path) -> None:
    texts = reviews(10, seed=4).texts
    both = [train(reviews(40), encoder=str(checkpoint), method="full", plan=SHORT) for _ in range(2)]
    first, second = (each.classifier.probabilities(texts) for each in both)
    assert first == pytest.approx(second, abs=1e-6)


@pytest.mark.parametrize("method", ["ngrams", "frozen", "few-shot", "lora", "adapter"])
def test_one_method_alone_is_what_answers(checkpoint: Path, method: str) -> None:
    plan = None if method == "few-shot" else SHORT
    trained = train(reviews(60), encoder=str(checkpoint), method=method, plan=plan)
    assert trained.method == method
    assert trained.classifier.probabilities(["很好 great tea", "很差 bad tea"]).shape == (2, 2)


def test_several_labels_for_a_text(checkpoint: Path) -> None:
    texts = [
        f"{a} {b} {i}" for i, (a, b) in enumerate([("价格贵", "质量好"), ("价格贵", ""), ("", "质量好"), ("", "")] * 20)
    ]
    labels = [("price", "quality"), ("price",), ("quality",), ()] * 20
    trained = train(Labelled(tuple(texts), tuple(labels)), encoder=str(checkpoint), plan=SHORT, many=True)
    said = trained.classifier.predict(["价格贵 质量好", "价格贵"])
    assert [set(each.labels) for each in said] == [{"price", "quality"}, {"price"}]


def test_one_text_in_a_class_and_two_hundred_classes() -> None:
    texts = [f"word{i % 200} thing {i}" for i in range(400)] + ["alone"]
    labels = [(f"class {i % 200}",) for i in range(400)] + [("single",)]
    trained = train(Labelled(tuple(texts), tuple(labels)), method="ngrams")
    said = [each.labels[0] for each in trained.classifier.predict(["word7 thing", "word199 thing", "alone"])]
    assert said == ["class 7", "class 199", "single"]


def test_eight_texts_are_enough_for_an_answer(checkpoint: Path) -> None:
    trained = train(reviews(8), encoder=str(checkpoint), plan=SHORT)
    assert set(trained.models) == {"ngrams", "frozen", "few-shot"}
    assert "few to weigh by" in trained.choice.why
    assert trained.classifier.probabilities(["很好"]).shape == (1, 2)


def test_without_time_there_are_ngrams_and_a_note() -> None:
    trained = train_classifier(reviews(40), Asked(threads=1), Clock(0.01))
    assert trained.method == "ngrams"
    assert "no encoder was tried" in trained.material.notes[-1]


def test_a_loss_that_is_no_number_is_an_error_where_fine_tuning_was_asked_for(checkpoint: Path) -> None:
    wild = Plan(epochs=20.0, batch_size=8, learning_rate=1e30)
    with pytest.raises(DivergedError, match="smaller learning rate"):
        train(reviews(40), encoder=str(checkpoint), method="full", plan=wild)


def test_and_a_note_where_other_candidates_stand(checkpoint: Path) -> None:
    wild = Plan(epochs=20.0, batch_size=8, learning_rate=1e30)
    trained = train(reviews(60), encoder=str(checkpoint), plan=wild)
    assert "full" not in trained.models
    assert any("fine-tuning was left out" in note for note in trained.material.notes)


def test_a_truncated_checkpoint_is_named(checkpoint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in (file for file in checkpoint.iterdir() if file.is_file()):
        data = file.read_bytes()
        (broken / file.name).write_bytes(data[:100] if file.suffix == ".safetensors" else data)
    with pytest.raises(DataError, match="broken"):
        train(reviews(40), encoder=str(broken))


def test_an_unknown_method_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'magic'; known: adalora, adapter, auto"):
        train(reviews(40), method="magic")


def test_texts_outside_are_left_unanswered(tmp_path: Path) -> None:
    inside = reviews(120)
    outside = [f"天气 weather {i} 晴 sunny" for i in range(40)]
    table = Labelled((*inside.texts, *outside), (*inside.labels, *[("none",)] * 40))
    trained = train(table, method="ngrams", outside="none")
    said = trained.classifier.predict(["很好 great tea", "天气 weather 99 晴 sunny"], abstain=True)
    assert [bool(each.labels) for each in said] == [True, False]
    test = Labelled(("很好 great tea", "天气 weather 77 sunny"), (("good",), ("none",)))
    found = figures(trained, test, trained.classifier.probabilities(test.texts))["outside"]
    assert (found["accuracy_inside"], found["recall_outside"]) == (1.0, 1.0)
    save_classifier(trained, tmp_path / "kept", {})
    assert TextClassifier.load(tmp_path / "kept").outside == "none"


def test_a_label_outside_that_no_text_has_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'weather'; known: bad, good"):
        train(reviews(40), method="ngrams", outside="weather")
    with pytest.raises(DataError, match="leave its cell empty"):
        train(reviews(40), method="ngrams", outside="bad", many=True)


def test_it_abstains_where_it_is_less_sure_than_its_threshold() -> None:
    trained = train(reviews(40), method="ngrams")
    trained.classifier.threshold = 0.999999
    assert trained.classifier.predict(["很好"], abstain=True)[0].labels == ()
    assert trained.classifier.predict(["很好"])[0].labels == ("good",)
