"""Backups of a shop on one machine: every tenant's log and the release in use, whole or not at all.

A backup is made in a hidden folder and renamed into place, so a half-made one is never listed. It is not out of the
reach of an erasure: who erases takes `alone`, erases in the `databases` and `releases` of each of `list`, and seals it
again. Keys are in none, as a backup beside its keys protects nobody.
"""

import fcntl
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from huaxiang.errors import BusyError, ConfigError, DataError, ReleaseError, StoreError
from huaxiang.release import Releases
from huaxiang.store import backup_files as files
from huaxiang.store.backup_files import Meter, Progress

_MANIFEST: Final = "manifest.json"
_FRESH_MANIFEST: Final = ".manifest.json"
_FORMAT: Final = 1
_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{6}")
_TIME: Final = "%Y%m%dT%H%M%S"
_DATABASE: Final = Path("shop.db")
CURRENT: Final = "current"
"""Name of the pointer that `Releases` reads."""


def silent(_stage: str, _step: int, _planned: int, _seconds_left: float) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file as it was when its backup was made, or sealed again."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """One finished backup.

    Attributes:
        last_seq: highest sequence number of each tenant's log.
        files: relative path to size and hash.
        left_out: what could not be kept, and why.
        problem: why it cannot be restored; empty where it can. People are in it all the same.
    """

    name: str
    path: Path
    made_at: datetime
    note: str = ""
    last_seq: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Sealed] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    problem: str = ""

    @property
    def bytes(self) -> int:
        """Size of all files; those of a release may share their place on the disk with the shop's own."""
        return sum(sealed.bytes for sealed in self.files.values())

    @property
    def databases(self) -> dict[str, Path]:
        """The database of each tenant, which `open_store(f"sqlite:///{path / 'shop.db'}", tenant)` opens."""
        return databases_beside(self.path / _DATABASE)

    def releases(self, tenant: str) -> Releases:
        """The folder of a tenant's release, with its pointer; empty where none was in use."""
        return Releases(release_folder(self.path / "releases", tenant))

    def verify(self, tell: Progress = silent) -> None:
        """Compare every file with the manifest; reads the whole backup.

        Raises:
            StoreError: a file is missing, altered or not of the backup.
        """
        if self.problem:
            raise StoreError(self.problem)
        found = {path.relative_to(self.path).as_posix(): path for path in _content(self.path)}
        way_out = "restore another: `huaxiang backup list`"
        for name in sorted(found.keys() - self.files.keys()):
            raise StoreError(
                f"backup {self.name} holds {name}, which is not in its manifest: an erasure in it was broken off; "
                f"erase again, or {way_out}"
            )
        meter = Meter("checking", self.bytes, tell)
        for name, sealed in self.files.items():
            if name not in found:
                raise StoreError(f"backup {self.name} lacks {name}; {way_out}")
            if found[name].stat().st_size != sealed.bytes or files.sha256_of(found[name], meter) != sealed.sha256:
                raise StoreError(
                    f"backup {self.name}: {name} was altered, or an erasure in it was broken off; erase again, "
                    f"or {way_out}"
                )


class Backups:
    """The backups of one data directory, under `<data dir>/backups`. Safe to use from many threads.

    Args:
        patience: seconds to wait for who else makes, restores, deletes or changes backups.
    """

    def __init__(self, root: Path, *, patience: float = 30.0) -> None:
        self.root, self._patience = root, patience
        self._mine, self._held = threading.RLock(), False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else makes, restores, deletes or changes a backup meanwhile; what a killed process left is removed.

        Who erases a person in the shop first and then, in here, in every backup of `list`, misses none: a backup that
        was in the making is finished before, and one that is begun later no longer holds the person. It may be nested.

        Raises:
            BusyError: another held it for longer than `patience`.
        """
        if not self._mine.acquire(timeout=self._patience):
            raise self._busy()
        try:
            if self._held or not self.root.is_dir():  # where there is no folder, no backup is in the making
                yield
                return
            with self._locked():
                self._held = True
                try:
                    self._sweep()
                    yield
                finally:
                    self._held = False
        finally:
            self._mine.release()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        until = time.monotonic() + self._patience
        with (self.root / ".lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise self._busy() from None
                    time.sleep(0.05)
            yield

    def _busy(self) -> BusyError:
        return BusyError(f"another makes, restores or changes a backup in {self.root}; ask again when it is done")

    def _sweep(self) -> None:
        for left in self.root.glob(".*"):
            if _NAME.fullmatch(left.name[1:]):
                shutil.rmtree(left)

    def list(self) -> list[Backup]:
        """All finished backups, newest first, also those with a `problem`: an erasure must reach them too."""
        names = [path.name for path in self.root.iterdir()] if self.root.is_dir() else []
        return [self._read(name) for name in sorted(names, reverse=True) if _NAME.fullmatch(name)]

    def get(self, name: str) -> Backup:
        """A backup by its name; DataError where there is none."""
        if not _NAME.fullmatch(name) or not (self.root / name).is_dir():
            known = ", ".join(backup.name for backup in self.list())
            raise DataError(f"no backup {name!r} in {self.root}; known: {known or 'none, run `huaxiang backup make`'}")
        return self._read(name)

    def _read(self, name: str) -> Backup:
        path = self.root / name
        try:
            said = json.loads((path / _MANIFEST).read_text("utf-8"))
            if said["format"] != _FORMAT:
                raise ValueError(f"format {said['format']}, this version reads {_FORMAT}")
            sealed = {str(file): Sealed(**about) for file, about in said["files"].items()}
            made_at = datetime.fromisoformat(said["made_at"])
            return Backup(name, path, made_at, said["note"], said["last_seq"], sealed, tuple(said["left_out"]))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            problem = (
                f"backup {name}: its manifest cannot be read ({error}); delete it: `huaxiang backup delete {name}`"
            )
            made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return Backup(name, path, made_at, problem=problem)

    def make(self, store_url: str, releases: Path, *, note: str = "", tell: Progress = silent) -> Backup:
        """Keep every tenant's database as it is at this moment, and the release in use; writers go on.

        Args:
            store_url: as for `open_store`; SQLite only.
            releases: the shop's folder of releases, with those of tenants under `tenants`.

        Raises:
            ConfigError: the store is not SQLite's.
            DataError: there is no shop yet.
            StoreFullError: no room; nothing is left of the backup.
            StoreError: a database cannot be read.
        """
        databases = databases_beside(database_file(store_url))
        if not databases:
            raise DataError(f"no shop at {store_url}; import a file first, or name its folder with --data-dir")
        with files.translated(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with self.alone():
                self._check_room(databases)
                return self._make(databases, releases, note, tell)

    def _check_room(self, databases: Mapping[str, Path]) -> None:
        """Not to fill the disk under a shop that is open: its own writes would fail before the backup's do."""
        needed, free = sum(map(files.size_of, databases.values())), shutil.disk_usage(self.root).free
        if needed > free:
            raise files.full(self.root, f"{needed:,} bytes are needed, {free:,} are free")

    def _make(self, databases: Mapping[str, Path], releases: Path, note: str, tell: Progress) -> Backup:
        now = datetime.now(UTC)
        name = f"{now:{_TIME}}-{secrets.token_hex(3)}"
        draft, last_seq, left_out = self.root / f".{name}", {}, []
        draft.mkdir()
        try:
            for tenant, source in databases.items():
                # The release first: it knows the log up to a moment, which must be in the log that is kept beside it.
                left_out += _keep_release(release_folder(releases, tenant), release_folder(draft / "releases", tenant))
                target = database_of(draft / _DATABASE, tenant)
                last_seq[tenant] = files.snapshot(source, target, Meter(f"copying {target.name}", 0, tell))
            made = Backup(name, draft, now, note, last_seq, _seal(draft, tell), tuple(left_out))
            _write_manifest(made)
            files.sync_tree(draft)
            draft.rename(self.root / name)
            files.sync(self.root)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return self.get(name)

    def reseal(self, name: str, tell: Progress = silent) -> Backup:
        """Take the files of a backup, after a database or the release in it was changed, for what it is now.

        A store that was only opened changes its file too. Until it is closed and the backup sealed, a restore refuses
        it: what was erased cannot come back through an erasure that was broken off.

        Raises:
            StoreError: a database is open, or the manifest cannot be read.
        """
        with self.alone(), files.translated(self.root):
            backup = self.get(name)
            if backup.problem:
                raise StoreError(backup.problem)
            for path in backup.databases.values():
                files.fold_log(path)
            last_seq = {tenant: backup.last_seq[tenant] for tenant in backup.databases if tenant in backup.last_seq}
            sealed = _seal(backup.path, tell)
            files.sync_tree(backup.path)
            _write_manifest(replace(backup, last_seq=last_seq, files=sealed))
            return self.get(name)

    def delete(self, name: str) -> None:
        """Remove a backup; DataError where there is none."""
        with self.alone(), files.translated(self.root):
            backup = self.get(name)
            hidden = self.root / f".{name}"
            backup.path.rename(hidden)  # no longer listed, should this be killed before all is gone
            shutil.rmtree(hidden)
            files.sync(self.root)


