"""Search of the settings of a fine-tuning by validation: `huaxiang tune`, on Optuna.

A study is a folder. Its journal has a line for every event, so that what was killed goes on where it stopped; which
settings are tried depends on the seed and on the trials before, not on how often the search was interrupted.
"""

from __future__ import annotations

import fcntl
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from huaxiang.encoder.finetuning.loop import Plan, Tracker
from huaxiang.encoder.optimising import DivergedError
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import optuna

JOURNAL: Final = "trials.jsonl"
_NAME: Final = "huaxiang"
_RANDOM_TRIALS: Final = 5
"""Before Optuna's sampler (TPE, Bergstra et al. 2011) looks at results; its own default of 10 is all that many
budgets have."""
_UNPRUNED_TRIALS: Final = 3
_FIRST_PRUNED_CHECK: Final = 2
"""At the first check most learning rates are still rising."""
_FOR_IMPORTANCE: Final = 5


class PrunedError(Exception):
    """A trial was given up, since others were better at the same point."""


class Watch:
    """What an objective is given beside the settings.

    Attributes:
        number: of the trial, from 0.
        seconds: wall time that it may take.
        was_cut: to be set by the objective where time cut the plan: such a trial says nothing of its settings.
    """

    def __init__(self, trial: optuna.Trial, number: int, seconds: float) -> None:
        self._trial = trial
        self.number, self.seconds, self.was_cut = number, seconds, False

    def __call__(self, step: int, value: float) -> bool:
        """Say how good it is after `step` (of whatever is the same in all trials); True to give up."""
        if math.isnan(value):
            return False
        self._trial.report(value, step)
        return bool(self._trial.should_prune())


Objective: TypeAlias = Callable[[Plan, str, Watch], float]
"""Trains with a plan by a method, and answers with what it is worth on held-out rows: higher is better."""


