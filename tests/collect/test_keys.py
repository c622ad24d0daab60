"""Secrets beside the log: made once, for their owner's eyes, and destroyed when they are changed."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.collect.keys import KeyFile, Keys, is_pseudonym, version_of
from huaxiang.collect.pseudonyms import opened, seal
from huaxiang.errors import ConfigError

_KEYS = Keys(b"1" * 32, b"2" * 32, b"3" * 32, 1)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    files = [KeyFile(tmp_path) for _ in range(8)]
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda file=file: found.append(file.read(create=True).one_way)) for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert stat.S_IMODE(files[0].path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files[0].path.parent.stat().st_mode) == 0o700
    assert [path.name for path in files[0].path.parent.iterdir()] == ["default.json"]


def test_missing_and_damaged_keys_are_named_with_the_way_out(tmp_path: Path) -> None:
    file = KeyFile(tmp_path, "acme")
    with pytest.raises(ConfigError, match=r"acme\.json.*put the file back"):
        file.read(create=False)
    file.read(create=True)
    file.path.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        file.read(create=True)


def test_a_change_of_keys_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    file = KeyFile(tmp_path)
    file.read(create=True)
    old, new = file.prepare()
    assert file.prepare() == (old, new)  # the same ones again
    assert (old.one_way, old.signing, old.version, new.version) == (new.one_way, new.signing, 1, 2)
    assert old.pseudonym != new.pseudonym
    file.settle(1)  # the log stands under the old ones still
    assert file.read(create=False) == old
    file.settle(2)
    assert file.read(create=False) == new
    assert [path.name for path in file.path.parent.iterdir()] == ["default.json"]
    file.settle(2)
    assert file.read(create=False) == new


@given(st.text(min_size=1), st.text(min_size=1))
def test_pseudonyms_and_fingerprints_tell_ids_apart_and_sealed_ids_open(one: str, other: str) -> None:
    keys = _KEYS
    assert is_pseudonym(keys.pseudonym_of(one))
    assert version_of(keys.pseudonym_of(one)) == 1
    assert (keys.pseudonym_of(one) == keys.pseudonym_of(other)) == (one == other)
    assert keys.fingerprint("a", one) != keys.fingerprint("b", one)
    assert opened(keys, seal(keys, one)) == one
    with pytest.raises(ConfigError, match="does not open"):
        opened(keys.rotated(), seal(keys, one))
