"""Scores of labels from the strings around a unit: what a conditional random field over n-grams knows, in numpy.

It learns which characters a brand begins with from a few hundred titles, where an encoder knows what words mean; the
two err differently. Legend: U units, K labels, F features.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import rjieba
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from huaxiang.errors import DataError

VOCABULARY_FILE: Final = "ngrams.json"
WEIGHTS_FILE: Final = "ngrams.safetensors"
_EDGE: Final = "\x02"
_WINDOW: Final = 2
"""Units to each side that are looked at."""
_AFFIX: Final = 3
_SPANS: Final = ((-2, -1), (-1, 0), (0, 1), (1, 2), (-1, 1), (-2, 0), (0, 2))
"""First and last unit of each n-gram, from the unit on."""


@dataclass(frozen=True, slots=True)
class Ngrams:
    """A linear model over features of units.

    Attributes:
        vocabulary: feature to its row.
        weights_FK: score of each label, in nats, where a unit has the feature.
    """

    vocabulary: Mapping[str, int]
    weights_FK: NDArray[np.float32]

    def emissions(self, text: str, units: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        """Scores of shape `(U, K)`, in nats."""
        out_UK = np.zeros((len(units), self.weights_FK.shape[1]))
        for at, features in enumerate(features_of(text, units)):
            rows = [row for feature in features if (row := self.vocabulary.get(feature)) is not None]
            out_UK[at] = self.weights_FK[rows].sum(axis=0)
        return out_UK

    def save(self, folder: Path) -> None:
        """Write the vocabulary as JSON and the weights as safetensors."""
        ordered = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        (folder / VOCABULARY_FILE).write_text(json.dumps(ordered, ensure_ascii=False), encoding="utf-8")
        save_file({"weights": self.weights_FK}, str(folder / WEIGHTS_FILE))

    @classmethod
    def load(cls, folder: Path, n_labels: int) -> Ngrams:
        """Open what `save` wrote."""
        try:
            names = json.loads((folder / VOCABULARY_FILE).read_text(encoding="utf-8"))
            weights_FK = load_file(str(folder / WEIGHTS_FILE))["weights"]
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise DataError(f"{folder} holds n-grams that do not open: {error}; fine-tune the tagger again") from error
        if weights_FK.shape != (len(names), n_labels):
            raise DataError(f"{folder} holds n-grams of shape {weights_FK.shape} for {len(names)} names; train again")
        return cls({name: row for row, name in enumerate(names)}, weights_FK)


def features_of(text: str, units: Sequence[tuple[int, int]]) -> Iterator[list[str]]:
    """The features of each unit: its neighbours one by one and joined, its shape, and its place in a word."""
    strings = [text[start:end].casefold() for start, end in units]
    padded = [_EDGE] * _WINDOW + strings + [_EDGE] * _WINDOW
    words = _words(text)
    for at, (start, end) in enumerate(units):
        middle = at + _WINDOW
        found = [f"{d}={padded[middle + d]}" for d in range(-_WINDOW, _WINDOW + 1)]
        found += [f"{a},{b}=" + "\x1f".join(padded[middle + a : middle + b + 1]) for a, b in _SPANS]
        found.append(f"_={padded[middle - 1]}\x1f{padded[middle + 1]}")
        found += [f"shape={_shape(text[start:end])}", "any"]
        if end - start > 1:
            found += [f"^{strings[at][:_AFFIX]}", f"{strings[at][-_AFFIX:]}$"]
        places = [words[each][0] for each in (max(start - 1, 0), start, min(end, len(text) - 1))]
        found += [f"place={places[1]}", f"places={''.join(places)}", f"word={words[start][1]}"]
        yield found


def _shape(unit: str) -> str:
    """Such as `h` of a Chinese character, `Aa` of a capitalised word, `a9` of a model number."""
    kinds = ["9" if c.isdigit() else _letter(c) if c.isalpha() else "." for c in unit[:16]]
    return "".join(kind for at, kind in enumerate(kinds) if at == 0 or kind != kinds[at - 1])


def _letter(character: str) -> str:
    return "h" if not character.isupper() and not character.islower() else "A" if character.isupper() else "a"


def _words(text: str) -> list[tuple[str, str]]:
    """Of each character: whether it begins, ends, stands inside of or is a word, and the word."""
    placed: list[tuple[str, str]] = []
    # Half a surrogate pair is no Unicode text, which the segmenter would refuse.
    for word in rjieba.cut(text.encode("utf-8", "replace").decode("utf-8")):
        places = "S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E"
        placed += [(place, word.casefold()) for place in places]
    # What the segmenter changes or leaves out would shift all that follows.
    return placed if len(placed) == len(text) else [("?", "")] * len(text)
