"""Which precision a machine is trained in: the faster one, and never silently."""

import pytest

from huaxiang.encoder.precision import Precision, autocast, choose_precision, precision_of
from huaxiang.errors import ConfigError

torch = pytest.importorskip("torch")


def machine(monkeypatch: pytest.MonkeyPatch, fp32: float, bf16: float) -> Precision:
    """The choice on a machine whose steps take so many seconds."""
    now = [0.0]
    monkeypatch.setattr("huaxiang.encoder.precision.time.perf_counter", lambda: now[0])

    def step(half: bool) -> None:
        now[0] += bf16 if half else fp32

    return choose_precision(step)


def test_bf16_is_taken_where_it_is_twice_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    found = machine(monkeypatch, 2.0, 1.0)
    assert str(found) == "bf16 (a step in bf16 is 2.0 times as fast as in fp32)"


def test_fp32_is_kept_where_bf16_gains_less_than_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine(monkeypatch, 1.05, 1.0).name == "fp32"


def test_the_first_step_of_each_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now, steps = [0.0], [0]
    monkeypatch.setattr("huaxiang.encoder.precision.time.perf_counter", lambda: now[0])

    def step(half: bool) -> None:
        steps[0] += 1
        now[0] += 100.0 if steps[0] <= 2 else (1.0 if half else 2.0)

    assert choose_precision(step, trials=1).fp32_seconds == 2.0


def test_a_choice_leaves_the_random_numbers_as_they_were() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    choose_precision(lambda _: torch.rand(5), trials=1)
    assert torch.equal(torch.rand(3), expected)


def test_a_named_precision_is_taken_unmeasured() -> None:
    def never(_: bool) -> None:
        raise AssertionError("nothing is to be timed")

    assert [str(precision_of(name, never)) for name in ("fp32", "bf16")] == ["fp32", "bf16"]


def test_an_unknown_precision_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="auto, fp32, bf16"):
        precision_of("fp16", lambda _: None)


@pytest.mark.parametrize(("bf16", "kind"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_are_in_what_was_chosen(bf16: bool, kind: object) -> None:
    with autocast(Precision(bf16)):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind
