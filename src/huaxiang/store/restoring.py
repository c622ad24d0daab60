"""A backup back in its place: checked first, then renamed into place, so that a crash leaves the old or the new."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from huaxiang.errors import ConfigError, ReleaseError
from huaxiang.release import Release, Releases
from huaxiang.store import backup_files as files
from huaxiang.store.backup import CURRENT, Backup, Backups, database_file, database_of, release_folder, silent
from huaxiang.store.backup_files import Meter, Progress

_LOG_SUFFIXES: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in place.

    Attributes:
        databases: by tenant.
        releases: by tenant, the one in use; None where the backup holds none, and none is in use now.
        notes: what must be known of it.
    """

    databases: Mapping[str, Path]
    releases: Mapping[str, str | None]
    notes: tuple[str, ...]


def restore(
    backups: Backups, name: str, store_url: str, releases: Path, *, overwrite: bool, tell: Progress = silent
) -> Restored:
    """Put a backup's databases and release in the place of the shop's.

    Each file is replaced by a rename after all of the backup was checked and copied. Killed between two of them, every
    database is the old or the new one whole, and a release never knows more than its log; run again, it ends the work.
    Tenants that the backup does not know stay as they are.

    Args:
        store_url: as for `open_store`; SQLite only.
        releases: the shop's folder of releases, with those of tenants under `tenants`.
        overwrite: whether a shop that is there may be replaced; it is gone then.

    Raises:
        ConfigError: there is a shop and `overwrite` is not set, or the store is not SQLite's.
        DataError: no backup has the name.
        StoreError: the backup was altered, or the shop is open elsewhere; nothing was changed.
        StoreFullError: no room; nothing was changed.
    """
    path = database_file(store_url)
    with backups.alone():
        backup = backups.get(name)
        targets = {tenant: database_of(path, tenant) for tenant in backup.databases}
        there = {tenant: file for tenant, file in targets.items() if file.is_file()}
        if there and not overwrite:
            raise ConfigError(f"{path.parent} holds a shop, which would be lost; give --yes to replace it")
        for file in there.values():
            with files.shut(file):
                pass  # said before the work, and not only after it
        backup.verify(tell)
        staged = backups.root / f".{name}"  # where a killed restore leaves it, the next who is `alone` removes it
        try:
            with files.translated(backups.root):
                _stage(backup, staged, tell)
            with files.translated(path.parent):
                return _replace(backup, staged, targets, releases)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _stage(backup: Backup, staged: Path, tell: Progress) -> None:
    """Copies, not links: the shop will write into them, and the backup stays as it is."""
    staged.mkdir()
    meter = Meter("copying", sum(path.stat().st_size for path in backup.databases.values()), tell)
    for path in backup.databases.values():
        files.copy_synced(path, staged / path.name, meter)


def _replace(backup: Backup, staged: Path, targets: Mapping[str, Path], root: Path) -> Restored:
    folders = {tenant: Releases(release_folder(root, tenant)) for tenant in targets}
    kept = {tenant: backup.releases(tenant).current for tenant in targets}
    for tenant, release in kept.items():
        if release is not None:
            _bring(release, folders[tenant])
    notes = list(backup.left_out)
    with ExitStack() as held:
        for target in targets.values():
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_file() and not held.enter_context(files.shut(target)):
                notes.append(f"{target} was damaged: whether another process has it open could not be told")
        for tenant, target in targets.items():
            # The release first: one that is older than its log catches up, one that is newer would miss what comes.
            _point(folders[tenant], kept[tenant])
            for suffix in _LOG_SUFFIXES:  # of a database that is gone or damaged; never to be replayed into the new one
                Path(f"{target}{suffix}").unlink(missing_ok=True)
            files.put_in_place(staged / backup.databases[tenant].name, target)
    in_use = {tenant: None if release is None else release.id for tenant, release in kept.items()}
    return Restored(targets, in_use, tuple(notes))


def _bring(release: Release, into: Releases) -> None:
    """Have a release in a folder, linked; one that is there already is kept where it is whole."""
    place = into.root / release.id
    try:
        there = into.get(release.id)
        there.verify()
        if there.files == release.files:
            return
    except ReleaseError:
        pass
    fresh, broken = into.root / f".{release.id}-restoring", into.root / f".{release.id}-broken"
    try:
        for left in (fresh, broken):  # by a restore that was killed
            shutil.rmtree(left, ignore_errors=True)
        files.link_tree(release.path, fresh)
        files.sync_tree(fresh)
        if place.exists():
            place.rename(broken)
        fresh.rename(place)
        files.sync(into.root)
    finally:
        for left in (fresh, broken):
            shutil.rmtree(left, ignore_errors=True)


def _point(releases: Releases, release: Release | None) -> None:
    if release is not None:
        releases.use(release.id)
    else:
        (releases.root / CURRENT).unlink(missing_ok=True)
