"""Ways to fine-tune: all weights, or few beside them that stay frozen.

LoRA, AdaLoRA, IA3, and the vectors of prefix and prompt tuning are those of the library PEFT. How many weights, where,
and at which rate was chosen on validation data; see experiments/LOG.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huaxiang.encoder.finetuning.bottleneck import adapted
from huaxiang.encoder.finetuning.layout import Parts
from huaxiang.encoder.finetuning.virtual import prefixed, prompted
from huaxiang.encoder.model import Network
from huaxiang.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    import torch

METHODS: Final = ("full", "lora", "adalora", "adapter", "prefix", "prompt", "ia3")

LEARNING_RATES: Final[Mapping[str, float]] = {
    "full": 1e-4,
    "lora": 3e-3,
    "adalora": 5e-3,
    "adapter": 3e-3,
    "prefix": 1e-1,
    "prompt": 5e-2,
    "ia3": 5e-2,
}
"""Of the encoder's part, for a hundred steps or so; `huaxiang tune` finds what suits longer trainings."""

RANK: Final = 8
"""Of LoRA's maps, and on average of AdaLoRA's when it has given all away; that one begins with half as much again."""
BOTTLENECK: Final = 24
PREFIX_TOKENS: Final = 16
PROMPT_TOKENS: Final = 4
"""Of 16 and 8, held-out texts are read worse: they drown the text."""


class Applied:
    """A method on a network, from putting it on to folding it in.

    While it is on, `network.base` is the encoder with the method, and only the method's weights take a gradient.

    Attributes:
        method: its name.
        n_trained: weights of the encoder's side that are trained.
        learning_rate: what suits them.
    """

    def __init__(self, network: Network, method: str, put: _Put, flags: list[tuple[Any, bool]]) -> None:
        self.method, self.learning_rate = method, LEARNING_RATES[method]
        self._network, self._put, self._flags = network, put, flags
        network.body = put.body
        self.n_trained = sum(p.numel() for p in network.base.parameters() if p.requires_grad)
        self._kept: dict[str, torch.Tensor] | None = None

    def after_step(self, step: int) -> None:
        """To be called after each step, 1 the first, before the next one clears the gradients: AdaLoRA moves its
        ranks to where they matter."""
        self._put.after_step(step)

    def penalty(self) -> torch.Tensor | None:
        """What the loss must grow by: AdaLoRA keeps its maps orthogonal; None for the others."""
        return self._put.penalty()

    def state(self) -> dict[str, torch.Tensor]:
        """The method's own weights, by name: all that must be saved beside the encoder it was put on. With method
        `full` the encoder's."""
        if self._kept is not None:
            return self._kept
        return {name: value.detach().clone().contiguous() for name, value in self._own()}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take weights that `state()` gave.

        Raises:
            DataError: they are of another method, size or encoder, or the method is no longer on.
        """
        import torch

        self._check_on("load weights")
        own = dict(self._own())
        if own.keys() != state.keys():
            other = sorted(own.keys() ^ state.keys())
            raise DataError(
                f"these are no weights of {self.method} on {self._network.name}: {len(other)} names differ, "
                f"such as {other[0]}"
            )
        for name, value in own.items():
            if value.shape != state[name].shape:
                raise DataError(
                    f"{name} of {self.method} has shape {tuple(state[name].shape)}, but {tuple(value.shape)} on "
                    f"{self._network.name}; use the encoder that it was trained on"
                )
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(state[name])

    def finish(self) -> None:
        """Fold it into the encoder's weights where that can be done (LoRA, AdaLoRA, IA3: `network.body` is None
        again), else leave it around the encoder, frozen. The encoder's weights can be trained again as before."""
        self._check_on("finish")
        self._kept = self.state()
        for parameter in self._put.body.parameters() if self._put.body is not None else ():
            parameter.requires_grad_(False)
        self._network.body = self._put.fold()
        self._thaw()

    def drop(self) -> None:
        """Take it off: the encoder is what it was, bit for bit.

        Raises:
            DataError: method `full`, which changed the weights themselves, or it is folded in already.
        """
        self._check_on("drop it")
        if self._put.body is None:
            raise DataError("method full changed the encoder's own weights; open the checkpoint again instead")
        self._put.drop()
        self._network.body, self._kept = None, self.state()
        self._thaw()

    def _check_on(self, what: str) -> None:
        if self._kept is not None:
            raise DataError(f"{self.method} is finished or dropped, too late to {what}; apply the method again")

    def _thaw(self) -> None:
        for parameter, flag in self._flags:
            parameter.requires_grad_(flag)

    def _own(self) -> list[tuple[str, Any]]:
        encoder = set() if self._put.body is None else {id(parameter) for parameter, _ in self._flags}
        return [(name, p) for name, p in self._network.base.named_parameters() if id(p) not in encoder]


@dataclass(frozen=True, slots=True)
class _Put:
    """How one method is put on, folded in and taken off.

    Attributes:
        body: what is called in the encoder's place; None where the encoder is trained itself.
        fold: gives the body that remains.
    """

    body: Any
    fold: Callable[[], Any]
    drop: Callable[[], Any]
    after_step: Callable[[int], Any] = lambda _step: None
    penalty: Callable[[], torch.Tensor | None] = lambda: None


