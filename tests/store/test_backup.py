"""Backups told as stories: a shop goes on while it is kept, comes back as it was, and who was erased stays gone."""

import errno
import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from huaxiang.config import load_settings
from huaxiang.errors import BusyError, ConfigError, DataError, StoreError, StoreFullError
from huaxiang.release import Releases
from huaxiang.shop import release_root
from huaxiang.store import backup_files, open_store
from huaxiang.store.backup import Backups, database_of, release_folder
from huaxiang.store.restoring import restore
from huaxiang.types import Event
from tests.contracts.store import NOON, view
from tests.store.place import KILLED, Place


@pytest.fixture
def shop(tmp_path: Path) -> Place:
    place = Place(tmp_path / "shop")
    place.sell("ann", "tea", "pot")
    return place


def test_a_shop_comes_back_as_it_was(shop: Place) -> None:
    first = shop.train("first")
    kept = shop.keep("before the sale")
    shop.sell("bob", "cup")
    later = shop.train("later")
    done = shop.put_back(kept.name)
    assert (shop.seen("ann"), shop.seen("bob")) == (["tea", "pot"], [])
    assert (shop.releases.current_id, done.releases) == (first, {"default": first})
    assert {release.id for release in shop.releases.list()} == {first, later}
    assert shop.backups.list() == [kept]
    assert (kept.note, kept.last_seq) == ("before the sale", {"default": 2})


def test_every_tenant_is_kept_with_its_release(shop: Place) -> None:
    shop.sell("zoe", "ink", tenant="acme")
    release = shop.train("acme's", "acme")
    kept = shop.keep()
    shutil.rmtree(shop.folder / "releases")
    for name in ("shop.db", "shop.acme.db"):
        (shop.folder / name).unlink()
    done = shop.put_back(kept.name, overwrite=False)
    assert (shop.seen("ann"), shop.seen("zoe", "acme")) == (["tea", "pot"], ["ink"])
    assert done.releases == {"acme": release, "default": None}
    assert Releases(shop.folder / "releases" / "tenants" / "acme").current_id == release
    assert kept.last_seq == {"acme": 1, "default": 2}


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_files_are_where_the_shop_keeps_them(tmp_path: Path, tenant: str) -> None:
    settings_ = load_settings(data_dir=tmp_path)
    assert release_folder(tmp_path / "releases", tenant) == release_root(settings_, tenant)
    open_store(f"sqlite:///{tmp_path}/my.shop.db", tenant).close()
    assert database_of(tmp_path / "my.shop.db", tenant).is_file()


def test_keys_and_other_files_are_in_no_backup(shop: Place) -> None:
    shop.train("weights")
    for folder in ("keys", "quarantine"):
        (shop.folder / folder).mkdir()
        (shop.folder / folder / "pseudonyms.key").write_text("0123456789abcdef")
    kept = shop.keep()
    release = shop.releases.current_id
    assert set(kept.files) == {
        "shop.db",
        "releases/current",
        f"releases/{release}/manifest.json",
        f"releases/{release}/encoder/weights",
    }
    assert not any(b"0123456789abcdef" in file.read_bytes() for file in kept.path.rglob("*") if file.is_file())


