"""Which texts people are asked about, and what is learned from what they say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.label_file import LabelFile
from huaxiang.encoder.labelling import ROUND, Labelling, distinct
from huaxiang.errors import ConfigError, DataError
from tests.encoder.toy import ToyEncoder

ENCODER = ToyEncoder()
LABELS = ["tea", "boots"]


def shop(n: int = 120) -> tuple[list[str], list[int]]:
    """Texts of two kinds, one in ten of them about boots, each with a word of its own."""
    right = [int(at % 10 == 0) for at in range(n)]
    return [f"{LABELS[kind]} {LABELS[kind]} number{at}" for at, kind in enumerate(right)], right


def labelling(texts: list[str], *, seed: int = 0, labels: list[str] = LABELS) -> Labelling:
    return Labelling(ENCODER.encode(texts), ENCODER.encode(labels), seed=seed)


def test_before_any_answer_the_names_of_the_labels_guess() -> None:
    texts, right = shop()
    assert labelling(texts).probabilities({}).argmax(axis=1).tolist() == right


def test_names_that_say_nothing_are_overruled_by_answers() -> None:
    texts, right = shop()
    asked = labelling(texts, labels=["class one", "class two"])
    answers = {at: right[at] for at in range(30)}
    assert asked.probabilities(answers).argmax(axis=1).tolist() == right


def test_the_first_ten_are_of_every_kind_though_one_is_rare() -> None:
    # twenty kinds of equal texts apart from a number: ten clusters hold each of the four kinds below at least once
    kinds = ["tea pot", "rain boots", "desk lamp", "green chair"]
    texts = [f"{kinds[0] if at % 40 else kinds[1 + at // 40 % 3]} n{at}" for at in range(240)]
    first = labelling(texts).next_texts({}, (), ROUND)
    assert {texts[at].rsplit(" ", 1)[0] for at in first} >= {kinds[0]}
    assert len(set(first)) == ROUND


def test_what_is_asked_next_is_unclear_and_was_not_asked_before() -> None:
    # the first fifty are of one kind or the other; the last twelve are half of each
    texts = [f"{LABELS[at % 2]} {LABELS[at % 2]} n{at}" for at in range(600)] + [f"tea boots m{at}" for at in range(12)]
    asked = labelling(texts)
    answers = {at: at % 2 for at in range(20)}
    chosen = asked.next_texts(answers, [25], 10)
    margins = np.abs(np.diff(asked.probabilities(answers), axis=1)).ravel()
    assert not set(chosen) & {*range(20), 25}
    assert any(at >= 600 for at in chosen)
    assert margins[chosen].max() <= np.sort(margins)[150]


def test_the_same_answers_lead_to_the_same_questions() -> None:
    texts, right = shop()
    answers = {at: right[at] for at in range(0, 60, 4)}
    first, again = (labelling(texts).next_texts(answers, (), 7) for _ in range(2))
    assert first == again
    assert len(set(first)) == 7


def test_the_first_round_goes_on_where_it_was_left() -> None:
    texts, _ = shop()
    asked = labelling(texts)
    whole = asked.next_texts({}, (), ROUND)
    assert asked.next_texts({whole[0]: 0}, whole[1:3], ROUND) == whole[3:]


def test_everything_is_asked_about_once_until_nothing_is_left() -> None:
    texts, right = shop(23)
    asked, answers = labelling(texts), dict[int, int]()
    while chosen := asked.next_texts(answers, (), ROUND):
        assert not set(chosen) & set(answers)
        answers |= {at: right[at] for at in chosen}
    assert sorted(answers) == list(range(23))


def test_copies_are_no_cluster_of_their_own() -> None:
    texts = ["tea", "boots"] * 30
    assert len(set(labelling(texts).next_texts({}, (), ROUND))) == ROUND


def test_the_estimate_is_near_what_is_right_of_the_rest() -> None:
    texts, right = shop()
    answers = {at: right[at] for at in range(0, 120, 3)}
    said = labelling(texts).estimate(answers)
    assert 0.9 < said.low <= said.accuracy <= said.high <= 1.0


def test_labels_that_are_drawn_by_lot_are_estimated_to_be_so() -> None:
    texts, _ = shop()
    lots = np.random.default_rng(0).integers(0, 2, 120)
    said = labelling(texts).estimate({at: int(lots[at]) for at in range(60)})
    assert said.accuracy < 0.75


def test_too_few_answers_tell_nothing() -> None:
    texts, _ = shop()
    assert np.isnan(labelling(texts).estimate({0: 1}).accuracy)


def test_one_label_and_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match="two or more"):
        labelling(["tea"], labels=["tea"])
    with pytest.raises(DataError, match="no text"):
        labelling([])


@given(st.lists(st.text(alphabet="ab \n", max_size=4), max_size=20), st.integers(1, 6))
def test_a_text_is_kept_once_and_blanks_never(texts: list[str], most: int) -> None:
    places = distinct(texts, most)
    kept = [" ".join(texts[at].split()) for at in places]
    assert len(places) <= most
    assert len(kept) == len(set(kept))
    assert all(kept)
    assert bool(places) == any(text.strip() for text in texts)


def test_answers_are_on_disk_after_each_and_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    file = LabelFile.open(path, LABELS)
    for text, said in (('a "pot",\nred', "tea"), ("雨靴", "boots"), ("?", "")):
        file.add(text, said)
        assert LabelFile.open(path, LABELS).answers == file.answers
    assert list(file.answers.values()) == ["tea", "boots", ""]
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.csv"]


def test_undo_takes_back_one_after_the_other(tmp_path: Path) -> None:
    file = LabelFile.open(tmp_path / "labels.csv", LABELS)
    file.add("a", "tea")
    file.add("b", "")
    assert [file.undo(), file.undo(), file.undo()] == [("b", ""), ("a", "tea"), None]
    assert LabelFile.open(tmp_path / "labels.csv", LABELS).answers == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("id,name\n1,tea\n", "no file of labels"),
        ("", "no file of labels"),
        ("text,label\na\n", "no file of labels"),
        ("text,label\na,hats\n", "does not name: hats"),
        ("text,label\n\udcff", "cannot be read"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, body: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(body.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    with pytest.raises(DataError, match=said):
        LabelFile.open(path, LABELS)
    assert path.read_bytes() == before


def test_a_folder_that_is_gone_keeps_what_was_said_before(tmp_path: Path) -> None:
    file = LabelFile.open(tmp_path / "gone" / "labels.csv", LABELS)
    with pytest.raises(DataError, match="cannot be written"):
        file.add("a", "tea")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(["", *LABELS]), max_size=5))
@settings(deadline=None, max_examples=40)
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    file = LabelFile.open(path, LABELS)
    for text, said in answers.items():
        file.add(text, said)
    assert LabelFile.open(path, LABELS).answers == answers
