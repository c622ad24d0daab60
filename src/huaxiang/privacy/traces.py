"""Searching files byte by byte for ids, and telling an id from a longer one that contains it.

A database file sets texts beside each other without a mark between them, so bytes alone cannot tell `u1` from the
beginning of `u12`. A find is explained, and no trace, where a longer text that the log still holds stands around it; in
files of plain text, where the word does not end or begin there.
"""

import mmap
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ahocorasick_rs import BytesAhoCorasick

from huaxiang.store import Store

SHORTEST: Final = 6
"""Bytes of an id that can be searched for: shorter ones stand in any file by chance."""
_WINDOW: Final = 64 << 20
_MOST_FINDS: Final = 1_000
_TEXTS: Final = ("event_id", "user_id", "anonymous_id", "session_id", "item_id", "text", "query", "items", "properties")
_PLAIN: Final = frozenset({".json", ".jsonl", ".md", ".txt", ".csv"})
_IN_A_WORD: Final = re.compile(rb"[A-Za-z0-9_.@\x80-\xff-]")


@dataclass(slots=True)
class Searched:
    """What was searched, and what was found: `file: offset` of at most 1,000 finds that nothing explains."""

    n_files: int = 0
    n_bytes: int = 0
    n_ids: int = 0
    n_too_short: int = 0
    n_explained: int = 0
    found: list[str] = field(default_factory=list)


def search(folder: Path, ids: Iterable[str], store: Store, *, leave_out: Sequence[Path] = ()) -> Searched:
    """Search every file under a folder.

    Args:
        ids: of the person, of their devices, sessions and events.
        store: what still is in the log.
        leave_out: files and folders that are not searched.
    """
    needles = {each.encode("utf-8", "surrogatepass") for each in ids}
    long = sorted(each for each in needles if len(each) >= SHORTEST)
    searched = Searched(n_ids=len(long), n_too_short=len(needles) - len(long))
    if not long:
        return searched
    finder = BytesAhoCorasick(long)
    places: dict[Path, list[tuple[int, bytes]]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(path.is_relative_to(other) for other in leave_out):
            searched.n_files += 1
            searched.n_bytes += path.stat().st_size
            if finds := _finds(path, finder, long):
                places[path] = finds
    if places:
        _judge(places, _living(store, {needle for finds in places.values() for _, needle in finds}), searched, folder)
    return searched


def _finds(path: Path, finder: BytesAhoCorasick, needles: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Offset and id of each find; windows overlap by the longest id."""
    overlap = max(map(len, needles)) - 1
    found: dict[tuple[int, bytes], None] = {}
    with path.open("rb") as stream:
        start = 0
        while window := stream.read(_WINDOW):
            for which, begin, _ in finder.find_matches_as_indexes(window, overlapping=True):
                found[start + begin, needles[which]] = None
            if len(window) < _WINDOW:
                break
            start += len(window) - overlap
            stream.seek(start)
    return list(found)


def _living(store: Store, needles: set[bytes]) -> Mapping[bytes, list[bytes]]:
    """Texts of the log in which an id stands, by id: longer ones, and equal ones that are no person's, such as a device
    that others used too."""
    finder = BytesAhoCorasick(sorted(needles))
    order = sorted(needles)
    living: dict[bytes, set[bytes]] = {needle: set() for needle in needles}
    for batch in store.scan(columns=_TEXTS):
        for name in _TEXTS:
            for text in {each for each in batch.column(name).to_pylist() if each}:
                said = text.encode("utf-8", "surrogatepass")
                for which, _, _ in finder.find_matches_as_indexes(said, overlapping=True):
                    if said != order[which] or name != "user_id":
                        living[order[which]].add(said)
    return {needle: sorted(texts) for needle, texts in living.items()}


def _judge(
    places: Mapping[Path, list[tuple[int, bytes]]],
    living: Mapping[bytes, list[bytes]],
    searched: Searched,
    folder: Path,
) -> None:
    for path, finds in places.items():
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for offset, needle in finds:
                is_in_a_word = path.suffix in _PLAIN and _goes_on(content, offset, offset + len(needle))
                if is_in_a_word or any(_stands_at(content, offset, needle, text) for text in living[needle]):
                    searched.n_explained += 1
                elif len(searched.found) < _MOST_FINDS:
                    searched.found.append(f"{path.relative_to(folder).as_posix()}: {offset}")


def _goes_on(content: mmap.mmap, begin: int, end: int) -> bool:
    """Whether the word that stands there begins earlier or ends later."""
    return any(_IN_A_WORD.fullmatch(around) for around in (content[max(begin - 1, 0) : begin], content[end : end + 1]))


def _stands_at(content: mmap.mmap, offset: int, needle: bytes, text: bytes) -> bool:
    """Whether the find is a part of this text as it stands in the file."""
    at = text.find(needle)
    while at >= 0:
        start = offset - at
        if start >= 0 and content[start : start + len(text)] == text:
            return True
        at = text.find(needle, at + 1)
    return False
