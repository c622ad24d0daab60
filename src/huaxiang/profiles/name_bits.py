"""A set of names in a few bytes (Bloom 1970): who is not in it is certain, who seems to be may not be."""

import functools
import hashlib
import math
from collections.abc import Iterable
from typing import Final

_MOST_HASHES: Final = 8


@functools.lru_cache(maxsize=20_000)
def _hashes(kind: str, name: str) -> tuple[int, int]:
    said = f"{kind}\x00{name}".encode("utf-8", "surrogatepass")
    both = int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little")
    return both & 0xFFFFFFFF, both >> 32 | 1


def n_hashes(n_bytes: int, n_names: int) -> int:
    """How many bits of each name are set, so that the fewest others seem to be in it."""
    return max(1, min(_MOST_HASHES, round(math.log(2) * 8 * n_bytes / max(1, n_names))))


def name_bits(names: Iterable[tuple[str, str]], n_bytes: int, hashes: int) -> bytes:
    """The set of `(kind, name)`."""
    bits = bytearray(n_bytes)
    for kind, name in names if n_bytes else ():
        first, step = _hashes(kind, name)
        for each in range(hashes):
            place = (first + each * step) % (8 * n_bytes)
            bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def may_be_in(bits: bytes, hashes: int, kind: str, name: str) -> bool:
    """Whether a name may be in a set; in one of no bytes anything may be."""
    n = 8 * len(bits)
    first, step = _hashes(kind, name)
    for each in range(hashes if n else 0):
        place = (first + each * step) % n
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
    return True
