"""Figures of a training, kept by TensorBoard or Weights & Biases while it runs: `--track`, off by default."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol, Self

from huaxiang.errors import ConfigError, MissingExtraError, UnknownNameError

_EXTRA: Final = "track"


class _Sink(Protocol):
    def log(self, step: int, figures: Mapping[str, float]) -> None: ...


class Tracking:
    """One or several trackers as one; closed at the end of its `with` block, by an error too."""

    def __init__(self, sinks: list[AbstractContextManager[_Sink]]) -> None:
        self._open: list[_Sink] = []
        with ExitStack() as opening:
            self._open = [opening.enter_context(sink) for sink in sinks]
            self._closing = opening.pop_all()

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep these figures under this step."""
        for sink in self._open:
            sink.log(step, figures)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._closing.__exit__(*error)


def open_tracker(
    spec: str | None, folder: Path, run: Mapping[str, Any]
) -> AbstractContextManager[Tracking] | AbstractContextManager[None]:
    """Trackers by name, such as `tensorboard` or `tensorboard,wandb`, for a `with` block; it gives None where there is
    no name.

    Args:
        folder: where all files go: `tensorboard/` and `wandb/` inside it.
        run: what is trained and how, kept beside the figures.

    Raises:
        UnknownNameError: no such tracker.
        MissingExtraError: its package is not installed.
    """
    names = [name for part in (spec or "").split(",") if (name := part.strip().lower())]
    for name in names:
        if name not in _SINKS:
            raise UnknownNameError("tracker", name, _SINKS)
    if not names:
        return nullcontext()
    folder.mkdir(parents=True, exist_ok=True)
    return Tracking([_SINKS[name](folder, dict(run)) for name in dict.fromkeys(names)])


@contextmanager
def _tensorboard(folder: Path, run: dict[str, Any]) -> Iterator[_Sink]:
    """Read by `tensorboard --logdir FOLDER/tensorboard`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("--track tensorboard", _EXTRA) from None

    class Sink:
        def log(self, step: int, figures: Mapping[str, float]) -> None:
            for name, value in figures.items():
                writer.add_scalar(name, value, step)

    writer: Any = SummaryWriter(str(folder / "tensorboard"))  # type: ignore[no-untyped-call, unused-ignore]
    try:
        writer.add_text("run", f"```\n{json.dumps(run, ensure_ascii=False, indent=2, default=str)}\n```", 0)
        yield Sink()
    finally:
        writer.close()


@contextmanager
def _wandb(folder: Path, run: dict[str, Any]) -> Iterator[_Sink]:
    """Offline unless WANDB_MODE says otherwise; `wandb sync FOLDER/wandb/offline-run-...` sends a run later.

    Offline nothing is sent at all, no report of an error either, and every file stays in the folder.
    """
    mode: Any = os.environ.get("WANDB_MODE", "offline")
    if mode not in {"offline", "online", "disabled"}:
        raise ConfigError(f"WANDB_MODE is {mode!r}; it is offline (the default), online or disabled")
    inside = {name: str(folder / "wandb") for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR")}
    inside["WANDB_CONFIG_DIR"] = str(folder / "wandb" / "config")
    quiet = {"WANDB_SILENT": "true"} | ({} if mode == "online" else {"WANDB_ERROR_REPORTING": "false"})
    serves_already = "WANDB_SERVICE" in os.environ
    with _environment(inside | quiet):
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("--track wandb", _EXTRA) from None
        settings = wandb.Settings(
            silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
        )
        kept: Any = wandb.init(project="huaxiang", dir=str(folder), mode=mode, config=run, settings=settings)
        kept.define_metric("*", step_metric="step")

        class Sink:
            def log(self, step: int, figures: Mapping[str, float]) -> None:
                kept.log({**figures, "step": step})

        failed = True
        try:
            yield Sink()
            failed = False
        finally:
            kept.finish(exit_code=int(failed))
            if not serves_already:
                wandb.teardown()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables, unless the user set them; as before afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: value for name, value in values.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


_SINKS: Final = {"tensorboard": _tensorboard, "wandb": _wandb}
