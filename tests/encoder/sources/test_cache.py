"""The cache of converted checkpoints: made once, whole or not at all, by one of two processes, again when damaged."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from huaxiang.encoder.sources.cache import cache_folder, converted, is_whole
from huaxiang.errors import DataError


class Writer:
    """Writes a small checkpoint and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "config.json").write_text("{}", encoding="utf-8")
        (folder / "model.safetensors").write_bytes(b"weights")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUAXIANG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_written_once_with_what_it_was_made_from(cache: Path) -> None:
    writer = Writer()
    first, second = (converted("tea", writer, {"prefix": "query: "}) for _ in range(2))
    assert (first, second, writer.times) == (cache / "tea", cache / "tea", 1)
    said = json.loads((cache / "tea" / "huaxiang.json").read_text(encoding="utf-8"))
    assert (said["prefix"], sorted(said["files"])) == ("query: ", ["config.json", "model.safetensors"])


def test_without_a_word_it_lies_where_this_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUAXIANG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == Path("/elsewhere/huaxiang")


def _lose(folder: Path) -> None:
    (folder / "config.json").unlink()


def _cut(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weig")


def _alter(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"Weights")


def _garble(folder: Path) -> None:
    (folder / "huaxiang.json").write_text('{"files": ["a"', encoding="utf-8")


def _empty(folder: Path) -> None:
    (folder / "huaxiang.json").write_text("[]", encoding="utf-8")


@pytest.mark.parametrize("damage", [_lose, _cut, _alter, _garble, _empty])
def test_what_is_damaged_is_made_again(damage: Callable[[Path], None]) -> None:
    writer = Writer()
    folder = converted("tea", writer, {})
    damage(folder)
    assert not is_whole(folder)
    assert converted("tea", writer, {}) == folder
    assert (is_whole(folder), writer.times) == (True, 2)


def test_what_a_killed_process_left_behind_is_removed(cache: Path) -> None:
    (cache / ".tea.partial").mkdir(parents=True)
    (cache / ".tea.partial" / "junk.bin").write_bytes(b"half")
    folder = converted("tea", Writer(), {})
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "huaxiang.json", "model.safetensors"]
    assert not (cache / ".tea.partial").exists()


def test_a_full_disk_is_said_and_nothing_half_made_stays(cache: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"wei")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=r"cannot be written: No space left on device.*HUAXIANG_CACHE"):
        converted("tea", fill, {})
    assert [path.name for path in cache.iterdir()] == [".tea.lock"]


def test_a_disk_that_is_full_while_weights_are_written_is_said_too(cache: Path) -> None:
    from safetensors import SafetensorError

    def fill(folder: Path) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(DataError, match=r"No space left on device.*HUAXIANG_CACHE"):
        converted("tea", fill, {})
    assert not (cache / "tea").exists()


def test_a_cache_that_cannot_be_a_folder_is_said(cache: Path) -> None:
    cache.write_text("a file stands in the way", encoding="utf-8")
    with pytest.raises(DataError, match="HUAXIANG_CACHE"):
        converted("tea", Writer(), {})


def test_what_is_wrong_with_the_source_is_no_matter_of_the_cache() -> None:
    def refuse(folder: Path) -> None:
        raise DataError("e5.bin ends early")

    with pytest.raises(DataError, match=r"^e5\.bin ends early$"):
        converted("tea", refuse, {})


def test_of_two_processes_at_once_one_makes_it_and_both_have_it(cache: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from huaxiang.encoder.sources.cache import converted, is_whole
def slowly(folder):
    (folder / "a").write_text("x")
    time.sleep(0.5)
    Path(sys.argv[1], "made").open("a").write("once ")
folder = converted("tea", slowly, {})
print(is_whole(folder))
"""
    command = [sys.executable, "-c", code, str(cache.parent)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["True", "True"]
    assert (cache.parent / "made").read_text() == "once "
