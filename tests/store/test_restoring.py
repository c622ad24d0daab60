"""A restore leaves the old shop or the new one, whatever breaks off, and never what was altered."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.errors import ConfigError, StoreError, StoreFullError
from huaxiang.store import backup_files
from tests.store.place import KILLED, Place


@pytest.fixture
def shop(tmp_path: Path) -> Place:
    place = Place(tmp_path / "shop")
    place.sell("ann", "tea", "pot")
    return place


def test_a_whole_release_takes_the_place_of_a_damaged_one(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = shop.releases.root / shop.train("weights") / "encoder" / "weights"
    kept = shop.keep()
    weights.unlink()
    weights.write_text("other")
    shop.put_back(kept.name)
    assert weights.read_text() == "weights"
    assert [path.name for path in shop.releases.root.glob(".*")] == []


@pytest.mark.parametrize("stage", ["checking", "copying"])
def test_a_killed_restore_leaves_the_old_shop(shop: Place, stage: str) -> None:
    name = shop.keep().name
    shop.sell("bob", "cup")
    ended = subprocess.run([sys.executable, "-c", KILLED, shop.folder, stage, name], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (shop.seen("ann"), shop.seen("bob")) == (["tea", "pot"], ["cup"])
    with shop.backups.alone():
        assert sorted(path.name for path in shop.backups.root.iterdir()) == [".lock", name]


def test_a_restore_that_breaks_off_leaves_each_database_whole_and_can_be_run_again(
    shop: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sell("zoe", "ink", tenant="acme")
    name = shop.keep().name
    shop.sell("zoe2", "pen", tenant="acme")
    shop.sell("bob", "cup")
    place, placed = backup_files.put_in_place, list[str]()

    def once(staged: Path, target: Path) -> None:
        if placed:
            raise KeyboardInterrupt
        place(staged, target)
        placed.append(target.name)

    with monkeypatch.context() as broken:
        broken.setattr(backup_files, "put_in_place", once)
        with pytest.raises(KeyboardInterrupt):
            shop.put_back(name)
    assert placed == ["shop.acme.db"]
    assert (shop.seen("zoe", "acme"), shop.seen("zoe2", "acme"), shop.seen("bob")) == (["ink"], [], ["cup"])
    shop.put_back(name)
    assert (shop.seen("ann"), shop.seen("bob")) == (["tea", "pot"], [])


def test_a_full_disk_at_restoring_leaves_the_old_shop(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    name = shop.keep().name
    shop.sell("bob", "cup")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_files, "copy_synced", refuse)
    with pytest.raises(StoreFullError, match="no room in"):
        shop.put_back(name)
    assert shop.seen("bob") == ["cup"]
    assert sorted(path.name for path in shop.backups.root.iterdir()) == [".lock", name]


def test_a_database_on_another_disk_is_restored_by_a_copy_beside_it(
    shop: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = shop.keep().name
    shop.sell("bob", "cup")
    rename = Path.replace

    def across(self: Path, target: Path) -> Path:
        if self.parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", across)
    shop.put_back(name)
    assert (shop.seen("ann"), shop.seen("bob")) == (["tea", "pot"], [])
    assert list(shop.folder.glob(".*")) == []


def test_a_shop_is_replaced_only_when_that_is_said(shop: Place) -> None:
    name = shop.keep().name
    shop.sell("bob", "cup")
    with pytest.raises(ConfigError, match="give --yes"):
        shop.put_back(name, overwrite=False)
    assert shop.seen("bob") == ["cup"]


IDLER = """
import sys
from huaxiang.store import open_store

store = open_store(sys.argv[1])
print(store.last_seq, flush=True)
input()
"""


@pytest.fixture
def server(shop: Place) -> Iterator[None]:
    """Another process that has the shop open and does nothing."""
    words = [sys.executable, "-c", IDLER, shop.url]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.stdin.write("\n")


def test_an_open_shop_is_kept_but_not_replaced(shop: Place, server: None) -> None:
    name = shop.keep().name
    inode = (shop.folder / "shop.db").stat().st_ino
    with pytest.raises(StoreError, match="is open in another process; stop it"):
        shop.put_back(name)
    assert (shop.folder / "shop.db").stat().st_ino == inode


def test_a_damaged_shop_is_replaced(shop: Place) -> None:
    name = shop.keep().name
    (shop.folder / "shop.db").write_bytes(b"\xa5" * 50_000)
    assert "could not be told" in shop.put_back(name).notes[0]
    assert shop.seen("ann") == ["tea", "pot"]


SELLER = """
import os, sys
from datetime import UTC, datetime
from huaxiang.store import open_store
from huaxiang.types import Event

store, morning = open_store(sys.argv[1]), datetime(2026, 5, 4, 9, tzinfo=UTC)
store.append([Event("view_item", morning, user_id="bob", item_id=f"p{n}") for n in range(200)])
os._exit(0)  # as if killed: the write-ahead log stays
"""


def test_the_write_ahead_log_of_a_lost_database_is_not_replayed(shop: Place) -> None:
    name = shop.keep().name
    subprocess.run([sys.executable, "-c", SELLER, shop.url], check=False)
    (shop.folder / "shop.db").unlink()
    assert (shop.folder / "shop.db-wal").stat().st_size > 0
    shop.put_back(name, overwrite=False)
    assert (shop.seen("ann"), shop.seen("bob")) == (["tea", "pot"], [])


@given(at=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_is_restored(shop: Place, at: float, change: int) -> None:
    kept = (shop.backups.list() or [shop.keep()])[0]
    whole = kept.databases["default"].read_bytes()
    changed = bytearray(whole)
    changed[int(at * len(whole))] ^= change
    kept.databases["default"].write_bytes(changed)
    with pytest.raises(StoreError, match=r"shop\.db was altered"):
        shop.put_back(kept.name)
    kept.databases["default"].write_bytes(whole)
    kept.verify()