def test_a_release_is_linked_and_copied_where_links_fail(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = shop.releases.root / shop.train("weights") / "encoder" / "weights"
    linked = shop.keep()

    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    copied = shop.keep()
    twins = [kept.path / weights.relative_to(shop.folder) for kept in (linked, copied)]
    assert [twin.samefile(weights) for twin in twins] == [True, False]
    assert [twin.read_text() for twin in twins] == ["weights", "weights"]


def test_a_damaged_release_does_not_keep_the_log_from_being_kept(shop: Place) -> None:
    (shop.releases.root / shop.train("weights") / "encoder" / "weights").write_text("other")
    kept = shop.keep()
    assert list(kept.files) == ["shop.db"]
    assert "encoder/weights was altered" in kept.left_out[0]
    assert shop.put_back(kept.name).notes == kept.left_out
    assert shop.releases.current_id is None


def test_writers_go_on_while_a_backup_is_made(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_files, "_PAGES_AT_ONCE", 1)
    store, busy = open_store(shop.url), iter(range(10_000))
    store.append([Event("review", NOON, user_id=f"u{n}", text="茶" * 300) for n in range(200)])

    def sell(stage: str, *_: Any) -> None:  # between any two pages another commit
        if stage.startswith("copying"):
            store.append([view("bob", 1, f"p{next(busy)}")])

    kept = shop.backups.make(shop.url, shop.releases.root, tell=sell)
    assert store.last_seq > 202 + 20
    copy = open_store(f"sqlite:///{kept.databases['default']}")
    assert (copy.last_seq, kept.last_seq["default"], copy.history("bob", before=NOON, limit=1)) == (202, 202, [])


def test_what_only_the_shop_may_read_stays_so(shop: Place) -> None:
    (shop.folder / "shop.db").chmod(0o600)
    kept = shop.keep()
    assert kept.databases["default"].stat().st_mode & 0o777 == 0o600
    shop.put_back(kept.name)
    assert (shop.folder / "shop.db").stat().st_mode & 0o777 == 0o600


def test_who_was_erased_does_not_come_back(shop: Place) -> None:
    shop.sell("bob", "cup")
    name, backups = shop.keep().name, shop.backups
    with backups.alone():
        for backup in backups.list():
            for tenant in backup.databases:
                store = open_store(f"sqlite:///{backup.path / 'shop.db'}", tenant)
                assert store.erase("ann").events == 2
                store.close()
            backups.reseal(backup.name).verify()
    shop.put_back(name)
    assert (shop.seen("ann"), shop.seen("bob")) == ([], ["cup"])
    assert {path.name for path in backups.get(name).path.iterdir()} == {"shop.db", "manifest.json"}


def test_an_erasure_that_was_broken_off_keeps_the_backup_from_being_restored(shop: Place) -> None:
    name = shop.keep().name
    code = "import os, sys; from huaxiang.store import open_store; open_store(sys.argv[1]).erase('ann'); os._exit(1)"
    database = shop.backups.get(name).databases["default"]
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{database}"], check=False)
    with pytest.raises(StoreError, match="erase again"):
        shop.put_back(name)
    assert shop.seen("ann") == ["tea", "pot"]
    shop.backups.reseal(name)
    shop.put_back(name)
    assert shop.seen("ann") == []


def test_a_release_that_was_changed_in_a_backup_is_sealed_too(shop: Place) -> None:
    old = shop.train("of ann and bob")
    kept = shop.keep()
    inside = kept.releases("default")
    with inside.draft() as draft:
        (draft.part("encoder") / "weights").write_text("of bob")
    inside.use(draft.id)
    shutil.rmtree(inside.root / old)
    assert f"releases/{old}/encoder/weights" not in shop.backups.reseal(kept.name).files
    shop.put_back(kept.name)
    assert shop.releases.current_id == draft.id


def test_a_store_that_was_only_opened_is_sealed_again(shop: Place) -> None:
    kept = shop.keep()
    for _ in range(2):
        open_store(f"sqlite:///{kept.databases['default']}").close()
        shop.backups.reseal(kept.name)
    shop.put_back(kept.name)
    assert shop.seen("ann") == ["tea", "pot"]


def test_progress_ends_at_what_was_planned(shop: Place) -> None:
    told = dict[str, tuple[int, int]]()

    def tell(stage: str, step: int, planned: int, _seconds_left: float) -> None:
        told[stage] = (step, planned)

    name = shop.backups.make(shop.url, shop.releases.root, tell=tell).name
    restore(shop.backups, name, shop.url, shop.releases.root, overwrite=True, tell=tell)
    stages = ("copying shop.db, MB", "hashing, MB", "checking, MB", "copying, MB")
    assert told == dict.fromkeys(stages, (1, 1))


def test_a_database_that_is_open_is_not_sealed(shop: Place) -> None:
    kept = shop.keep()
    store = open_store(f"sqlite:///{kept.databases['default']}")
    with pytest.raises(StoreError, match="is open in another process"):
        shop.backups.reseal(kept.name)
    store.close()


def test_a_backup_in_the_making_is_waited_for(shop: Place) -> None:
    """So that an erasure, which is `alone`, cannot miss a backup that was begun before it."""
    begun, go_on, names = threading.Event(), threading.Event(), list[str]()

    def hold(stage: str, *_: Any) -> None:
        begun.set()
        go_on.wait(30)

    def make() -> None:
        names.append(shop.backups.make(shop.url, shop.releases.root, tell=hold).name)

    maker = threading.Thread(target=make)
    maker.start()
    begun.wait(30)
    assert shop.backups.list() == []
    with pytest.raises(BusyError, match="when it is done"), shop.backups.alone():
        pass
    go_on.set()
    maker.join()
    with shop.backups.alone():
        assert [backup.name for backup in shop.backups.list()] == names


def test_one_is_alone_also_within_oneself_and_before_the_first_backup(shop: Place) -> None:
    backups = shop.backups
    with backups.alone():
        assert not backups.root.exists()
        made = backups.make(shop.url, shop.releases.root)
        with backups.alone():
            assert backups.list() == [made]


@pytest.mark.parametrize("stage", ["copying", "hashing"])
def test_a_killed_backup_is_never_listed_and_leaves_nobody_behind(shop: Place, stage: str) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, shop.folder, stage, ""], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert shop.backups.list() == []
    assert len(list(shop.backups.root.glob(".2*"))) == 1
    with shop.backups.alone():
        assert [path.name for path in shop.backups.root.iterdir()] == [".lock"]


