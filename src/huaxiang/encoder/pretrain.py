"""Step 3: masked language modelling on the shop's own text (Devlin et al. 2019).

Legend: B rows of a batch, L tokens of its longest row, P masked places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huaxiang.encoder.batches import Rows, pad, shuffled
from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import adamw, descend
from huaxiang.encoder.schedule import Progress, Schedule

if TYPE_CHECKING:
    import torch

_NOT_ASKED: Final = -100


@dataclass(frozen=True, slots=True)
class MaskedLM:
    """Settings of masked language modelling; the learning rate was chosen by held-out loss after 150 steps."""

    batch_size: int = 32
    learning_rate: float = 5e-4
    epochs: int = 10
    masked: float = 0.2
    weight_decay: float = 0.01
    held_out: float = 0.05
    max_held_out: int = 256


@dataclass(frozen=True, slots=True)
class PretrainReport:
    """What pretraining did; losses are nats per masked token on held-out texts, NaN where none could be held out."""

    steps: int
    planned_steps: int
    seconds: float
    loss_before: float
    loss_after: float

    @property
    def perplexity_before(self) -> float:
        """`exp(loss_before)`: of how many pieces the model hesitates among."""
        return math.exp(min(self.loss_before, 700.0))

    @property
    def perplexity_after(self) -> float:
        """`exp(loss_after)`."""
        return math.exp(min(self.loss_after, 700.0))


def pretrain(
    network: Network,
    texts: Sequence[str],
    *,
    seconds: float,
    rng: np.random.Generator,
    max_steps: int | None = None,
    settings: MaskedLM = MaskedLM(),
    progress: Progress | None = None,
) -> PretrainReport:
    """Train `network.lm` in place until the epochs, `max_steps` or the seconds are over.

    Memory: weights four times (Adam), plus activations of `batch_size` rows of `max_tokens`.
    """
    order = rng.permutation(len(texts)).tolist()
    n_held = min(int(len(texts) * settings.held_out), settings.max_held_out)
    train = [texts[i] for i in order[n_held:]]
    questions = _Masking(network, settings.masked)
    held = questions.answerable(network.tokens.ids([texts[i] for i in order[:n_held]]))
    held_seed = int(rng.integers(2**32))
    epoch_steps = math.ceil(len(train) / settings.batch_size)
    planned = epoch_steps * settings.epochs
    schedule = Schedule(planned if max_steps is None else min(planned, max_steps), seconds)
    before = _loss_on(network, held, questions, held_seed)
    if not schedule.done:
        _train(network, train, questions, schedule, settings, rng, progress)
    after = _loss_on(network, held, questions, held_seed)
    return PretrainReport(schedule.step, schedule.asked, schedule.clock.elapsed, before, after)


def _train(
    network: Network,
    texts: Sequence[str],
    questions: _Masking,
    schedule: Schedule,
    settings: MaskedLM,
    rng: np.random.Generator,
    progress: Progress | None,
) -> None:

    optimiser = adamw(network.lm, settings.learning_rate, settings.weight_decay)
    network.lm.train()
    for batch in shuffled([len(text) for text in texts], settings.batch_size, rng):
        if schedule.done:
            break
        if rows := questions.answerable(network.tokens.ids([texts[i] for i in batch])):
            ids_BL, mask_BL = pad(rows, network.pad_id)
            loss = masked_loss(network.lm, *questions.ask(ids_BL, mask_BL, rng), mask_BL)
            descend(loss, network.lm, optimiser, settings.learning_rate * schedule.factor())
        schedule.advance()
        if progress is not None:
            progress("pretrain", schedule.step, schedule.planned, max(schedule.clock.left, 0.0))
    network.lm.eval()


def masked_loss(lm: Any, ids_BL: torch.Tensor, labels_BL: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the masked places, in nats.

    The vocabulary is asked at the masked places only: for a small network the full `(B, L, vocabulary)` logits would
    be most of the work.
    """
    from torch.nn.functional import cross_entropy

    asked_BL = labels_BL != _NOT_ASKED
    head = getattr(lm, "cls", None) or getattr(lm, "lm_head", None)
    if head is None:
        logits_PV = lm(input_ids=ids_BL, attention_mask=mask_BL).logits[asked_BL]
    else:
        logits_PV = head(lm.base_model(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state[asked_BL])
    return cross_entropy(logits_PV, labels_BL[asked_BL])


class _Masking:
    """Which places are asked for: drawn anew for each batch; 80 % masked, 10 % replaced, 10 % left as they are."""

    def __init__(self, network: Network, share: float) -> None:
        self._share = share
        self._mask_id = int(network.tokenizer.mask_token_id)
        self._special = np.array(sorted(set(network.tokenizer.all_special_ids)))
        self._vocabulary = int(network.lm.config.vocab_size)

    def answerable(self, rows: Rows) -> Rows:
        """The rows that hold a piece that can be asked for."""
        special = set(self._special.tolist())
        return [row for row in rows if not special.issuperset(row)]

    def ask(
        self, ids_BL: torch.Tensor, mask_BL: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids with holes, and labels that are -100 where nothing is asked; each batch asks at least once."""
        import torch

        ids, real = ids_BL.numpy().copy(), (mask_BL.numpy() == 1)
        open_BL = real & ~np.isin(ids, self._special)
        draw_BL = np.where(open_BL, rng.random(ids.shape), 2.0)
        asked_BL = draw_BL < max(self._share, float(draw_BL.min()) + 1e-12)
        labels = np.where(asked_BL, ids, _NOT_ASKED)
        how_BL = rng.random(ids.shape)
        ids[asked_BL & (how_BL < 0.8)] = self._mask_id
        replaced = asked_BL & (how_BL >= 0.9)
        ids[replaced] = rng.integers(0, self._vocabulary, int(replaced.sum()))
        return torch.from_numpy(ids), torch.from_numpy(labels)


def _loss_on(network: Network, rows: Rows, questions: _Masking, seed: int) -> float:
    """Loss on held-out rows under one fixed masking, so that before and after answer the same questions."""
    import torch

    if not rows:
        return math.nan
    rng = np.random.default_rng(seed)
    total, count = 0.0, 0
    network.lm.eval()
    with torch.no_grad():
        for start in range(0, len(rows), 32):
            ids_BL, mask_BL = pad(rows[start : start + 32], network.pad_id)
            asked_BL, labels_BL = questions.ask(ids_BL, mask_BL, rng)
            n = int((labels_BL != _NOT_ASKED).sum())
            total += float(masked_loss(network.lm, asked_BL, labels_BL, mask_BL)) * n
            count += n
    return total / count