def database_file(store_url: str) -> Path:
    """The default tenant's database of a store in SQLite.

    Raises:
        ConfigError: it is another engine's, or names no file.
    """
    url = sa.make_url(store_url)
    scheme = url.drivername.split("+")[0]
    if scheme == "postgresql":
        raise ConfigError("a store in PostgreSQL is backed up by pg_dump and restored by pg_restore, not by huaxiang")
    if scheme != "sqlite" or not url.database or url.database == ":memory:":
        raise ConfigError(f"only a SQLite file is backed up here, not {scheme}://; use the tools of its engine")
    return Path(url.database)


def database_of(path: Path, tenant: str) -> Path:
    """A tenant's database, named as `open_store` names it."""
    return path if tenant == "default" else path.with_name(f"{path.stem}.{tenant}{path.suffix}")


def databases_beside(path: Path) -> dict[str, Path]:
    """The databases that are there, by tenant; `path` is the default tenant's, which may be missing."""
    named = re.compile(rf"{re.escape(path.stem)}(?:\.([a-z0-9_]{{1,40}}))?{re.escape(path.suffix)}")
    there = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    return {match[1] or "default": file for file in there if (match := named.fullmatch(file.name)) and file.is_file()}


def release_folder(root: Path, tenant: str) -> Path:
    """Where a tenant's releases are, below the folder of all."""
    return root if tenant == "default" else root / "tenants" / tenant


def _keep_release(source: Path, target: Path) -> list[str]:
    """Link the release in use and point at it; why it was left out, where it was damaged."""
    releases = Releases(source)
    while (release_id := releases.current_id) is not None:
        try:
            release = releases.get(release_id)
            release.verify()
            files.link_tree(release.path, target / release_id)
        except (ReleaseError, FileNotFoundError) as error:
            shutil.rmtree(target / release_id, ignore_errors=True)
            if releases.current_id == release_id:  # else it was replaced meanwhile: the next one is kept
                return [str(error)]
        else:
            (target / CURRENT).write_text(f"{release_id}\n", encoding="utf-8")
            break
    return []


def _content(folder: Path) -> list[Path]:
    own = (folder / _MANIFEST, folder / _FRESH_MANIFEST)
    return [path for path in files.files_under(folder) if path not in own]


def _seal(folder: Path, tell: Progress) -> dict[str, Sealed]:
    content = _content(folder)
    meter = Meter("hashing", sum(path.stat().st_size for path in content), tell)
    return {
        path.relative_to(folder).as_posix(): Sealed(path.stat().st_size, files.sha256_of(path, meter))
        for path in content
    }


def _write_manifest(backup: Backup) -> None:
    said = {
        "format": _FORMAT,
        "made_at": backup.made_at.isoformat(),
        "note": backup.note,
        "last_seq": dict(backup.last_seq),
        "bytes": backup.bytes,
        "left_out": list(backup.left_out),
        "files": {name: asdict(sealed) for name, sealed in backup.files.items()},
    }
    fresh = backup.path / _FRESH_MANIFEST
    files.write_synced(fresh, json.dumps(said, ensure_ascii=False, indent=1))
    fresh.replace(backup.path / _MANIFEST)
    files.sync(backup.path)
