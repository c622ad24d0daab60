"""A cross-encoder trained on clicks and purchases: from tables of judged pairs to a folder that is served.

Legend: N rows, one for each pair of a history and an item.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from huaxiang.encoder.classifying.table import read_rows
from huaxiang.encoder.cross_encoder import (
    CONFIG_FILE,
    MODEL_FILE,
    OUTPUT,
    TOKENIZER_FILE,
    CrossEncoder,
    CrossEncoderConfig,
)
from huaxiang.encoder.export import save_graph
from huaxiang.encoder.finetuning.beginning import Begun, begin, put_on
from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.finetuning.methods import check_fits
from huaxiang.encoder.heldout import hold_out
from huaxiang.encoder.model import Network, Shape, pooled
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.schedule import Clock, Progress
from huaxiang.encoder.tasks.rank import LIST_SIZE, Judged, Rank, figures
from huaxiang.encoder.threads import idle_cores
from huaxiang.encoder.tokens import Tokens
from huaxiang.encoder.training import export_seconds
from huaxiang.encoder.writing import replacing
from huaxiang.errors import DataError

if TYPE_CHECKING:
    import torch

MAX_DIFFERENCE: Final = 1e-2
"""Between torch's and the served scores, in nats."""
GAINS: Final = {
    "": 0.0,
    "view_item_list": 0.0,
    "impression": 0.0,
    "click": 1.0,
    "select_item": 1.0,
    "view_item": 1.0,
    "add_to_cart": 1.0,
    "purchase": 2.0,
}
"""What events are worth; any other label is a number."""
_MAX_TOKENS: Final = 128
_SHARE_HELD: Final = 0.1
_MOST_HELD: Final = 2_000
_PLAN: Final = Plan(epochs=3.0, batch_size=64, learning_rate=1e-4)
"""As a classifier learns; of lists as many as hold about a batch of pairs."""
_NEW_RATE: Final = 5e-4
"""Of a network made from these texts."""
_SHAPE: Final = Shape(max_tokens=_MAX_TOKENS)


@dataclass(frozen=True, slots=True)
class Judgments:
    """Pairs of a history and an item, what each is worth, and whose list it is in.

    Attributes:
        lists: names; without a column for them the history itself.
    """

    histories: tuple[str, ...]
    items: tuple[str, ...]
    gains_N: NDArray[np.float64]
    lists: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.items)

    def read(self, tokens: Tokens, rows: Sequence[int]) -> Judged:
        """These rows as a network reads them."""
        place: dict[str, int] = {}
        list_N = np.array([place.setdefault(self.lists[i], len(place)) for i in rows], dtype=np.int64)
        ids = tokens.pair_ids([self.histories[i] for i in rows], [self.items[i] for i in rows])
        return Judged(ids, self.gains_N[list(rows)], list_N)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for; None: as usual for the encoder and the method."""

    encoder: str = "auto"
    method: str = "full"
    cut: bool = True
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    seed: int = 0
    threads: int | None = None
    shape: Shape = _SHAPE


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained cross-encoder, and what became of it, as JSON-compatible values."""

    network: Network
    head: Any
    figures: dict[str, Any]


def read_judgments(path: Path, history: str, item: str, label: str, group: str | None) -> Judgments:
    """Read a CSV, TSV or JSONL with a judged pair in each row.

    Raises:
        DataError: as `read_rows`; a label that is neither an event nor a number of 0 or more; no row.
    """
    notes: list[str] = []
    columns = (history, item, label, *([group] if group else []))
    kept = [row for row in read_rows(path, columns, notes) if row[0].strip() or row[1].strip()]
    if not kept:
        raise DataError(f"{path} has no row with a text in {history!r} or {item!r}; give a file of judged pairs")
    gains_N = np.array([_gain(path, row[2]) for row in kept])
    lists = tuple(row[3].strip() if group else row[0] for row in kept)
    return Judgments(tuple(row[0] for row in kept), tuple(row[1] for row in kept), gains_N, lists, tuple(notes))


def _gain(path: Path, said: str) -> float:
    name = said.strip().lower()
    try:
        gain = GAINS[name] if name in GAINS else float(name)
    except ValueError:
        gain = math.nan
    if not 0.0 <= gain < 64.0:
        raise DataError(
            f"{path} has the label {said!r}; a label is a number from 0 to 63, or one of: "
            f"{', '.join(name for name in GAINS if name)}"
        )
    return gain