def apply_method(network: Network, method: str, *, total_steps: int, seed: int) -> Applied:
    """Put a method on a network, in place.

    Args:
        method: one of `METHODS`.
        total_steps: planned; AdaLoRA gives ranks away between the first tenth and the last third of them.
        seed: of the weights that the method adds.

    Raises:
        UnknownNameError: no such method.
        DataError: the encoder's architecture does not take it, or it has a method on already.
    """
    import torch

    if network.body is not None:
        raise DataError(f"{network.name} has a method on already; finish or drop that one first")
    parts = check_fits(network, method)
    base = network.lm.base_model
    flags = [(p, p.requires_grad) for p in base.parameters()]
    if method == "full":
        return Applied(network, method, _Put(None, lambda: None, lambda: None), flags)
    base.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        put = _LIBRARY[method](base, parts, total_steps) if method in _LIBRARY else _around(network, method, parts)
    put.body.train(base.training)
    return Applied(network, method, put, flags)


def check_fits(network: Network, method: str) -> Parts:
    """What of the encoder the method attaches to.

    Raises:
        UnknownNameError: no such method.
        DataError: the encoder's architecture does not take it.
    """
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    parts = Parts.of(network.lm.base_model)
    if method not in parts.methods:
        kind = getattr(network.lm.config, "model_type", "this")
        raise DataError(f"{method} does not fit {kind} encoders; {network.name} takes: {', '.join(parts.methods)}")
    return parts


def save_method(applied: Applied, path: Path) -> None:
    """Write the method's weights alone, with its name, as safetensors; before or after `finish`."""
    from safetensors.torch import save_file

    save_file(applied.state(), path, metadata={"method": applied.method})


def open_method(network: Network, path: Path) -> Applied:
    """Put on a network what `save_method` wrote; `network` is the encoder that it was trained on.

    Raises:
        DataError: no such file, none of a method, or one for another encoder.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            method = (opened.metadata() or {}).get("method", "")
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} holds no weights of a method: {error}") from error
    applied = apply_method(network, method, total_steps=1, seed=0)
    applied.load(state)
    return applied


def _around(network: Network, method: str, parts: Parts) -> _Put:
    """What stays around the encoder for good, and leaves it as it is."""
    base, tokenizer = network.lm.base_model, network.tokenizer
    if method == "adapter":
        assert parts.layout is not None
        body = adapted(base, parts.named(parts.layout.out), BOTTLENECK)
    elif method == "prompt":
        marks = (tokenizer.sep_token_id, tokenizer.eos_token_id, network.pad_id)
        body = prompted(base, PROMPT_TOKENS, next(mark for mark in marks if mark is not None))
    else:
        body = prefixed(base, PREFIX_TOKENS, len(parts.layers))
    return _Put(body, lambda: body, lambda: None)


def _lora(base: Any, parts: Parts, _total_steps: int) -> _Put:
    """Low-rank maps beside every matrix of the layers (Hu et al. 2022)."""
    from peft import LoraConfig, LoraModel

    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=list(parts.matrices))
    return _of_library(LoraModel(base, config, "default"))


def _adalora(base: Any, parts: Parts, total_steps: int) -> _Put:
    """Low-rank maps whose ranks move to the matrices that need them (Zhang et al. 2023)."""
    from peft import AdaLoraConfig, AdaLoraModel

    total = max(total_steps, 3)
    config = AdaLoraConfig(
        target_r=RANK,
        init_r=RANK * 3 // 2,
        lora_alpha=2 * (RANK * 3 // 2),  # over the rank: LoRA's scale of 2
        total_step=total,
        tinit=total // 10,
        tfinal=total // 3,
        deltaT=max(1, total // 100),
        target_modules=list(parts.matrices),
    )
    put = _of_library(AdaLoraModel(base, config, "default"))  # type: ignore[no-untyped-call]
    tuner = put.body
    maps = [(name, p) for name, p in tuner.named_parameters() if "lora_A" in name or "lora_B" in name]
    weights = [p for name, p in tuner.named_parameters() if "lora_" in name]

    def after_step(step: int) -> None:
        import torch

        for weight in weights:  # a layer that the plan froze has no gradient, and so no importance
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        tuner.update_and_allocate(min(step, total))

    def penalty() -> torch.Tensor:
        import torch

        products = [p @ p.T if "lora_A" in name else p.T @ p for name, p in maps]
        return config.orth_reg_weight * torch.stack([(m - torch.eye(len(m))).norm() for m in products]).mean()

    return _Put(put.body, put.fold, put.drop, after_step, penalty)


def _ia3(base: Any, parts: Parts, _total_steps: int) -> _Put:
    """A factor for each key, value and inner unit (Liu et al. 2022)."""
    from peft import IA3Config, IA3Model

    assert parts.layout is not None
    inner = parts.named(parts.layout.out)
    targets = [*parts.named(parts.layout.key, parts.layout.value), *inner]
    config = IA3Config(target_modules=targets, feedforward_modules=inner)
    return _of_library(IA3Model(base, config, "default"))


def _of_library(tuner: Any) -> _Put:
    def fold() -> None:
        tuner.merge_and_unload()

    return _Put(tuner, fold, tuner.unload)


_LIBRARY: Final[Mapping[str, Callable[[Any, Parts, int], _Put]]] = {"lora": _lora, "adalora": _adalora, "ia3": _ia3}
