"""Where converted checkpoints are kept: made once, seen only when complete, made again when damaged."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from huaxiang.errors import DataError

ABOUT_FILE: Final = "huaxiang.json"
"""Beside a checkpoint: the prefix of its texts, what it was made from, and the digest of every file."""


def cache_folder() -> Path:
    """`HUAXIANG_CACHE`, else this system's folder for such things, such as `~/.cache/huaxiang`."""
    if named := os.environ.get("HUAXIANG_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "huaxiang"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huaxiang"


def digest(path: Path) -> str:
    """SHA-256 of a file, about a second for 500 MB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def converted(name: str, write: Callable[[Path], None], about: Mapping[str, Any]) -> Path:
    """The folder `name` of the cache, made by `write` where it is missing or damaged.

    Two processes may ask at once: one makes it, the other waits. What a killed process left behind is removed.

    Args:
        write: fills a folder that it is given.
        about: goes into `huaxiang.json`, with the digest of every file.

    Raises:
        DataError: the cache cannot be written, or the disk is full; nothing half-made is left.
    """
    root = cache_folder()
    folder = root / name
    if is_whole(folder):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f".{name}.lock"):
            if not is_whole(folder):
                _make(folder, write, about)
    except OSError as error:
        raise DataError(
            f"the cache {root} cannot be written: {error.strerror or error}; about 500 MB are needed there once, "
            "free them or set HUAXIANG_CACHE to another folder"
        ) from error
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every file that was written is there, as it was written."""
    try:
        files = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))["files"]
        return bool(files) and all(digest(folder / file) == was for file, was in files.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _make(folder: Path, write: Callable[[Path], None], about: Mapping[str, Any]) -> None:
    from safetensors import SafetensorError

    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        write(partial)
        files = {path.name: digest(path) for path in sorted(partial.iterdir())}
        said = json.dumps({**about, "files": files}, ensure_ascii=False, indent=2)
        (partial / ABOUT_FILE).write_text(said + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except SafetensorError as error:  # how safetensors says that the disk is full
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold this file's lock; the system gives it back when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
