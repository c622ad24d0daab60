"""The state of a training on disk: it comes back bit for bit, and a failed write costs nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huaxiang.encoder.optimising import adamw, descend
from huaxiang.encoder.training_state import Parts, load_state, read_header, save_state
from huaxiang.errors import DataError

torch = pytest.importorskip("torch")


class Tied(torch.nn.Module):  # type: ignore[name-defined, misc]
    """Two layers that share one matrix, with dropout between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 4)
        self.second = torch.nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: Any) -> Any:
        return self.second(torch.nn.functional.dropout(self.first(x), 0.5))


def fresh(seed: int) -> tuple[Tied, Parts]:
    torch.manual_seed(seed)
    network = Tied()
    return network, Parts({"lm": network}, adamw(network, 0.1, 0.01), {"data": np.random.default_rng(seed)})


def steps(network: Tied, parts: Parts, n: int) -> list[float]:
    """The losses of `n` steps; data, dropout and moments all matter for them."""
    losses = []
    for _ in range(n):
        x = torch.from_numpy(parts.rngs["data"].normal(size=(8, 4)).astype(np.float32))
        losses.append(descend((network(x) - 1).square().mean(), network, parts.optimiser, 0.1))
    return losses


def test_training_goes_on_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    network, parts = fresh(1)
    steps(network, parts, 3)
    network.seen += 3
    save_state(tmp_path / "s.safetensors", parts, {"step": 3, "losses": [0.1, 1 / 3]})
    expected = steps(network, parts, 4)
    again, loaded = fresh(2)
    said, _ = load_state(tmp_path / "s.safetensors", loaded)
    assert said == {"step": 3, "losses": [0.1, 1 / 3]}
    assert float(again.seen) == 3
    assert steps(again, loaded, 4) == expected
    assert again.second.weight is again.first.weight


def test_more_tensors_are_kept_beside_it(tmp_path: Path) -> None:
    _, parts = fresh(1)
    save_state(tmp_path / "s.safetensors", parts, {}, {"best.w": torch.arange(3)})
    _, extra = load_state(tmp_path / "s.safetensors", parts)
    assert {name: value.tolist() for name, value in extra.items()} == {"best.w": [0, 1, 2]}


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    _, parts = fresh(1)
    save_state(tmp_path / "s.safetensors", parts, {})
    other = torch.nn.Linear(4, 4)
    with pytest.raises(DataError, match="another network"):
        load_state(tmp_path / "s.safetensors", Parts({"lm": other}, adamw(other, 0.1, 0.0)))


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    _, parts = fresh(1)
    path = tmp_path / "s.safetensors"
    save_state(path, parts, {})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="damaged"):
        read_header(path)


def test_where_there_is_no_state_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no state of a training"):
        read_header(tmp_path / "s.safetensors")


def test_no_pickle_is_in_it(tmp_path: Path) -> None:
    network, parts = fresh(1)
    steps(network, parts, 1)
    save_state(tmp_path / "s.safetensors", parts, {})
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]
    assert b"torch._utils" not in (tmp_path / "s.safetensors").read_bytes()


# A limit on the size of files stands for the end of the disk.
FULL_DISK = """
import resource, sys
from pathlib import Path
from huaxiang.errors import DataError
from tests.encoder.test_training_state import fresh, save_state
_, parts = fresh(1)
path = Path(sys.argv[1])
save_state(path, parts, {"step": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    save_state(path, parts, {"step": 2})
except DataError as error:
    print(error)
"""


def test_a_disk_that_is_full_leaves_the_last_good_state(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    said = subprocess.run([sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=True).stdout
    assert "no room on the disk" in said
    assert "the last good state is kept" in said
    assert read_header(path)["said"] == {"step": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["s.safetensors"]
