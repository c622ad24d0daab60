"""One contract for all ways to fine-tune, on a shop that tells tea from boots."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from huaxiang.encoder.export import export
from huaxiang.encoder.finetuning.loop import FitReport, Plan, fit
from huaxiang.encoder.finetuning.methods import METHODS, Applied, apply_method, open_method, save_method
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.serving import OnnxEncoder
from huaxiang.encoder.tasks.base import Score
from huaxiang.errors import DataError, UnknownNameError

torch = pytest.importorskip("torch")

if TYPE_CHECKING:
    from torch import Tensor

TEXTS = [
    "green tea 绿茶",
    "black tea 红茶",
    "tea pot 茶壶",
    "hiking boots 登山鞋",
    "rain boots 雨靴",
    "boot laces 鞋带",
]
KINDS = [0, 0, 0, 1, 1, 1]
SMALL = Shape(hidden=32, layers=2, heads=2, inner=64, vocabulary=300, max_tokens=32)
FEW = [method for method in METHODS if method != "full"]
AROUND = ("adapter", "prefix", "prompt")
"""What cannot be folded into the weights of the encoder."""


@dataclass
class Kinds:
    """Tea or boots, by the cosine to one fixed direction for each: only the encoder can learn."""

    rows: list[list[int]]
    head: Any = field(default_factory=torch.nn.Identity)
    name: str = "kinds"

    @property
    def lengths(self) -> Sequence[int]:
        return [len(row) for row in self.rows]

    def loss(self, network: Network, rows: Sequence[int]) -> Tensor:
        scores = 8.0 * network.vectors([self.rows[i] for i in rows])[:, 2:4]
        loss: Tensor = torch.nn.functional.cross_entropy(scores, torch.tensor([KINDS[i] for i in rows]))
        return loss

    def validate(self, network: Network) -> Score:
        return Score(-float(self.loss(network, range(len(self.rows)))))


@pytest.fixture(scope="module")
def made() -> Network:
    torch.manual_seed(3)
    network = new_network(TEXTS, SMALL, dropout=0.0)
    with torch.no_grad():  # layers that say something, as pretrained ones do: fresh ones hardly touch their input
        for matrix in network.lm.base_model.encoder.parameters():
            if matrix.ndim == 2:
                matrix.normal_(std=0.2)
    return network


@pytest.fixture
def network(made: Network) -> Network:
    return copy.deepcopy(made)


def learn(network: Network, applied: Applied, steps: int = 20) -> FitReport:
    task = Kinds(list(network.tokens.ids(TEXTS)))
    plan = Plan(epochs=steps, batch_size=6, learning_rate=0.02, checks=1)
    return fit(
        network,
        task,
        plan,
        seconds=600,
        rng=np.random.default_rng(0),
        after_step=applied.after_step,
        penalty=applied.penalty,
    )


def vectors(network: Network) -> Tensor:
    return network.encode_ids(network.tokens.ids(TEXTS))


def own_weights(network: Network) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.lm.base_model.state_dict().items()}


@pytest.mark.parametrize("method", METHODS)
def test_tea_and_boots_are_told_apart_better_than_before(network: Network, method: str) -> None:
    report = learn(network, apply_method(network, method, total_steps=20, seed=1))
    assert report.after.value > report.before.value + 0.01


@pytest.mark.parametrize("method", FEW)
def test_the_encoder_is_frozen_and_comes_back_when_the_method_is_dropped(network: Network, method: str) -> None:
    weights, before = own_weights(network), vectors(network)
    applied = apply_method(network, method, total_steps=3, seed=1)
    learn(network, applied, steps=3)
    assert not torch.equal(vectors(network), before)
    applied.drop()
    after = own_weights(network)
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)
    assert torch.equal(vectors(network), before)


@pytest.mark.parametrize("method", METHODS)
def test_finishing_changes_no_vector(network: Network, method: str) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    learn(network, applied, steps=3)
    before = vectors(network)
    applied.finish()
    torch.testing.assert_close(vectors(network), before, atol=1e-5, rtol=0.0)


@pytest.mark.parametrize("method", METHODS)
def test_what_remains_is_the_plain_encoder_where_the_method_folds(network: Network, method: str) -> None:
    names = list(network.lm.state_dict())
    apply_method(network, method, total_steps=3, seed=1).finish()
    assert (network.body is None) == (method not in AROUND)
    assert list(network.lm.state_dict()) == names
    assert all(parameter.requires_grad for parameter in network.lm.parameters())


# Two layers of width D = 32 and inner width 64, in each four maps of 32 x 32, one of 32 x 64 and one of 64 x 32.
COUNTS = {
    "lora": 2 * 8 * (4 * (32 + 32) + 2 * (32 + 64)),  # rank 8: r * (in + out) for each map
    "adalora": 2 * (12 * (4 * (32 + 32) + 2 * (32 + 64)) + 6 * 12),  # begins at rank 12, and a factor for each rank
    "adapter": 2 * (32 * 24 + 24 + 24 * 32 + 32),  # down to 24 and up again, with biases
    "prefix": 16 * 2 * 2 * 32,  # 16 tokens, in each layer a key and a value
    "prompt": 4 * 32,
    "ia3": 2 * (32 + 32 + 64),  # keys, values, inner units
}


@pytest.mark.parametrize("method", FEW)
def test_the_number_of_trained_weights_by_hand(network: Network, method: str) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    assert applied.n_trained == COUNTS[method]
    assert learn(network, applied, steps=1).trained_parameters == COUNTS[method]


@pytest.mark.parametrize("method", FEW)
def test_the_small_file_gives_the_same_vectors_on_the_same_encoder(
    network: Network, made: Network, method: str, tmp_path: Path
) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    learn(network, applied, steps=3)
    applied.finish()
    save_method(applied, tmp_path / "method.safetensors")
    again = copy.deepcopy(made)
    open_method(again, tmp_path / "method.safetensors").finish()
    torch.testing.assert_close(vectors(again), vectors(network), atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("method", AROUND)
def test_what_stays_around_the_encoder_is_served_too(network: Network, method: str, tmp_path: Path) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    learn(network, applied, steps=3)
    applied.finish()
    export(network, tmp_path / "out", TEXTS)
    served = OnnxEncoder.load(tmp_path / "out").encode(TEXTS)
    np.testing.assert_allclose(served, vectors(network).numpy(), atol=1e-5)
    assert not (tmp_path / "out" / "hf").exists()  # Transformers alone would leave the method out


@pytest.mark.parametrize("method", METHODS)
def test_a_text_has_the_same_vector_whatever_it_is_padded_beside(network: Network, method: str) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    learn(network, applied, steps=3)
    short, long = network.tokens.ids(["tea", "hiking boots 登山鞋 rain boots 雨靴"])
    network.lm.eval()
    with torch.no_grad():
        alone, beside = network.vectors([short])[0], network.vectors([short, long])[0]
        hidden, mask = network.hidden([short, long])
    torch.testing.assert_close(alone, beside, atol=1e-6, rtol=0.0)
    assert hidden.shape[:2] == mask.shape == (2, len(long))


@pytest.mark.parametrize("method", ["prefix", "prompt"])
def test_virtual_tokens_leave_room_for_the_longest_text(network: Network, method: str) -> None:
    apply_method(network, method, total_steps=3, seed=1)
    (longest,) = network.tokens.ids(["tea " * 100])
    assert len(longest) == SMALL.max_tokens
    assert bool(torch.isfinite(network.vectors([longest])).all())


@pytest.mark.parametrize("method", FEW)
def test_a_copy_of_the_network_has_its_own_weights(network: Network, method: str) -> None:
    applied = apply_method(network, method, total_steps=3, seed=1)
    twin, before = copy.deepcopy(network), vectors(network)
    learn(network, applied, steps=3)
    torch.testing.assert_close(vectors(twin), before, atol=1e-6, rtol=0.0)


def test_the_same_seed_begins_the_same_and_leaves_the_generator_alone(network: Network, made: Network) -> None:
    twin = copy.deepcopy(made)
    torch.manual_seed(11)
    undisturbed = torch.rand(1)
    torch.manual_seed(11)
    first = apply_method(network, "prompt", total_steps=3, seed=5).state()["virtual_PD"]
    assert torch.equal(torch.rand(1), undisturbed)
    assert torch.equal(first, apply_method(twin, "prompt", total_steps=3, seed=5).state()["virtual_PD"])


def test_adalora_ends_with_the_mean_rank_that_was_asked_for(network: Network) -> None:
    applied = apply_method(network, "adalora", total_steps=30, seed=1)
    report = learn(network, applied, steps=30)
    assert report.steps == 30
    left = sum(int((value != 0).sum()) for name, value in applied.state().items() if "lora_E" in name)
    assert left == 12 * 8  # 12 matrices


def test_lower_layers_may_be_frozen_below_adalora(network: Network) -> None:
    applied = apply_method(network, "adalora", total_steps=4, seed=1)
    task = Kinds(list(network.tokens.ids(TEXTS)))
    plan = Plan(epochs=4, batch_size=6, learning_rate=0.02, frozen_layers=2)
    fit(network, task, plan, seconds=60, rng=np.random.default_rng(0), after_step=applied.after_step)
    lower = [value for name, value in applied.state().items() if "layer.0" in name and "lora_E" in name]
    assert lower
    assert not torch.cat(lower).any()


def test_an_unknown_method_is_named_with_the_known_ones(network: Network) -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'dora'; known: adalora, adapter, full"):
        apply_method(network, "dora", total_steps=1, seed=0)


def test_a_second_method_is_refused_until_the_first_is_off(network: Network) -> None:
    applied = apply_method(network, "lora", total_steps=1, seed=0)
    with pytest.raises(DataError, match="has a method on already"):
        apply_method(network, "ia3", total_steps=1, seed=0)
    applied.drop()
    apply_method(network, "ia3", total_steps=1, seed=0)


def test_weights_of_another_method_are_refused(network: Network, made: Network) -> None:
    other = apply_method(copy.deepcopy(made), "prompt", total_steps=1, seed=0).state()
    with pytest.raises(DataError, match="no weights of prefix"):
        apply_method(network, "prefix", total_steps=1, seed=0).load(other)


def test_weights_for_a_wider_encoder_are_refused(network: Network) -> None:
    applied = apply_method(network, "prompt", total_steps=1, seed=0)
    with pytest.raises(DataError, match=r"shape \(4, 48\), but \(4, 32\)"):
        applied.load({"virtual_PD": torch.zeros(4, 48)})


def test_a_finished_method_cannot_be_loaded_or_dropped(network: Network) -> None:
    applied = apply_method(network, "lora", total_steps=1, seed=0)
    applied.finish()
    with pytest.raises(DataError, match="too late to load"):
        applied.load({})
    with pytest.raises(DataError, match="too late to drop"):
        applied.drop()


def test_full_cannot_be_dropped(network: Network) -> None:
    with pytest.raises(DataError, match="open the checkpoint again"):
        apply_method(network, "full", total_steps=1, seed=0).drop()


def test_a_file_that_is_none_is_refused(network: Network, tmp_path: Path) -> None:
    (tmp_path / "thesis.safetensors").write_text("years of work")
    with pytest.raises(DataError, match="holds no weights of a method"):
        open_method(network, tmp_path / "thesis.safetensors")


def kin(kind: str) -> Any:
    """A tiny random network of another architecture."""
    import transformers as hf

    wide: dict[str, Any] = {
        "vocab_size": 300,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
        "initializer_range": 0.2,
    }
    if kind == "distilbert":
        return hf.DistilBertForMaskedLM(
            hf.DistilBertConfig(
                vocab_size=300, n_layers=2, n_heads=2, dim=32, hidden_dim=64, max_position_embeddings=40
            )
        )
    if kind == "modernbert":
        ids = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
        return hf.ModernBertForMaskedLM(hf.ModernBertConfig(**(wide | dict.fromkeys(ids, 0))))
    made = {"roberta": "Roberta", "xlm-roberta": "XLMRoberta", "electra": "Electra", "mpnet": "MPNet"}[kind]
    return getattr(hf, f"{made}ForMaskedLM")(getattr(hf, f"{made}Config")(**wide, pad_token_id=0))


TAKES = {
    "roberta": METHODS,
    "xlm-roberta": METHODS,
    "electra": METHODS,
    "distilbert": ("full", "lora", "adalora", "adapter", "ia3", "prompt"),
    "mpnet": ("full", "lora", "adalora", "adapter", "ia3"),
    "modernbert": ("full", "lora", "adalora"),
}


@pytest.mark.parametrize("kind", TAKES)
def test_other_architectures_take_what_fits_them(network: Network, kind: str) -> None:
    torch.manual_seed(0)
    network.lm = kin(kind)
    before = vectors(network)
    for method in TAKES[kind]:
        applied = apply_method(network, method, total_steps=2, seed=0)
        learn(network, applied, steps=2)
        assert not torch.equal(vectors(network), before), method
        if method == "full":
            before = vectors(network)
            applied.finish()
        else:
            applied.drop()
        assert torch.equal(vectors(network), before), method


@pytest.mark.parametrize(("kind", "method"), [("distilbert", "prefix"), ("mpnet", "prompt"), ("modernbert", "adapter")])
def test_what_does_not_fit_is_refused_with_what_does(network: Network, kind: str, method: str) -> None:
    network.lm = kin(kind)
    with pytest.raises(DataError, match=f"{method} does not fit {kind} encoders; .* takes: full, lora, adalora"):
        apply_method(network, method, total_steps=1, seed=0)
