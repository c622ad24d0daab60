"""Teaches the sequence Transformer: sampled softmax over every place of every history, in buckets of like length.

Legend: B rows of a batch, L places, P targets of a batch, U items that a batch uses, K negatives, M items, T terms,
D width, H heads. Needs torch; serving does without (`sequence.SequenceModel`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.threads import idle_cores
from huaxiang.errors import DataError
from huaxiang.retrieval.base import Interactions
from huaxiang.retrieval.sequence import SequenceModel, Weights

Judge = Callable[[SequenceModel], float]
"""How good a model is, higher is better; asked of weights that are averaged over the last steps."""

_AVERAGED: Final = 0.998
"""Of the running mean of the weights that is judged and kept, per step."""
_WARM_UP: Final = 200


@dataclass(frozen=True, slots=True)
class Sequential:
    """How a sequence model is taught; `SequenceModel(Sequential(...)).fit(interactions)`.

    Attributes:
        content_MT: unit rows of the items' terms (`content.tf_idf`); an item's vector is one of its own and the sum of
            its terms' vectors, so that what nobody met yet has a place too. None: only its own.
        judge: asked after every `check_every` epochs; the best weights are kept. None: all epochs are run.
        begin: weights to go on from, learned on the same catalogue and terms.
        threads: of torch; None: the cores that are idle when it begins.
        seconds: wall time; the epoch that would pass it is not begun.
        nameless: share of the items of a batch that are read by their terms alone.
    """

    name: ClassVar[str] = SequenceModel.name

    content_MT: sparse.csr_array | None = field(default=None, repr=False)
    judge: Judge | None = field(default=None, repr=False)
    begin: "Learned | None" = field(default=None, repr=False)
    seconds: float = 300.0
    epochs: int = 150
    d: int = 64
    layers: int = 2
    heads: int = 2
    window: int = 50
    dropout: float = 0.3
    nameless: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 128
    n_negatives: int = 512
    check_every: int = 3
    patience: int = 5
    seed: int = 0
    threads: int | None = None

    def weights(self, interactions: Interactions) -> Weights:
        """The best weights within the time."""
        return self.learn(interactions).weights

    def learn(self, interactions: Interactions) -> "Learned":
        """The same, with what it takes to go on from them."""
        if self.content_MT is not None and self.content_MT.shape[0] != interactions.n_items:
            raise DataError(f"terms of {self.content_MT.shape[0]} items for a catalogue of {interactions.n_items}")
        with torch_as(self.threads or idle_cores(), self.seed, "teaching a sequence model"):
            return _Course(self, interactions).run()


@dataclass(frozen=True, slots=True)
class Learned:
    """Weights for serving, and the network that they came from.

    Attributes:
        epochs: that the kept weights have seen; `steps` of the optimiser in all, `seconds` of wall time.
        judged: value of the kept weights; NaN without a judge.
    """

    weights: Weights
    state: dict[str, Tensor]
    epochs: int
    steps: int
    seconds: float
    judged: float


class _Layer(nn.Module):
    """Self-attention with a bias by distance, then a feed-forward; normalised before each."""

    def __init__(self, settings: Sequential) -> None:
        super().__init__()
        d = settings.d
        self.heads, self.p = settings.heads, settings.dropout
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.mix, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.near = nn.Parameter(torch.zeros(settings.heads, settings.window))
        for linear in (self.mix, self.out, self.up, self.down):
            nn.init.normal_(linear.weight, std=0.02)

    def forward(self, x_BLD: Tensor) -> Tensor:
        b, length, d = x_BLD.shape
        q, k, v = self.mix(self.norm1(x_BLD)).view(b, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        at_L = torch.arange(length)
        back_LL = at_L[:, None] - at_L[None]
        bias = self.near[:, back_LL.clamp(min=0)].masked_fill(back_LL < 0, -torch.inf)
        seen = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=bias[None], dropout_p=self.p if self.training else 0.0
        )
        mixed = self.out(seen.transpose(1, 2).reshape(b, length, d))
        x_BLD = x_BLD + functional.dropout(mixed, self.p, self.training)
        fed: Tensor = self.down(functional.gelu(self.up(self.norm2(x_BLD)), approximate="tanh"))
        return x_BLD + functional.dropout(fed, self.p, self.training)


class _Network(nn.Module):
    """Vectors of items, layers, a norm."""

    def __init__(self, settings: Sequential, n_items: int) -> None:
        super().__init__()
        self.settings = settings
        self.own = nn.Embedding(n_items, settings.d)
        nn.init.normal_(self.own.weight, std=0.02)
        n_terms = 0 if settings.content_MT is None else settings.content_MT.shape[1]
        self.terms = nn.EmbeddingBag(n_terms, settings.d, mode="sum") if n_terms else None
        if self.terms is not None:
            nn.init.normal_(self.terms.weight, std=0.02)
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.d)

    def vectors(self, items_U: NDArray[np.int64], nameless: float = 0.0) -> Tensor:
        """Vectors of items, shape (U, D); a share of them by their terms alone."""
        own_UD: Tensor = self.own(torch.from_numpy(items_U))
        if self.terms is None or self.settings.content_MT is None:
            return own_UD
        part = self.settings.content_MT[items_U]
        columns, offsets = torch.from_numpy(part.indices.astype(np.int64)), torch.from_numpy(part.indptr[:-1].copy())
        said_UD: Tensor = self.terms(columns, offsets.long(), per_sample_weights=torch.from_numpy(part.data))
        if nameless:
            own_UD = own_UD * (torch.rand(len(items_U), 1) >= nameless)
        return own_UD + said_UD

    def states(self, x_BLD: Tensor) -> Tensor:
        """What comes next after each place, shape (B, L, D)."""
        x_BLD = functional.dropout(x_BLD, self.settings.dropout, self.training)
        for layer in self.layers:
            x_BLD = layer(x_BLD)
        last_BLD: Tensor = self.norm(x_BLD)
        return last_BLD

    def _layers(self) -> list[_Layer]:
        return [layer for layer in self.layers if isinstance(layer, _Layer)]

    def served(self) -> Weights:
        """The weights as `sequence.SequenceModel` reads them."""
        self.eval()
        n_items = self.own.num_embeddings
        with torch.no_grad():
            blocks = [self.vectors(np.arange(at, min(at + 8192, n_items))) for at in range(0, n_items, 8192)]
        near = torch.stack([layer.near.detach() for layer in self._layers()])
        arrays = {"items": torch.cat(blocks), "near": near}
        arrays |= {
            f"{n}.{name}": value.detach()
            for n, layer in enumerate(self.layers)
            for name, value in layer.named_parameters()
            if name != "near"
        }
        arrays |= {f"norm.{name}": value.detach() for name, value in self.norm.named_parameters()}
        return {name: value.numpy().astype(np.float32).copy() for name, value in arrays.items()}


class _Course:
    """One training."""

    def __init__(self, settings: Sequential, interactions: Interactions) -> None:
        self.settings, self.n_items = settings, interactions.n_items
        self.rows = windows(interactions, settings.window)
        if not self.rows:
            raise DataError("nobody met two items one after the other; a sequence model has nothing to learn from")
        self.rng = np.random.default_rng(settings.seed)
        self.network = _Network(settings, interactions.n_items)
        if settings.begin is not None:
            self.network.load_state_dict(settings.begin.state)
        self.mean = {name: value.clone() for name, value in self.network.state_dict().items()}
        met_M = np.bincount(interactions.items_E, minlength=interactions.n_items).astype(np.float64)
        self.drawn_M = 0.5 * (met_M + 1e-9) ** 0.75 / ((met_M + 1e-9) ** 0.75).sum() + 0.5 / interactions.n_items
        self.drawn_M /= self.drawn_M.sum()
        self.steps = 0

    def run(self) -> Learned:
        """Epochs until the time, the patience or the plan ends."""
        began, settings = time.monotonic(), self.settings
        optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
        )
        best, since = self._kept(0, began), 0
        for epoch in range(1, settings.epochs + 1):
            started = time.monotonic()
            for batch in self._batches():
                self._step(optimiser, batch)
            if epoch % settings.check_every == 0 or epoch == settings.epochs:
                now = self._kept(epoch, began)
                better = settings.judge is None or not now.judged <= best.judged
                best, since = (now, 0) if better else (best, since + 1)
                if since >= settings.patience:
                    break
            if time.monotonic() - began + 1.2 * (time.monotonic() - started) > settings.seconds:
                break
        if settings.judge is None and best.epochs < epoch:
            best = self._kept(epoch, began)
        return best

    def _batches(self) -> Iterator[list[NDArray[np.int64]]]:
        """Rows of like length, in an order of their own each epoch."""
        lengths = np.array([len(row) for row in self.rows], dtype=np.float64)
        order = np.argsort(lengths + self.rng.uniform(0.0, 2.0, len(lengths)), kind="stable")
        starts = np.arange(0, len(order), self.settings.batch_size)
        for start in self.rng.permutation(starts):
            yield [self.rows[at] for at in order[start : start + self.settings.batch_size]]

    def _step(self, optimiser: torch.optim.Optimizer, batch: Sequence[NDArray[np.int64]]) -> None:
        self.steps += 1
        for group in optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * min(1.0, self.steps / _WARM_UP)
        self.network.train()
        optimiser.zero_grad(set_to_none=True)
        self._loss(batch).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        optimiser.step()
        keep = min(_AVERAGED, self.steps / (self.steps + 10.0))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.mean[name].lerp_(value, 1.0 - keep)

    def _loss(self, batch: Sequence[NDArray[np.int64]]) -> Tensor:
        longest = max(len(row) for row in batch) - 1
        items_BL = np.zeros((len(batch), longest), np.int64)
        next_BL = np.full((len(batch), longest), -1)
        for at, row in enumerate(batch):
            items_BL[at, : len(row) - 1], next_BL[at, : len(row) - 1] = row[:-1], row[1:]
        asked_BL = next_BL >= 0
        drawn_K = self._negatives()
        used_U, places = np.unique(np.concatenate([items_BL.ravel(), next_BL[asked_BL], drawn_K]), return_inverse=True)
        in_BL, right_P, wrong_K = np.split(places, [items_BL.size, items_BL.size + int(asked_BL.sum())])
        vectors_UD = self.network.vectors(used_U, self.settings.nameless)
        x_BLD = vectors_UD[torch.from_numpy(in_BL.reshape(items_BL.shape))]
        states_PD = self.network.states(x_BLD)[torch.from_numpy(asked_BL)]
        return self._softmax(states_PD, vectors_UD, right_P, wrong_K, drawn_K)

    def _negatives(self) -> NDArray[np.int64]:
        """Items drawn without knowing the batch: half evenly, half by how often they are met; all of a small shop."""
        if self.n_items <= self.settings.n_negatives:
            return np.arange(self.n_items)
        return self.rng.choice(self.n_items, self.settings.n_negatives, p=self.drawn_M)

    def _softmax(
        self,
        states_PD: Tensor,
        vectors_UD: Tensor,
        right_P: NDArray[np.int64],
        wrong_K: NDArray[np.int64],
        drawn_K: NDArray[np.int64],
    ) -> Tensor:
        """Cross-entropy against the drawn items, each corrected by how often it is drawn (Jean et al. 2015)."""
        right = torch.from_numpy(right_P)
        good_P = (states_PD * vectors_UD[right]).sum(dim=1, keepdim=True)
        bad_PK = states_PD @ vectors_UD[torch.from_numpy(wrong_K)].T
        if self.n_items > self.settings.n_negatives:
            bad_PK = bad_PK - torch.from_numpy(np.log(len(drawn_K) * self.drawn_M[drawn_K]).astype(np.float32))
        bad_PK = bad_PK.masked_fill(right[:, None] == torch.from_numpy(wrong_K)[None], -torch.inf)
        everything = torch.cat([good_P, bad_PK], dim=1)
        return functional.cross_entropy(everything, torch.zeros(len(right), dtype=torch.long))

    def _kept(self, epoch: int, began: float) -> Learned:
        """The averaged weights as they are, judged."""
        state = {name: value.clone() for name, value in self.mean.items()}
        live = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(state)
        weights = self.network.served()
        self.network.load_state_dict(live)
        judged = float("nan")
        if self.settings.judge is not None:
            judged = self.settings.judge(SequenceModel.made(weights))
        return Learned(weights, state, epoch, self.steps, time.monotonic() - began, judged)


def windows(interactions: Interactions, window: int) -> list[NDArray[np.int64]]:
    """What is learned from: each user's items of weight > 0, cut from the end into rows of at most `window` + 1.

    Two rows of a user share one item, so that every item but the first is a target once. Rows of one item say nothing.
    """
    rows: list[NDArray[np.int64]] = []
    for start, end in zip(interactions.indptr_N1[:-1].tolist(), interactions.indptr_N1[1:].tolist(), strict=True):
        met = interactions.items_E[start:end][interactions.weights_E[start:end] > 0.0].astype(np.int64)
        last = len(met)
        while last > 1:
            rows.append(met[max(0, last - window - 1) : last])
            last -= window
    return rows
