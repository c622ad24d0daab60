"""Files as others hand them over, good and bad."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.errors import DataError
from huaxiang.evaluation.sequence_file import read_items, read_sequences


def write(folder: Path, content: str | bytes, name: str = "shop.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_line_is_a_user_and_items_in_time_order(tmp_path: Path) -> None:
    read = read_sequences(write(tmp_path, "ann tea pot tea\nbob\tpot\n\n"))
    assert read.item_ids == ("tea", "pot")
    assert read.user_ids == ("ann", "bob")
    assert [row.tolist() for row in read.rows] == [[0, 1, 0], [1]]
    assert read.repeats == 1


def test_gzip_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    assert read_sequences(write(tmp_path, gzip.compress(b"ann tea\n"))).item_ids == ("tea",)


def test_a_user_without_items_is_counted_with_its_line(tmp_path: Path) -> None:
    read = read_sequences(write(tmp_path, "ann tea\nbob\ncyd pot\n"))
    assert read.without_items == (2,)
    assert read.user_ids == ("ann", "cyd")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no sequences"),
        (b"\n\n", "holds no sequences"),
        (b"ann tea\nann pot\n", "'ann' is on lines 1 and 2"),
        (b"ann \x00\x01\n", "line 1 holds a NUL byte"),
        (b"ann \xff\xfe\n", "not UTF-8"),
        (gzip.compress(b"ann tea\n", mtime=0)[:-9], "damaged gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_sequences(write(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nowhere"):
        read_sequences(tmp_path / "nowhere")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from(["茶", "a/b", "..", "🍵"]), min_size=1, max_size=5), min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, users: list[list[str]]) -> None:
    lines = "".join(f"u{n} {' '.join(items)}\n" for n, items in enumerate(users))
    read = read_sequences(write(tmp_path_factory.mktemp("shop"), lines))
    assert [[read.item_ids[i] for i in row] for row in read.rows] == users


def test_values_with_bars_or_whole_numbers_are_attributes_and_the_rest_text(tmp_path: Path) -> None:
    path = write(tmp_path, "id\ttitle\tids\tnames\ntea\tGreen Tea\t1 22\tDrinks|Hot\npot\tIron pot\t\n")
    terms = read_items(path, ["tea", "pot", "cup"])
    assert terms.words[:2] == (["green", "tea"], ["iron", "pot"])
    assert terms.attributes[0] == ["ids=1", "ids=22", "names=Drinks", "names=Hot"]
    assert (terms.missing, terms.strangers) == (1, 0)


def test_items_nobody_met_are_counted(tmp_path: Path) -> None:
    assert read_items(write(tmp_path, "id\ttitle\nlamp\tLamp\n"), ["tea"]).strangers == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\n", "one column"),
        ("id\ttitle\n", "holds no items"),
        ("id\ttitle\ntea\tTea\ntea\tTea\n", "line 3: item 'tea' is a second time"),
        ("id\ttitle\ntea\tTea\textra\n", "has 3 columns, the header 2"),
    ],
)
def test_a_bad_table_is_refused_in_words(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_items(write(tmp_path, content), ["tea"])
