"""The loop: steps that add up, curves that go on, and what happens when a loss is no number."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.model import Network
from huaxiang.encoder.optimising import DivergedError
from huaxiang.encoder.pretraining import Pretraining, PretrainReport, loop, pretrain
from huaxiang.encoder.pretraining.asking import Asker
from huaxiang.encoder.pretraining.keeping import Keeper
from huaxiang.errors import ConfigError, DataError
from tests.encoder.pretraining.conftest import network_of

torch = pytest.importorskip("torch")

FAST = Pretraining(batch_size=16, learning_rate=5e-3, epochs=20, checks=3)


def learn(network: Network, texts: list[str], n: int, settings: Pretraining = FAST, **given: Any) -> PretrainReport:
    torch.manual_seed(1)
    return pretrain(network, texts, seconds=600, rng=np.random.default_rng(1), max_steps=n, settings=settings, **given)


def weights_of(network: Network) -> list[Any]:
    return [p.detach().clone() for p in network.lm.parameters()]


@pytest.mark.parametrize("masking", ["whole-word", "token"])
@pytest.mark.parametrize("packed", [False, True])
def test_hidden_words_are_learned(network: Network, texts: list[str], masking: str, packed: bool) -> None:
    settings = Pretraining(batch_size=16, learning_rate=5e-3, epochs=20, masking=masking, packed=packed)
    report = learn(network, texts, 20, settings)
    assert report.perplexity_after < 0.9 * report.perplexity_before
    assert (report.objective, report.masking, len(report.losses)) == ("masked", masking, 20)


def test_the_held_out_curve_runs_from_the_first_step_to_the_last(network: Network, texts: list[str]) -> None:
    report = learn(network, texts, 12)
    assert [step for step, _ in report.held_out] == [0, 3, 6, 9, 12]
    assert (report.loss_before, report.loss_after) == (report.held_out[0][1], report.held_out[-1][1])


def test_a_short_budget_measures_on_fewer_texts(
    network: Network, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    measure = loop.loss_on

    def counting(asker: Asker, examples: Any, seed: int) -> float:
        asked.append(len(examples))
        return measure(asker, examples, seed)

    monkeypatch.setattr(loop, "loss_on", counting)
    settings = replace(FAST, held_out=0.5)
    pretrain(network, texts * 20, seconds=0.0, rng=np.random.default_rng(0), settings=settings)
    assert asked == [32, 32]


def test_two_half_batches_make_one_step(texts: list[str]) -> None:
    whole, halves = network_of(texts), network_of(texts)
    # All texts in one batch, and in two: the same pieces are asked for where each is asked for in its turn.
    batches = [halves_of(asker_of(each), texts) for each in (whole, halves)]
    whole_gradient = gradient(asker_of(whole), [batches[0][2]])
    half_gradient = gradient(asker_of(halves), batches[1][:2])
    assert torch.allclose(whole_gradient, half_gradient, atol=1e-6)


def asker_of(network: Network) -> Asker:
    from huaxiang.encoder.pretraining.loop import objective_of

    return Asker(network, objective_of(network, "masked", FAST))


def halves_of(asker: Asker, texts: list[str]) -> list[Any]:
    """Batches of the first 3, the other 5 and all 8 texts with the same holes."""
    from dataclasses import replace

    whole = asker.batch(texts[:8], np.random.default_rng(0))
    parts = [slice(0, 3), slice(3, 8)]
    cut = [replace(whole, ids_BL=whole.ids_BL[p], labels_BL=whole.labels_BL[p], seen=whole.seen[p]) for p in parts]
    return [*cut, whole]


def gradient(asker: Asker, batches: list[Any]) -> Any:
    n_asked = sum(batch.n_asked for batch in batches)
    for batch in batches:
        (asker.loss(batch) / n_asked).backward()
    return torch.cat([p.grad.flatten() for p in asker.network.lm.parameters() if p.grad is not None])


def test_accumulated_steps_read_more_texts(network: Network, texts: list[str]) -> None:
    settings = Pretraining(batch_size=8, accumulate=2, epochs=1, learning_rate=1e-3)
    report = learn(network, texts, 99, settings)
    assert report.steps == math.ceil((144 - 7) / 16)  # 5 % of 144 texts are held out


def test_bf16_learns_too(network: Network, texts: list[str]) -> None:
    report = learn(network, texts, 15, precision="bf16")
    assert report.precision == "bf16"
    assert report.perplexity_after < report.perplexity_before


def test_timing_both_precisions_changes_nothing(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.encoder.precision._WORTH_IT", 1e9)  # fp32, whatever the clock says
    named, timed = network_of(texts), network_of(texts)
    losses = learn(named, texts, 3, precision="fp32").losses
    report = learn(timed, texts, 3, precision="auto")
    assert report.losses == losses
    assert "precision: fp32 (a step in bf16" in report.notes[0]


class Killed(Exception):  # noqa: N818
    """Stands for the end of the process."""


def killing(at: int) -> Callable[[str, int, int, float], None]:
    def progress(_stage: str, step: int, _planned: int, _left: float) -> None:
        if step == at:
            raise Killed

    return progress


@pytest.mark.parametrize(
    "settings", [FAST, Pretraining(batch_size=8, accumulate=2, packed=True, epochs=20, masking="whole-word")]
)
def test_a_run_goes_on_where_it_was_interrupted(texts: list[str], tmp_path: Path, settings: Pretraining) -> None:
    uninterrupted = network_of(texts)
    expected = learn(uninterrupted, texts, 20, settings)
    keeper = Keeper(tmp_path / "state.safetensors", every_steps=5)
    with pytest.raises(Killed):
        learn(network_of(texts), texts, 20, settings, keeper=keeper, progress=killing(13))
    again = network_of(texts, seed=99)  # whatever it begins with is replaced
    report = learn(again, texts, 20, settings, keeper=keeper)
    assert report.resumed_from == 10
    assert report.losses == expected.losses
    assert report.held_out == expected.held_out
    assert all(torch.equal(a, b) for a, b in zip(weights_of(again), weights_of(uninterrupted), strict=True))


def test_a_loss_that_is_no_number_ends_it_and_the_last_good_state_stays(texts: list[str], tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "state.safetensors", every_steps=2)
    network = network_of(texts)

    def poison(_stage: str, step: int, _planned: int, _left: float) -> None:
        if step == 5:
            with torch.no_grad():
                network.lm.get_input_embeddings().weight.fill_(math.nan)

    with pytest.raises(DivergedError, match=r"step 6: the loss is nan; .*last good state, of step 4, is kept"):
        learn(network, texts, 20, keeper=keeper, progress=poison)
    found = keeper.found()
    assert found is not None
    assert found["step"] == 4


def test_weights_that_answer_nothing_are_not_kept(texts: list[str], tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "state.safetensors", every_steps=2)
    network = network_of(texts)

    def poison(_stage: str, step: int, _planned: int, _left: float) -> None:
        if step == 4:  # just before the state of step 4 would be kept
            with torch.no_grad():
                network.lm.get_input_embeddings().weight.fill_(math.nan)

    with pytest.raises(DivergedError, match=r"held-out texts is nan.*of step 2, is kept"):
        learn(network, texts, 20, keeper=keeper, progress=poison)


def test_gradients_that_are_not_finite_are_left_out_and_then_given_up(
    network: Network, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = network.lm.get_input_embeddings().weight
    weight.register_hook(lambda gradient: gradient * math.inf)
    before = weight.detach().clone()
    with pytest.raises(DivergedError, match="10 steps in a row"):
        learn(network, texts, 20)
    assert torch.equal(weight, before)
    report = learn(network, texts, 4)
    assert "4 steps were left out" in report.notes[-1]


def test_more_memory_than_allowed_ends_it(network: Network, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    held = iter([0, 2**30, 2**40])
    monkeypatch.setattr("huaxiang.encoder.pretraining.memory.held_bytes", lambda: next(held))
    with pytest.raises(DataError, match="more than the 2,048 MB"):
        learn(network, texts, 20, memory=2**31)


def test_an_unknown_objective_is_refused(network: Network, texts: list[str]) -> None:
    with pytest.raises(ConfigError, match="masked, next-word"):
        learn(network, texts, 1, objective="span")


def test_an_unknown_masking_is_refused() -> None:
    with pytest.raises(ConfigError, match="whole-word, token"):
        Pretraining(masking="letters")


def test_one_text_alone_is_learned_from_and_nothing_is_measured(network: Network) -> None:
    report = learn(network, ["green tea"], 2)
    assert math.isnan(report.loss_before)
    assert len(report.losses) == 2