class Watching:
    """A tracker that passes the checks of a training on to a watch, by their number: plans of every length have
    equally many.

    Raises:
        PrunedError: out of the training, where it is to be given up.
    """

    def __init__(self, watch: Watch, also: Tracker | None = None) -> None:
        self._watch, self._also, self._checks = watch, also, 0

    def log(self, step: int, figures: dict[str, float]) -> None:
        """Pass the value of a check on; keep the rest where tracking is on."""
        if self._also is not None:
            self._also.log(step, figures)
        if "validation/value" in figures:
            self._checks += 1
            if self._watch(self._checks, figures["validation/value"]):
                raise PrunedError


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched around the defaults; factors multiply them.

    Attributes:
        layers: of the encoder, for how many may be frozen.
    """

    layers: int
    batch_sizes: tuple[int, ...] = (16, 32, 64)
    rate_factor: tuple[float, float] = (0.2, 5.0)
    epochs_factor: tuple[float, float] = (0.5, 2.0)
    most_weight_decay: float = 0.1
    least_layer_decay: float = 0.7


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of settings and what it was worth.

    Attributes:
        state: `done`; `cut`, by the time; `pruned`; `diverged`.
        value: on held-out rows; the last that was heard of where it was pruned, None where nothing was.
    """

    number: int
    method: str
    plan: Plan
    state: str
    value: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What a search found.

    Attributes:
        usual: the trial of the first defaults; None where it diverged.
        best: of the trials that are done; never worse than `usual`.
        importance: share of the differences between trials that a setting explains; empty for too few trials.
        taken_up: trials that were there from before.
        stopped: why it ended, one sentence.
    """

    trials: tuple[Trial, ...]
    usual: Trial | None
    best: Trial
    importance: Mapping[str, float]
    taken_up: int
    seconds: float
    stopped: str

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        gain = None if self.usual is None else (self.best.value or 0.0) - (self.usual.value or 0.0)
        return asdict(self) | {"gain": gain}


def tune(
    objective: Objective,
    defaults: Mapping[str, Plan],
    space: Space,
    *,
    folder: Path,
    seconds: float,
    seed: int,
    n_trials: int | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> TuneReport:
    """Search until the trials or the time are used up.

    Args:
        defaults: a plan for each method that may be chosen, the usual one first; they are tried before all others.
        folder: of the study; one that is there is taken up.
        seconds: wall time for everything.
        n_trials: in all, with those of before; None: as many as the time allows.
        about: what is tuned on what; a study about something else is not taken up.

    Raises:
        DataError: the folder holds another study, is in use, or no trial could be finished.
        MissingExtraError: Optuna is not installed.
    """
    with _exclusive(folder), _quiet():
        search = _Search(objective, defaults, space, Clock(seconds), seed)
        search.open(folder, {**(about or {}), "methods": list(defaults)})
        return search.run(n_trials, progress)


class _Search:
    """One run over a study."""

    def __init__(
        self, objective: Objective, defaults: Mapping[str, Plan], space: Space, clock: Clock, seed: int
    ) -> None:
        self.objective, self.defaults, self.space, self.clock, self.seed = objective, defaults, space, clock, seed
        self.study: Any = None

    def open(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Take up the study of a folder, or begin one; trials that were killed do not count, and come again."""
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        _mend(folder / JOURNAL)
        self.study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED_TRIALS, n_warmup_steps=_FIRST_PRUNED_CHECK),
            study_name=_NAME,
            direction="maximize",
            load_if_exists=True,
        )
        before = self.study.user_attrs.get("about")
        if before is not None and before != about:
            other = sorted(key for key in {*before, *about} if before.get(key) != about.get(key))
            raise DataError(
                f"{folder} holds trials of another search ({', '.join(other)} differ); give another folder, or the "
                "same settings to go on"
            )
        self.study.set_user_attr("about", dict(about))
        for trial in self.study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        self._enqueue_defaults()
        self.taken_up = len(self._finished())

    def _enqueue_defaults(self) -> None:
        known = [trial.system_attrs.get("fixed_params") for trial in self._live()]
        for method, plan in self.defaults.items():
            fixed = self._fixed(method, plan)
            if fixed not in known:
                self.study.enqueue_trial(fixed)

    def run(self, n_trials: int | None, progress: Progress | None) -> TuneReport:
        """Try until it is enough."""
        while not (why := self._enough(n_trials)):
            self._try()
            if progress is not None:
                progress("trials", len(self._finished()), n_trials or self._affordable(), max(self.clock.left, 0.0))
        trials = self._finished()
        done = [t for t in trials if t.state == "done" or (t.state == "cut" and t.plan == self.defaults[t.method])]
        if not done:
            raise DataError(
                "no trial could be finished; give a larger budget, or a smaller learning rate to begin with"
            )
        first = next(iter(self.defaults.items()))
        usual = next((trial for trial in done if (trial.method, trial.plan) == first), None)
        best = max(done, key=lambda trial: (-math.inf if trial.value is None else trial.value, -trial.number))
        return TuneReport(tuple(trials), usual, best, self._importance(), self.taken_up, self.clock.elapsed, why)

    def _enough(self, n_trials: int | None) -> str:
        """Why to stop; "" to go on. A trial that the time would cut is not begun."""
        finished = self._finished()
        if n_trials is not None and len(finished) >= n_trials:
            return f"all {n_trials} trials are done"
        typical = self._typical(finished)
        if finished and self.clock.left < typical:
            return f"{max(self.clock.left, 0.0):.0f} s of the budget were left, and a trial takes about {typical:.0f} s"
        return ""

    @staticmethod
    def _typical(trials: Sequence[Trial]) -> float:
        whole = [trial.seconds for trial in trials if trial.state in {"done", "cut"}]
        return statistics.median(whole) if whole else 0.0

    def _affordable(self) -> int:
        finished = self._finished()
        return len(finished) + int(max(self.clock.left, 0.0) / max(self._typical(finished), 1e-9))

    def _try(self) -> None:
        """One trial. Its sampler is made anew for its place in the order, so an interrupted search goes on as if it
        had not been."""
        import optuna

        number = len(self._finished())
        drawn = int(np.random.default_rng((self.seed, number)).integers(1 << 31))
        self.study.sampler = optuna.samplers.TPESampler(seed=drawn, n_startup_trials=_RANDOM_TRIALS)
        trial = self.study.ask()
        method, plan = self._suggested(trial)
        trial.set_user_attr("method", method)
        trial.set_user_attr("plan", asdict(plan))
        watch, began = Watch(trial, number, self.clock.left), time.monotonic()
        value, state = math.nan, "diverged"
        try:
            value = self.objective(plan, method, watch)
            state = "diverged" if math.isnan(value) else "cut" if watch.was_cut else "done"
        except PrunedError:
            state = "pruned"
        except DivergedError:
            pass
        trial.set_user_attr("state", state)
        trial.set_user_attr("seconds", time.monotonic() - began)
        if state in {"done", "cut"}:
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def _suggested(self, trial: optuna.Trial) -> tuple[str, Plan]:
        space = self.space
        methods = list(self.defaults)
        method = trial.suggest_categorical("method", methods) if len(methods) > 1 else methods[0]
        usual = self.defaults[method]
        plan = replace(
            usual,
            learning_rate=usual.learning_rate
            * trial.suggest_float("learning_rate_factor", *space.rate_factor, log=True),
            head_learning_rate=usual.head_learning_rate
            * trial.suggest_float("head_learning_rate_factor", *space.rate_factor, log=True),
            epochs=usual.epochs * trial.suggest_float("epochs_factor", *space.epochs_factor, log=True),
            batch_size=trial.suggest_categorical("batch_size", self._batch_sizes()),
            weight_decay=trial.suggest_float("weight_decay", 0.0, self._most("weight_decay", space.most_weight_decay)),
        )
        if method != "full":
            return method, plan
        return method, replace(
            plan,
            frozen_layers=trial.suggest_int("frozen_layers", 0, int(self._most("frozen_layers", space.layers))),
            layer_decay=trial.suggest_float("layer_decay", self._least_layer_decay(), 1.0),
        )

    def _fixed(self, method: str, plan: Plan) -> dict[str, Any]:
        """The parameters under which `_suggested` gives the default plan of a method."""
        fixed: dict[str, Any] = {"method": method} if len(self.defaults) > 1 else {}
        fixed |= dict.fromkeys(("learning_rate_factor", "head_learning_rate_factor", "epochs_factor"), 1.0)
        fixed |= {"batch_size": plan.batch_size, "weight_decay": plan.weight_decay}
        more = {"frozen_layers": plan.frozen_layers, "layer_decay": plan.layer_decay}
        return fixed | (more if method == "full" else {})

    def _batch_sizes(self) -> list[int]:
        return sorted({*self.space.batch_sizes, *(plan.batch_size for plan in self.defaults.values())})

    def _most(self, name: str, most: float) -> float:
        return float(max(most, *(getattr(plan, name) for plan in self.defaults.values())))

    def _least_layer_decay(self) -> float:
        return min(self.space.least_layer_decay, *(plan.layer_decay for plan in self.defaults.values()))

    def _live(self) -> list[Any]:
        """All but those that were killed."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state.name != "FAIL"]

    def _finished(self) -> list[Trial]:
        found = [trial for trial in self._live() if trial.state.is_finished()]
        return [
            Trial(
                number,
                trial.user_attrs["method"],
                Plan(**trial.user_attrs["plan"]),
                trial.user_attrs["state"],
                trial.value,
                trial.user_attrs["seconds"],
            )
            for number, trial in enumerate(found)
        ]

    def _importance(self) -> dict[str, float]:
        """By PED-ANOVA (Watanabe et al. 2023), Optuna's own choice."""
        import optuna

        values = [trial.value for trial in self._finished() if trial.state in {"done", "cut"}]
        if len(values) < _FOR_IMPORTANCE or len(set(values)) < 3:
            return {}
        found = optuna.importance.get_param_importances(self.study)
        return {name: float(share) for name, share in found.items()}


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """One search in a folder at a time: the journal of Optuna would take two, but each would count on all the time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another search is running in {folder}; wait for it, or give another folder") from None
        yield


def _mend(journal: Path) -> None:
    """Take away what a process that was killed left: half a last line, and Optuna's lock."""
    journal.with_name(f"{JOURNAL}.lock").unlink(missing_ok=True)
    if journal.exists():
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            journal.write_bytes(content[: content.rfind(b"\n") + 1])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from reporting what is reported here."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("huaxiang tune", "tune") from None
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
