"""What may be wrong with a file that somebody hands over to be evaluated, said in words."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huaxiang.errors import DataError

GZIP = b"\x1f\x8b"
"""How a gzip file begins."""


@contextmanager
def reading(path: Path, wanted: str) -> Iterator[None]:
    """Around the reading of a file, gzip or plain.

    Args:
        wanted: what it should be, such as "a CSV".

    Raises:
        DataError: it is not UTF-8, a damaged gzip file, or cannot be read.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text ({error.reason}); give {wanted}, gzip or plain") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is a damaged gzip file ({error}); copy it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the path") from error
