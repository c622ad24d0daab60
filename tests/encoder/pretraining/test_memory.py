"""How large a batch may be."""

import pytest

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining import memory
from huaxiang.encoder.pretraining.memory import bytes_of, check_within, fit_to, row_bytes
from huaxiang.encoder.pretraining.settings import Pretraining
from huaxiang.errors import ConfigError, DataError

pytest.importorskip("torch")


@pytest.mark.parametrize(("said", "size"), [("4G", 2**32), ("800M", 800 * 2**20), ("1.5g", 3 * 2**29), ("2GiB", 2**31)])
def test_sizes_are_read(said: str, size: int) -> None:
    assert bytes_of(said) == size


@pytest.mark.parametrize("said", ["", "4", "4T", "-1G", "0M", "lots", "nan"])
def test_a_size_that_is_none_is_refused_with_examples(said: str) -> None:
    with pytest.raises(ConfigError, match="800M or 4G"):
        bytes_of(said)


def test_a_row_of_the_tiny_network_by_hand(network: Network) -> None:
    # One layer: 9 * 32 + 2 * 64 + 3 * 2 heads * 32 tokens = 608; with 4 * 32 beside the layers 736, times 32 tokens.
    # Logits: 3 * .5 * 32 tokens * V. All in 4 bytes, and more by what was measured: 1.75 and 1.1 times.
    pieces = network.lm.config.vocab_size
    assert row_bytes(network, 0.5) == int(4 * (1.75 * 32 * 736 + 1.1 * 48 * pieces))


def with_room_for(n_rows: float, network: Network, monkeypatch: pytest.MonkeyPatch) -> int:
    """A cap that leaves room for so many rows, where the process holds nothing yet."""
    monkeypatch.setattr(memory, "held_bytes", lambda: 0)
    weights = sum(p.numel() for p in network.lm.parameters())
    return int(3 * 4 * weights + n_rows * row_bytes(network, 0.2))


@pytest.mark.parametrize(("room", "batch_size", "accumulate"), [(99, 32, 1), (31.5, 16, 2), (10.5, 8, 4), (1.5, 1, 32)])
def test_a_cap_makes_batches_smaller_and_steps_as_large_as_before(
    room: float, batch_size: int, accumulate: int, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fit_to(with_room_for(room, network, monkeypatch), network, Pretraining(), 0.2)
    assert (found.batch_size, found.accumulate) == (batch_size, accumulate)


def test_where_not_one_text_fits_it_is_said(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="give more memory"):
        fit_to(with_room_for(0.5, network, monkeypatch), network, Pretraining(), 0.2)


def test_a_process_over_its_cap_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "held_bytes", lambda: 3 * 2**20)
    check_within(3 * 2**20)
    with pytest.raises(DataError, match="holds 3 MB, more than the 2 MB"):
        check_within(2 * 2**20)


def test_what_is_held_is_measured() -> None:
    assert 2**20 < memory.held_bytes() <= memory.peak_mb() * 2**20 * 1.01
