"""A progress bar for long work."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar() -> Iterator[Callable[[str, int, int, float], None]]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal or "CI" in os.environ) as shown:
        tasks: dict[str, int] = {}

        def advance(stage: str, step: int, planned: int, _seconds_left: float) -> None:
            if stage not in tasks:
                tasks[stage] = int(shown.add_task(stage, total=planned))
            shown.update(shown.task_ids[list(tasks).index(stage)], completed=step, total=planned)

        yield advance
