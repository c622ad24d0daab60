"""Reading the configuration file that stands beside a graph or a table of vectors."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from huaxiang.errors import DataError


class Versioned(Protocol):
    """A configuration that says in which version of its format it was written."""

    @property
    def format(self) -> int:
        """Rises whenever an older version could not read it."""
        ...


C = TypeVar("C", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is the configuration of, for messages: `encoder`, by `huaxiang pretrain`, and how to renew it."""

    name: str
    made_by: str
    renew: str
    format: int = 1

    def read(self, path: Path, make: Callable[..., C]) -> C:
        """The file's keys given to `make`.

        Raises:
            DataError: missing, damaged, or of a format that this version does not know.
        """
        article = "an" if self.name[0] in "aeiou" else "a"
        try:
            config = make(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise DataError(
                f"no {self.name} at {path.parent}: {path.name} is missing; `{self.made_by}` makes {article} {self.name}"
            ) from None
        except (ValueError, TypeError) as error:
            raise DataError(f"{path} is no {self.name}'s configuration: {error}; {self.renew}") from error
        if config.format != self.format:
            raise DataError(f"{path} has format {config.format}, this version reads {self.format}; {self.renew}")
        return config
