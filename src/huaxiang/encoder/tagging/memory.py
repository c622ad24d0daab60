"""The texts that people tagged: whoever asks for one of them gets what a person said, not what a model guesses.

Shops list the same title again and again: of 6,000 tagged titles of one marketplace 1,390 were copies of others, and
of 998 tagged later 461 had been tagged before, 460 of them in the same way. Only a digest of each text is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from huaxiang.encoder.tagging.spans import Bounds, Span, Tagged, spelled
from huaxiang.errors import DataError

MEMORY_FILE: Final = "memory.json"


@dataclass(frozen=True, slots=True)
class Memory:
    """Digest of a text to its spans, as offsets of characters."""

    known: Mapping[str, tuple[Bounds, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[Tagged]) -> Memory:
        """Of tagged texts; one that was tagged in two ways is not remembered."""
        known: dict[str, tuple[Bounds, ...]] = {}
        disputed = set()
        for text in texts:
            key, spans = _digest(text.text), tuple((span.start, span.end, span.label) for span in text.spans)
            if known.setdefault(key, spans) != spans:
                disputed.add(key)
        return cls({key: spans for key, spans in known.items() if key not in disputed})

    def __len__(self) -> int:
        return len(self.known)

    def spans(self, text: str) -> tuple[Span, ...] | None:
        """The spans of a text that was tagged, each certain; None of one that was not."""
        found = self.known.get(_digest(text))
        return None if found is None else tuple(Span(a, b, name, text[a:b]) for a, b, name in found)

    def labels(self, text: Tagged) -> tuple[str, ...] | None:
        """The same as labels of its units."""
        spans = self.spans(text.text)
        if spans is None:
            return None
        bounds = []
        for span in spans:
            inside = [at for at, (a, b) in enumerate(text.units) if a < span.end and b > span.start]
            if inside:
                bounds.append((inside[0], inside[-1] + 1, span.label))
        return spelled(bounds, len(text.units))

    def save(self, folder: Path) -> None:
        """Write it as JSON."""
        (folder / MEMORY_FILE).write_text(json.dumps(self.known, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """Open what `save` wrote."""
        try:
            said = json.loads((folder / MEMORY_FILE).read_text(encoding="utf-8"))
            return cls({key: tuple((int(a), int(b), str(name)) for a, b, name in spans) for key, spans in said.items()})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{folder / MEMORY_FILE} does not open: {error}; fine-tune the tagger again") from error


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
