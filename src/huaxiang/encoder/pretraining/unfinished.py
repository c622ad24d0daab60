"""What lies beside `out` while a pretraining runs: its texts, its state, and what it was asked to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from huaxiang.encoder.pretraining.keeping import Keeper
from huaxiang.encoder.training_state import read_header
from huaxiang.errors import DataError

_FREE: Final = frozenset({"learning_rate", "threads"})
"""What may change when a run is taken up again on request: after it diverged, or on another machine."""


class Unfinished:
    """The folder `OUT.unfinished`; gone when the run is finished, kept when it was killed."""

    def __init__(self, out: Path) -> None:
        """Nothing is made yet."""
        self.folder = out.with_name(f"{out.name}.unfinished")
        self.state, self._asked = self.folder / "state.safetensors", self.folder / "run.json"

    def lay_open(self) -> Path:
        """Make the folder; answers with the path of its texts."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.folder} cannot be made: {error}; give another folder to write to") from error
        return self.folder / "texts.bin"

    def settle(self, asked: Mapping[str, Any], resume: bool | None) -> str:
        """Whether to take up what lies here, and where not, begin anew; answers with a note for people, "" where there
        was nothing.

        Args:
            asked: inputs and settings, as JSON values; they must be those of the run that lies here.
            resume: True takes it up and refuses to begin anew; False drops it; None takes it up where there is one.

        Raises:
            DataError: nothing to take up, or its inputs or settings were others.
        """
        if not self.state.is_file():
            if resume:
                raise DataError(f"there is no unfinished run at {self.folder}; leave out --resume to begin one")
            self._write(asked)
            return ""
        if resume is False:
            self.state.unlink()
            self._write(asked)
            return f"the unfinished run at {self.folder} was dropped"
        before = self._read()
        other = sorted(name for name in {*asked, *before} if asked.get(name) != before.get(name))
        if other and not (resume and _FREE.issuperset(other)):
            changes = (f"{name} was {_short(before.get(name))}, now {_short(asked.get(name))}" for name in other)
            raise DataError(
                f"there is an unfinished run at {self.folder}, but its inputs or settings were others: "
                f"{', '.join(changes)}; give the same to take it up again, --fresh to drop it, or another --out"
            )
        self._write(asked)
        step = read_header(self.state)["said"]["step"]
        changed = "".join(f", {name} is now {asked[name]}" for name in other)
        return f"the run was taken up again at step {step}{changed}"

    def keeper(self, every_seconds: float, every_steps: int | None) -> Keeper:
        """Keeps the run's state here."""
        return Keeper(self.state, every_seconds, every_steps)

    def drop(self) -> None:
        """The run is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_if_nothing_was_kept(self) -> None:
        """The run failed; what it kept stays."""
        if self.state.is_file():
            (self.folder / "texts.bin").unlink(missing_ok=True)
        else:
            self.drop()

    def _read(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(self._asked.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise DataError(
                f"{self._asked} cannot be read: {error}; give --fresh to drop the unfinished run, or another --out"
            ) from error
        return said

    def _write(self, asked: Mapping[str, Any]) -> None:
        partial = self._asked.with_suffix(".partial")
        partial.write_text(json.dumps(dict(asked), ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(partial, self._asked)


def _short(value: Any) -> str:
    said = str(value)
    return said if len(said) <= 24 else f"{said[:10]}..."
