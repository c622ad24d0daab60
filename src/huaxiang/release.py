"""Releases: immutable folders of named parts with hashes, a `current` pointer, rollback. Knows no component.

A release is made in a hidden folder and renamed into place, so a half-written one is never seen; `current` is a small
file that names one and is replaced by a rename, so a reader sees the old or the new and never neither. A file rather
than a symbolic link: it survives being copied.
"""

import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from huaxiang.errors import ReleaseError, is_full

logger: Final = logging.getLogger(__name__)

_MANIFEST: Final = "manifest.json"
_CURRENT: Final = "current"
_PREVIOUS: Final = "previous"
_FORMAT: Final = 1
_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Release:
    """One finished release.

    Attributes:
        about: what the maker said of it: figures, settings, the log position it was trained up to.
        files: relative path to sha256.
    """

    id: str
    path: Path
    created_at: datetime
    about: Mapping[str, Any]
    files: Mapping[str, str]

    def part(self, name: str) -> Path:
        """The folder of a part."""
        folder = self.path / name
        if not folder.is_dir():
            raise ReleaseError(f"release {self.id} has no part {name!r}; train a new one with `huaxiang train`")
        return folder

    def verify(self) -> None:
        """Compare every file with the hash it was made with; reads the whole release."""
        for name, digest in self.files.items():
            path = self.path / name
            if not path.is_file():
                raise ReleaseError(f"release {self.id} lacks {name}; use another: `huaxiang release list`")
            if _sha256(path) != digest:
                raise ReleaseError(f"release {self.id}: {name} was altered; use another: `huaxiang release list`")


@dataclass(slots=True)
class Draft:
    """A release in the making: write parts under `path`, say what it is in `about`."""

    id: str
    path: Path
    about: dict[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> Path:
        """A new folder for a part."""
        folder = self.path / name
        folder.mkdir(parents=True)
        return folder


class Releases:
    """The releases of one shop, under `<data dir>/releases`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Make a release: finished and listed when the block ends without an error, gone otherwise."""
        self.root.mkdir(parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        draft = Draft(name, self.root / f".{name}")
        draft.path.mkdir()
        try:
            yield draft
            self._finish(draft)
        except BaseException as error:
            shutil.rmtree(draft.path, ignore_errors=True)
            if is_full(error):
                raise ReleaseError(f"no room on the disk for a release in {self.root}: {error}; make room") from error
            raise

    def _finish(self, draft: Draft) -> None:
        files = {
            path.relative_to(draft.path).as_posix(): _sha256(path)
            for path in sorted(draft.path.rglob("*"))
            if path.is_file()
        }
        manifest = {
            "format": _FORMAT,
            "id": draft.id,
            "created_at": datetime.now(UTC).isoformat(),
            "about": draft.about,
            "files": files,
        }
        with (draft.path / _MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, ensure_ascii=False, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.path.rename(self.root / draft.id)

    def list(self) -> list[Release]:
        """Finished releases, newest first; one that cannot be read is logged and left out."""
        names = [path.name for path in self.root.iterdir()] if self.root.is_dir() else []
        found = []
        for name in sorted(names, reverse=True):
            if _NAME.fullmatch(name):
                try:
                    found.append(self.get(name))
                except ReleaseError as error:
                    logger.warning("%s", error)
        return found

    def get(self, release_id: str) -> Release:
        """A release by its id."""
        path = self.root / release_id
        if not _NAME.fullmatch(release_id) or not (path / _MANIFEST).is_file():
            known = ", ".join(p.name for p in sorted(self.root.glob("[0-9]*"))) if self.root.is_dir() else ""
            raise ReleaseError(f"no release {release_id!r}; known: {known or 'none, run `huaxiang train`'}")
        try:
            manifest = json.loads((path / _MANIFEST).read_text("utf-8"))
            created = datetime.fromisoformat(manifest["created_at"])
            if manifest["format"] != _FORMAT:
                raise ReleaseError(
                    f"release {release_id} is of format {manifest['format']}, this version reads {_FORMAT}"
                )
            return Release(release_id, path, created, manifest["about"], manifest["files"])
        except (KeyError, TypeError, ValueError) as error:
            raise ReleaseError(f"release {release_id}: its manifest cannot be read ({error}); use another") from error

    @property
    def current(self) -> Release | None:
        """The release in use; None before the first."""
        name = self.current_id
        return None if name is None else self.get(name)

    @property
    def current_id(self) -> str | None:
        """The id of the release in use, whether or not it can be read; None before the first."""
        return self._named(_CURRENT)

    def _named(self, pointer: str) -> str | None:
        try:
            return (self.root / pointer).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def use(self, release_id: str) -> Release:
        """Switch to a release, after checking its files; the one before is remembered for `rollback`."""
        release = self.get(release_id)
        release.verify()
        before = self.current_id  # not read: a broken release must not keep another from being used
        if before is not None and before != release_id:
            self._point(_PREVIOUS, before)
        self._point(_CURRENT, release_id)
        return release

    def rollback(self) -> Release:
        """Go back to the release that was in use before the last switch."""
        previous = self._named(_PREVIOUS)
        if previous is None:
            raise ReleaseError("nothing to go back to: only one release was ever in use")
        return self.use(previous)

    def remove(self, release_id: str) -> None:
        """Delete a release for good; the one in use cannot be, and nobody can roll back to one that is gone."""
        if release_id == self.current_id:
            raise ReleaseError(f"release {release_id} is in use; switch to another first: `huaxiang release use`")
        path = self.get(release_id).path
        if self._named(_PREVIOUS) == release_id:
            (self.root / _PREVIOUS).unlink()
        hidden = self.root / f".{release_id}-{secrets.token_hex(4)}"
        path.rename(hidden)  # a reader sees it whole or not at all
        shutil.rmtree(hidden)

    def _point(self, pointer: str, release_id: str) -> None:
        fresh = self.root / f".{pointer}-{secrets.token_hex(4)}"
        with fresh.open("w", encoding="utf-8") as out:
            out.write(release_id + "\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.root / pointer)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
