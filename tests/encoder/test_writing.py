"""Folders that are written whole or not at all."""

from pathlib import Path

import pytest
from safetensors import SafetensorError

from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError


def put(out: Path, text: str) -> None:
    with replacing(out) as partial:
        (partial / "file").write_text(text)


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    put(tmp_path / "out", "new")
    assert (tmp_path / "out" / "file").read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def fail(out: Path, error: Exception) -> None:
    with replacing(out) as partial:
        (partial / "file").write_text("half")
        raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "no room on the disk"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "no room on the disk"),
        (Exception("No space left on device (os error 28)"), "no room on the disk"),
        (PermissionError(13, "Permission denied"), "could not be written"),
    ],
)
def test_what_cannot_be_written_is_said_and_what_was_there_stays(tmp_path: Path, error: Exception, said: str) -> None:
    put(tmp_path / "out", "old")
    with pytest.raises(DataError, match=said):
        fail(tmp_path / "out", error)
    assert (tmp_path / "out" / "file").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_where_the_new_folder_cannot_take_the_place_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "out", "old")
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name == ".out.partial":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(DataError, match="untouched"):
        put(tmp_path / "out", "new")
    assert (tmp_path / "out" / "file").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError), replacing(tmp_path / "out"):
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_folder_left_between_two_renames_comes_back(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    (tmp_path / "out").rename(tmp_path / ".out.former")
    with pytest.raises(KeyError), replacing(tmp_path / "out"):
        raise KeyError
    assert (tmp_path / "out" / "file").read_text() == "old"
