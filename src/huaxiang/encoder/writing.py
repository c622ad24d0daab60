"""Folders that are written whole or not at all, and what to say where a disk is full."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from huaxiang.errors import DataError, HuaxiangError, is_full


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new folder that takes the place of `out` when the block ends well; else `out` stays as it was.

    Raises:
        DataError: it cannot be written, such as on a full disk.
    """
    partial, former = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.former")
    try:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            if former.exists() and not out.exists():
                former.rename(out)  # killed between the two renames below
            for left_behind in (partial, former):
                shutil.rmtree(left_behind, ignore_errors=True)
            partial.mkdir()
            yield partial
            if out.exists():
                out.rename(former)
            partial.rename(out)
    finally:
        if former.exists() and not out.exists():
            former.rename(out)  # the second rename failed
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Whatever a library raises in the block because `out` cannot be written becomes one error that says so.

    Raises:
        DataError: the disk is full, or the place cannot be written for another reason.
    """
    try:
        yield
    except HuaxiangError:
        raise
    except Exception as error:  # a tokenizer raises a bare one where the disk is full
        if is_full(error):
            raise DataError(
                f"no room on the disk to write {out}: {error}; what was there is untouched: make room and try again"
            ) from error
        if isinstance(error, OSError | SafetensorError):
            raise DataError(f"{out} could not be written: {error}; what was there is untouched") from error
        raise
