"""What people tagged is answered as they tagged it."""

from pathlib import Path

import pytest

from huaxiang.encoder.tagging.memory import MEMORY_FILE, Memory
from huaxiang.encoder.tagging.spans import Span, Tagged
from huaxiang.errors import DataError


def title(text: str, *labels: str) -> Tagged:
    return Tagged(text, tuple((i, i + 1) for i in range(len(text))), labels)


ENERGY = title("红牛罐", "B-brand", "I-brand", "O")


def test_a_title_that_was_tagged_is_known_for_certain_and_another_is_not() -> None:
    memory = Memory.of([ENERGY])
    assert memory.spans("红牛罐") == (Span(0, 2, "brand", "红牛", 1.0),)
    assert memory.spans("红牛罐装") is None
    assert memory.labels(ENERGY) == ENERGY.labels


def test_a_title_without_a_tag_is_known_to_have_none() -> None:
    assert Memory.of([title("罐", "O")]).spans("罐") == ()


def test_a_title_that_was_tagged_in_two_ways_is_not_remembered() -> None:
    memory = Memory.of([ENERGY, title("红牛罐", "B-brand", "O", "O"), ENERGY, title("罐", "O")])
    assert (len(memory), memory.spans("红牛罐")) == (1, None)


def test_units_of_another_cut_get_the_same_spans() -> None:
    words = Tagged("红牛罐", ((0, 2), (2, 3)), ("O", "O"))
    assert Memory.of([ENERGY]).labels(words) == ("B-brand", "O")


def test_it_is_what_it_was_after_saving_and_holds_no_title(tmp_path: Path) -> None:
    Memory.of([ENERGY]).save(tmp_path)
    assert Memory.load(tmp_path) == Memory.of([ENERGY])
    assert "红" not in (tmp_path / MEMORY_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["{oops", "[1]", '{"a": [[1, 2]]}'])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MEMORY_FILE).write_text(text)
    with pytest.raises(DataError, match="fine-tune the tagger again"):
        Memory.load(tmp_path)