def train_ranker(
    train: Judgments,
    test: Judgments | None,
    how: Asked,
    clock: Clock,
    *,
    seconds: float,
    progress: Progress | None = None,
) -> Ranker:
    """Fine-tune a network to score pairs; lists are held out whole, and the best weights by them remain.

    Args:
        clock: began with the work. `seconds`: of it for everything; what the export takes is left over.

    Raises:
        DataError: nothing that is worth more than something else, no time for a step, or a loss that is no number.
    """
    if not np.ptp(train.gains_N):
        raise DataError("all pairs of the training file have the same label: nothing to learn; give clicks and others")
    rng = np.random.default_rng(how.seed)
    notes = [*train.notes, *(test.notes if test is not None else ())]
    with torch_as(how.threads or idle_cores(), how.seed, "fine-tuning a cross-encoder"):
        texts = [text for text in dict.fromkeys([*train.items, *train.histories]) if text.strip()]
        begun = begin(how.encoder, texts, rng, notes, max_tokens=_MAX_TOKENS, cut=how.cut, shape=how.shape)
        check_fits(begun.network, how.method)
        return _Run(train, test, how, begun, rng, notes, clock, seconds, progress).go()


class _Run:
    """One training: what cosine says, learn, judge."""

    def __init__(
        self,
        train: Judgments,
        test: Judgments | None,
        how: Asked,
        begun: Begun,
        rng: np.random.Generator,
        notes: list[str],
        clock: Clock,
        seconds: float,
        progress: Progress | None,
    ) -> None:
        self.how, self.begun, self.rng, self.notes = how, begun, rng, notes
        self.clock, self.progress, self.judgments, self.test = clock, progress, train, test
        self.seconds = seconds - export_seconds(begun.network, seconds)
        tokens = begun.network.tokens
        rows, held = hold_out(len(train), train.lists, rng, _SHARE_HELD, _MOST_HELD)
        self.held_rows = held
        self.learned, self.held = train.read(tokens, rows), train.read(tokens, held)
        lists = self.learned.lists()
        self.n_lists, n_all = len(lists), len(np.unique(self.learned.list_N))
        self.listwise = sum(map(len, lists)) > len(rows) / 2
        if self.listwise and self.n_lists < n_all:
            notes.append(f"{n_all - self.n_lists} of {n_all} lists teach no order and were left out: all rows alike")
        if not self.listwise:
            notes.append("most rows stand in no list with another label, so each row is learned by itself")

    def go(self) -> Ranker:
        """The trained network with its head."""
        judged, asked = self.held, self.judgments
        rows: Sequence[int] = self.held_rows
        if self.test is not None:
            asked, rows = self.test, range(len(self.test))
            judged = self.test.read(self.begun.network.tokens, rows)
            if shared := len(set(asked.lists) & set(self.judgments.lists)):
                self.notes.append(f"{shared} lists of the test file are in the training file too")
        baseline = figures(_cosines(self.begun.network, asked, rows), judged)
        task = Rank(self.learned, self.held, self.begun.network.d, listwise=self.listwise, rng=self.rng)
        done = self._learn(task, self._seconds_to_judge(judged))
        found = figures(task.scores(self.begun.network, judged.rows), judged)
        return Ranker(self.begun.network, task.head, self._figures(done, found, baseline, len(judged)))

    def _seconds_to_judge(self, judged: Judged) -> float:
        """By a few rows."""
        few = judged.rows[:: max(len(judged) // 16, 1)][:16]
        began = self.clock.elapsed
        self.begun.network.encode_ids(few)
        return (self.clock.elapsed - began) * len(judged) / max(len(few), 1)

    def _learn(self, task: Rank, reserved: float) -> FitReport:
        how, begun = self.how, self.begun
        size = how.batch_size or _PLAN.batch_size
        if self.listwise:
            size = max(1, size // min(LIST_SIZE, max(2, len(self.learned) // self.n_lists)))
        epochs = how.epochs or _PLAN.epochs
        applied = put_on(begun, how.method, math.ceil(len(task.lengths) / size * epochs), how.seed)
        usual = applied.learning_rate if applied else _PLAN.learning_rate if begun.taught else _NEW_RATE
        done = fit(
            begun.network,
            task,
            replace(_PLAN, epochs=epochs, batch_size=size, learning_rate=how.learning_rate or usual),
            seconds=self.seconds - self.clock.elapsed - reserved,
            rng=self.rng,
            bf16=begun.bf16,
            progress=self.progress,
            after_step=applied.after_step if applied else None,
            penalty=applied.penalty if applied else None,
        )
        if applied is not None:
            applied.finish()
        if not done.steps:
            raise DataError(
                f"the budget allowed no step of training with {begun.network.name}, and a head that was never trained "
                "says nothing; give a larger budget or a smaller encoder, such as --encoder new"
            )
        if done.steps < done.planned_steps and not done.stopped_early:
            self.notes.append(f"the budget cut the training after {done.steps} of {done.planned_steps} steps")
        return done

    def _figures(
        self, done: FitReport, found: dict[str, float], baseline: dict[str, float], n_judged: int
    ) -> dict[str, Any]:
        if self.test is None:
            self.notes.append("no test file: the figures are of held-out lists, which also chose the weights")
        if found["auc"] < baseline["auc"]:
            self.notes.append(
                "the cosine of the encoder as it came tells more apart: give more pairs or a larger budget"
            )
        return {
            **_plain(found),
            "method": self.how.method,
            "encoder": self.begun.network.name,
            "n_train": len(self.judgments),
            "n_test": n_judged if self.test is not None else 0,
            "baseline": {"cosine": _plain(baseline)},
            "objective": "softmax within lists" if self.listwise else "each row by itself",
            "n_lists": self.n_lists,
            "held_out": _plain(dict(done.after.figures)),
            "steps": done.steps,
            "best_step": done.best_step,
            "trained_parameters": done.trained_parameters,
            "notes": self.notes,
        }


def _cosines(network: Network, judgments: Judgments, rows: Sequence[int]) -> NDArray[np.float64]:
    """What the encoder as it came says of each pair: each text is read once."""
    place: dict[str, int] = {}
    at_N2 = np.array(
        [[place.setdefault(text, len(place)) for text in (judgments.histories[i], judgments.items[i])] for i in rows],
        dtype=np.int64,
    ).reshape(-1, 2)
    vectors = network.encode_ids(network.tokens.ids(list(place))).double().numpy()
    return np.asarray((vectors[at_N2[:, 0]] * vectors[at_N2[:, 1]]).sum(axis=1), dtype=np.float64)


def _plain(found: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 6) for name, value in found.items()}


def check_out(out: Path) -> None:
    """Refuse a folder of something else; to be asked before the work."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / CONFIG_FILE).is_file())):
        raise DataError(f"{out} holds other files; give an empty or new folder for the cross-encoder")


def save_ranker(ranker: Ranker, out: Path, samples: Sequence[tuple[str, str]]) -> str:
    """Write the folder, replacing one that was there only when the new one is complete; its fingerprint.

    Args:
        samples: real pairs, on which torch and onnxruntime are compared.

    Raises:
        DataError: `out` holds something else, or the engines disagree.
    """
    check_out(out)
    network = ranker.network
    with replacing(out) as partial:
        save_graph(_served(network, ranker.head), network.pad_id, partial / MODEL_FILE, OUTPUT)
        network.tokenizer.backend_tokenizer.save(str(partial / TOKENIZER_FILE))
        digest = hashlib.blake2b(f"cut at {network.tokens.max_tokens}".encode(), digest_size=16)
        for name in (MODEL_FILE, TOKENIZER_FILE):
            digest.update((partial / name).read_bytes())
        config = CrossEncoderConfig(network.tokens.max_tokens, network.pad_id, network.name, digest.hexdigest())
        (partial / CONFIG_FILE).write_text(json.dumps(asdict(config), ensure_ascii=False, indent=1), encoding="utf-8")
        _compare(ranker, CrossEncoder.load(partial), samples)
    return config.fingerprint


def _served(network: Network, head: Any) -> Any:
    import torch

    class Served(torch.nn.Module):
        """From token ids of pairs to their scores."""

        def __init__(self) -> None:
            super().__init__()
            self.base, self.head = network.base, head

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.head(pooled(self.base, input_ids, attention_mask)).squeeze(-1)

    return Served()


def _compare(ranker: Ranker, served: CrossEncoder, samples: Sequence[tuple[str, str]]) -> None:
    import torch

    probes = [("a", "红色 连衣裙"), ("", "a"), ("tea pot " * 200, "茶壶 " * 200), *samples]
    histories, items = [one for one, _ in probes], [other for _, other in probes]
    rows = ranker.network.tokens.pair_ids(histories, items)
    with torch.no_grad():
        ours_N = ranker.head(ranker.network.encode_ids(rows)).squeeze(-1).numpy()
    worst = float(np.abs(ours_N - served.scores(histories, items)).max())
    if not worst <= MAX_DIFFERENCE:
        raise DataError(
            f"the exported graph and torch disagree: scores differ by {worst:.4f}, at most {MAX_DIFFERENCE} is "
            "allowed; this checkpoint's architecture cannot be exported faithfully, use another"
        )
