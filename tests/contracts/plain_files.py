"""What every release promises of its files: none of them is, or hides, a pickle."""

import pickletools
import zipfile
from pathlib import Path
from typing import Final

_NAMES: Final = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npz", ".npy"})
_LARGEST: Final = 4_000_000
"""A larger file is told by its head alone: reading it as opcodes would take minutes."""


def pickles_in(folder: Path) -> list[str]:
    """Relative paths of files that are a pickle of any protocol, may hold one, or are named like one."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in files if _is_suspect(path)]


def _is_suspect(path: Path) -> bool:
    with path.open("rb") as stream:
        data = stream.read(_LARGEST)
    has_header = data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}
    return path.suffix in _NAMES or has_header or zipfile.is_zipfile(path) or _reads_as_opcodes(data)


def _reads_as_opcodes(data: bytes) -> bool:
    """Protocols 0 and 1 have no header: whatever can be read up to a STOP is one."""
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data))
    except (ValueError, IndexError, KeyError):
        return False
