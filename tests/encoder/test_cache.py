"""A second encode is free: vectors outlive the process, stay within their space, and never cost an answer."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from huaxiang.encoder import Encoder, OnnxEncoder
from huaxiang.encoder.cache import CachedEncoder
from huaxiang.errors import ConfigError
from huaxiang.types import Vectors
from tests.contracts.encoder import EncoderContract
from tests.encoder.conftest import Trained


class Counting:
    """Four directions, one for each length of a text modulo four; remembers what it was asked."""

    d, name = 4, "counting"

    def __init__(self, fingerprint: str = "first") -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        vectors = np.zeros((len(texts), 4), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[len(text) % 4] = float(bool(text.strip()))
        return vectors


class TestInMemory(EncoderContract):
    @pytest.fixture
    def encoder(self, trained: Trained) -> Encoder:
        return CachedEncoder(OnnxEncoder.load(trained.folder))


class TestInAFolder(EncoderContract):
    @pytest.fixture
    def encoder(self, trained: Trained, tmp_path: Path) -> Encoder:
        return CachedEncoder(OnnxEncoder.load(trained.folder), tmp_path)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_text_is_computed_once_however_often_it_is_asked(in_memory: bool, tmp_path: Path) -> None:
    encoder = Counting()
    cached = CachedEncoder(encoder, None if in_memory else tmp_path)
    cached.encode(["tea", "pot", "tea"])
    cached.encode(["pot", "cup", "tea"])
    assert encoder.asked == ["tea", "pot", "cup"]
    assert (cached.hits, cached.misses) == (2, 4)


def test_what_one_process_computed_the_next_one_finds(tmp_path: Path) -> None:
    with CachedEncoder(Counting(), tmp_path) as cached:
        first = cached.encode(["tea", "boots"])
    encoder = Counting()
    np.testing.assert_array_equal(CachedEncoder(encoder, tmp_path).encode(["boots", "tea"]), first[::-1])
    assert encoder.asked == []


def test_another_encoder_s_vectors_are_never_shown(tmp_path: Path) -> None:
    with CachedEncoder(Counting("first"), tmp_path) as cached:
        cached.encode(["tea"])
    encoder = Counting("second")
    CachedEncoder(encoder, tmp_path).encode(["tea"])
    assert encoder.asked == ["tea"]


def test_blank_texts_take_no_space(tmp_path: Path) -> None:
    CachedEncoder(Counting(), tmp_path).encode(["", " "])
    assert space(tmp_path) == 0


def space(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_torn_tail_is_dropped_and_the_rest_is_kept(tmp_path: Path) -> None:
    # Killed while writing: a third vector is there whole, its key only by half.
    with CachedEncoder(Counting(), tmp_path) as cached:
        cached.encode(["tea", "boots"])
    with (tmp_path / "first" / "000001.vectors").open("ab") as file:
        file.write(np.array([1, 0, 0, 0], dtype=np.float32).tobytes())
    with (tmp_path / "first" / "000001.keys").open("ab") as file:
        file.write(b"12345678")
    encoder = Counting()
    with CachedEncoder(encoder, tmp_path) as cached:
        cached.encode(["tea", "boots", "a pot"])
    assert encoder.asked == ["a pot"]
    assert space(tmp_path) == 3 * (16 + 4 * 4)
    np.testing.assert_array_equal(CachedEncoder(Counting(), tmp_path).encode(["a pot"]), [[0, 1, 0, 0]])


def test_keys_without_their_vectors_are_dropped(tmp_path: Path) -> None:
    with CachedEncoder(Counting(), tmp_path) as cached:
        cached.encode(["tea", "boots"])
    os.truncate(tmp_path / "first" / "000001.vectors", 20)
    encoder = Counting()
    CachedEncoder(encoder, tmp_path).encode(["tea", "boots"])
    assert encoder.asked == ["boots"]


def test_a_row_that_the_disk_lost_is_computed_again(tmp_path: Path) -> None:
    with CachedEncoder(Counting(), tmp_path) as cached:
        cached.encode(["tea", "boots"])
    (tmp_path / "first" / "000001.vectors").write_bytes(bytes(16) + np.array([0, 1, 0, 0], dtype=np.float32).tobytes())
    encoder = Counting()
    with CachedEncoder(encoder, tmp_path) as cached:
        np.testing.assert_array_equal(cached.encode(["tea", "tea"]), [[0, 0, 0, 1]] * 2)
        cached.encode(["tea"])
    assert encoder.asked == ["tea"]


def test_a_second_process_reads_and_keeps_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    owner = CachedEncoder(Counting(), tmp_path)
    owner.encode(["tea"])
    encoder = Counting()
    guest = CachedEncoder(encoder, tmp_path)
    guest.encode(["tea", "boots"])
    assert encoder.asked == ["boots"]
    assert space(tmp_path) == 16 + 4 * 4
    assert "another process" in guest.notes[0]
    assert len(caplog.records) == 1


def test_who_closes_lets_the_next_one_keep(tmp_path: Path) -> None:
    CachedEncoder(Counting(), tmp_path).close()
    with CachedEncoder(Counting(), tmp_path) as cached:
        cached.encode(["tea"])
    assert cached.notes == []
    assert space(tmp_path) == 16 + 4 * 4


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_was_used_lately_stays_when_the_space_is_full(in_memory: bool, tmp_path: Path) -> None:
    # 32 bytes a text and 256 allowed: two generations of four. "tea" is used between each, so it is carried along.
    encoder = Counting()
    cached = CachedEncoder(encoder, None if in_memory else tmp_path, max_mb=256e-6)
    for n in range(8):
        cached.encode(["tea", "x" * n + "1"])
        assert in_memory or space(tmp_path) <= 256
    assert encoder.asked.count("tea") == 1
    cached.encode(["1"])
    assert encoder.asked.count("1") == 2


def test_more_texts_than_the_space_holds_are_all_answered(tmp_path: Path) -> None:
    cached = CachedEncoder(Counting(), tmp_path, max_mb=256e-6)
    vectors = cached.encode(["x" * n for n in range(1, 41)])
    assert vectors.argmax(axis=1).tolist() == [n % 4 for n in range(1, 41)]
    assert space(tmp_path) <= 256


def test_an_old_encoder_s_vectors_make_room_for_the_new_one_s(tmp_path: Path) -> None:
    with CachedEncoder(Counting("old"), tmp_path, max_mb=0.1) as cached:
        cached.encode([f"old {n}" for n in range(1_000)])
    with CachedEncoder(Counting("new"), tmp_path, max_mb=0.1) as cached:
        cached.encode([f"new {n}" for n in range(2_400)])
    assert space(tmp_path) <= 100_000
    assert not (tmp_path / "old").exists()


def test_a_neighbouring_folder_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(bytes(200_000))
    with CachedEncoder(Counting(), tmp_path, max_mb=0.1) as cached:
        cached.encode([f"{n}" for n in range(2_400)])
    assert (tmp_path / "photos" / "cat.jpg").stat().st_size == 200_000


def test_a_space_for_nothing_and_a_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        CachedEncoder(Counting(), tmp_path / "file")
    with pytest.raises(ConfigError, match="at least 1 MB"):
        CachedEncoder(Counting(), max_mb=1e-6)


FULL_DISK = """
    import logging, resource, signal, sys
    import numpy as np
    from huaxiang.encoder.cache import CachedEncoder
    from tests.encoder.test_cache import Counting

    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    cached = CachedEncoder(Counting(), sys.argv[1])
    cached.encode(["tea"])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
    for n in range(3):
        print(cached.encode(["tea", f"text {n}"]).argmax(axis=1).tolist())
"""


def test_a_full_disk_is_said_once_and_encoding_goes_on(tmp_path: Path) -> None:
    # Files may grow to 40 bytes: two vectors and a half. Every text is answered; the half vector is cut off again.
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[3, 2]"] * 3
    assert len([line for line in lines if "not kept any more" in line]) == 1
    assert space(tmp_path) == 2 * (16 + 4 * 4)


KILLED = """
    import sys
    from huaxiang.encoder.cache import CachedEncoder
    from tests.encoder.test_cache import Counting

    cached = CachedEncoder(Counting(), sys.argv[1])
    n = 0
    while True:
        cached.encode([f"text {n + i}" for i in range(50)])
        n += 50
        print(n, flush=True)
"""


def test_what_was_kept_survives_kill_9(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 500:
        pass
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    encoder = Counting()
    with CachedEncoder(encoder, tmp_path) as cached:
        vectors = cached.encode([f"text {n}" for n in range(500)])
    assert encoder.asked == []
    assert vectors.argmax(axis=1).tolist() == [len(f"text {n}") % 4 for n in range(500)]
    assert cached.notes == []
