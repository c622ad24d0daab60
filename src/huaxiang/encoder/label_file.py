"""The labels of a session on disk: written whole after each answer, so that nothing is lost when it is killed."""

import csv
import io
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from huaxiang.errors import DataError

_HEADER: Final = ["text", "label"]


@dataclass(slots=True)
class LabelFile:
    """Texts in the order in which they were asked about, each with its label; an empty one was skipped.

    It is a CSV with the columns `text` and `label`, as `huaxiang finetune classify --train` reads it.
    """

    path: Path
    answers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, labels: Sequence[str]) -> Self:
        """Read what an earlier session wrote; none where there is no file.

        Raises:
            DataError: the file is something else, or has labels that are not among these.
        """
        if not path.exists():
            return cls(path)
        csv.field_size_limit(1 << 30)
        try:
            rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} cannot be read as labels: {error}; name another file with --out") from error
        if not rows or rows[0] != _HEADER or any(len(row) != len(_HEADER) for row in rows[1:]):
            raise DataError(f"{path} is no file of labels: its columns are not text, label; name another with --out")
        answers: dict[str, str] = dict(rows[1:])
        if unknown := sorted(set(answers.values()) - {"", *labels}):
            raise DataError(
                f"{path} has labels that --labels does not name: {', '.join(unknown)}; name them, or another --out"
            )
        return cls(path, answers)

    def add(self, text: str, label: str) -> None:
        """Keep an answer; an empty label says that the text was skipped."""
        self.answers[text] = label
        self._write(self.answers)

    def undo(self) -> tuple[str, str] | None:
        """Take the last answer back; its text and what was said, None where there is none."""
        if not self.answers:
            return None
        last = self.answers.popitem()
        self._write(self.answers)
        return last

    def _write(self, answers: Mapping[str, str]) -> None:
        """Beside the file, then in its place: a reader sees the file before or after the answer and nothing between."""
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with fresh.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows([_HEADER, *answers.items()])
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise DataError(f"{self.path} cannot be written: {error.strerror}; the answers before are kept") from error