def test_no_room_on_the_disk_is_said_and_leaves_nothing(shop: Place) -> None:
    store = open_store(shop.url)
    store.append([Event("review", NOON, user_id=f"u{n}", text="茶" * 300) for n in range(2_000)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StoreFullError, match=r"no room in .*backups.*nothing of it was kept"):
            shop.keep()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in shop.backups.root.iterdir()] == [".lock"]
    assert shop.keep().last_seq == {"default": 2_002}


def test_the_disk_is_not_filled_under_an_open_shop(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 100, 100))
    with pytest.raises(StoreFullError, match=r"bytes are needed, 100 are free"):
        shop.keep()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "files": 7}'])
def test_a_backup_with_a_damaged_manifest_is_listed_for_erasures_and_not_restored(shop: Place, text: str) -> None:
    kept = shop.keep()
    (kept.path / "manifest.json").write_text(text)
    (listed,) = shop.backups.list()
    assert (listed.name, list(listed.databases)) == (kept.name, ["default"])
    for refused in (lambda: shop.put_back(kept.name), lambda: shop.backups.reseal(kept.name)):
        with pytest.raises(StoreError, match=f"huaxiang backup delete {kept.name}"):
            refused()
    shop.backups.delete(kept.name)
    assert shop.backups.list() == []


def test_a_file_that_is_missing_is_named(shop: Place) -> None:
    kept = shop.keep()
    kept.databases["default"].unlink()
    with pytest.raises(StoreError, match=r"lacks shop\.db"):
        kept.verify()


def test_the_manifest_says_what_was_kept(shop: Place) -> None:
    kept = shop.keep("two teas")
    said = json.loads((kept.path / "manifest.json").read_text())
    assert {key: said[key] for key in ("format", "note", "last_seq", "left_out")} == {
        "format": 1,
        "note": "two teas",
        "last_seq": {"default": 2},
        "left_out": [],
    }
    assert said["bytes"] == kept.databases["default"].stat().st_size == said["files"]["shop.db"]["bytes"]


@pytest.mark.parametrize("name", ["20260101T000000-abcdef", "..", "", "../shop"])
def test_a_name_that_is_no_backup_is_refused_with_those_known(shop: Place, name: str) -> None:
    known = shop.keep().name
    for ask in (shop.backups.get, shop.backups.delete):
        with pytest.raises(DataError, match=f"no backup .*known: {known}"):
            ask(name)


def test_a_folder_without_a_shop_and_another_engine_are_refused(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups")
    with pytest.raises(DataError, match="no shop at"):
        backups.make(f"sqlite:///{tmp_path}/shop.db", tmp_path / "releases")
    with pytest.raises(ConfigError, match="pg_dump"):
        backups.make("postgresql+psycopg://huaxiang@db.local/shop", tmp_path / "releases")
    (tmp_path / "shop.db").write_bytes(b"")
    with pytest.raises(StoreError, match="no store of huaxiang"):
        backups.make(f"sqlite:///{tmp_path}/shop.db", tmp_path / "releases")
    assert backups.list() == []
