"""Where items belong, and an encoder that learns to put their texts there."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huaxiang.encoder.heldout import Validation
from huaxiang.encoder.lower import Lower, depth_to_keep
from huaxiang.encoder.model import Network, Shape, new_network
from huaxiang.encoder.optimising import torch_as
from huaxiang.encoder.places import Histories, learn_places
from huaxiang.encoder.placing import place
from huaxiang.encoder.taken import MAX_BEFORE, Pair, Taken

torch = pytest.importorskip("torch")

SHAPE = Shape(hidden=32, layers=1, heads=2, inner=64, vocabulary=400, max_tokens=32)
DEEP = Shape(hidden=32, layers=4, heads=2, inner=64, vocabulary=400, max_tokens=32)
NAMES = [f"{kind} {thing}" for kind in ("tea", "boot", "desk") for thing in ("one", "two", "three", "four")]


def shoppers(n: int = 90) -> Taken:
    """Shoppers who alternate between a kind of tea, boot or desk, whose names say nothing of who belongs together."""
    rows = []
    for who in range(n):
        own = [NAMES[(who % 4) + 4 * kind] for kind in range(3)]
        for at in range(1, 5):
            seen = [own[(who + i) % 3] for i in range(at)]
            before = tuple(dict.fromkeys(reversed(seen[-2:])))
            rows.append(Pair(" | ".join(before), own[(who + at) % 3], f"p{who}", before))
    return Taken.of(rows)


def network(shape: Shape) -> Network:
    made = new_network(NAMES, shape)
    made.lm.eval()
    return made


@given(st.lists(st.lists(st.integers(0, 5), max_size=14), min_size=1, max_size=8), st.integers(0, 9))
def test_a_person_is_the_mean_of_the_newest_items_the_newest_counting_most(before: list[list[int]], seed: int) -> None:
    items_MD = np.random.default_rng(seed).normal(size=(6, 4)).astype(np.float32)
    found_ND = Histories.of(before).vectors(items_MD)
    for row, said in zip(found_ND, before, strict=True):
        mean = sum((items_MD[item] / (n + 1) for n, item in enumerate(said[:MAX_BEFORE])), np.zeros(4))
        np.testing.assert_allclose(row, mean / max(float(np.linalg.norm(mean)), 1e-9), atol=1e-4)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 100))
def test_what_is_taken_together_comes_together_and_equal_seeds_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items_MD = rng.normal(size=(12, 16)).astype(np.float32)
    items_MD /= np.linalg.norm(items_MD, axis=1, keepdims=True)
    taken = shoppers()
    args: Any = (items_MD, taken.before, taken.positive)
    with torch_as(1, seed):
        places_MD, again_MD = (
            learn_places(*args, rng=np.random.default_rng(seed), seconds=60, epochs=60) for _ in range(2)
        )
    np.testing.assert_array_equal(places_MD, again_MD)
    np.testing.assert_allclose(np.linalg.norm(places_MD, axis=1), 1.0, atol=1e-5)
    kind = np.array([NAMES.index(text) % 4 for text in taken.items])
    alike = (places_MD @ places_MD.T)[kind[:, None] == kind[None, :]].mean()
    other = (places_MD @ places_MD.T)[kind[:, None] != kind[None, :]].mean()
    assert alike > other + 0.2


def test_a_catalogue_beyond_the_limit_is_scored_by_a_random_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huaxiang.encoder.places._MOST_SCORED", 6)
    taken, items_MD = shoppers(), np.eye(12, dtype=np.float32)
    with torch_as(1, 0):
        places_MD = learn_places(
            items_MD, taken.before, taken.positive, rng=np.random.default_rng(0), seconds=60, epochs=20
        )
    assert np.abs(places_MD - items_MD).max() > 0.01


def test_states_that_are_kept_give_the_vectors_of_a_whole_pass_and_teach_the_upper_layers_alone() -> None:
    with torch_as(1, 3):
        made = network(DEEP)
        rows = made.tokens.ids(NAMES)
        depth = depth_to_keep(made)
        lower = Lower(made, rows, depth, seconds=60, bf16=False)
        made.lm.zero_grad()
        found_BD = lower.vectors([5, 0, 7])
        found_BD.sum().backward()  # type: ignore[no-untyped-call]
        whole_BD = made.encode_ids([rows[i] for i in (5, 0, 7)])
    assert (depth, lower.n) == (2, len(NAMES))
    np.testing.assert_allclose(found_BD.detach().numpy(), whole_BD.numpy(), atol=0.02)
    moved = {name for name, p in made.lm.base_model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved
    assert not [name for name in moved if "embeddings" in name or "layer.0." in name or "layer.1." in name]
    assert len(made.lm.base_model.encoder.layer) == 4


def test_a_small_network_is_trained_whole() -> None:
    with torch_as(1, 0):
        assert depth_to_keep(network(SHAPE)) == 0


@pytest.mark.parametrize("shape", [SHAPE, DEEP], ids=["whole", "upper layers"])
def test_an_encoder_learns_to_find_what_is_taken_next(shape: Shape) -> None:
    taken = shoppers()
    rng = np.random.default_rng(1)
    apart = {("of", f"p{who}") for who in range(80, 90)}
    held = [i for i, person in enumerate(taken.people) if person in apart]
    rows = [i for i in range(len(taken)) if i not in set(held)]
    with torch_as(1, 1):
        made = network(shape)
        validation = Validation.of(made.tokens, taken.pairs(held), taken.items, rng)
        before = validation.check(made).mrr
        placed = place(made, taken, rows, validation, seconds=60, rng=rng, bf16=False, notes=[])
        after = validation.check(made).mrr
    assert placed is not None
    assert placed.n_items == 12
    assert after > before + 0.05
    assert all(p.requires_grad for p in made.lm.base_model.parameters())


def test_queries_without_a_history_have_a_place_too() -> None:
    taken = shoppers()
    asked = Taken.of([Pair("warm", NAMES[0])])
    both = Taken(
        (*taken.queries, *asked.queries),
        taken.items,
        (*taken.positive, taken.items.index(NAMES[0])),
        (*taken.people, *asked.people),
        (*taken.before, ()),
    )
    with torch_as(1, 1):
        made = network(SHAPE)
        none = Validation.of(made.tokens, [], both.items, np.random.default_rng(0))
        kinds: dict[str, Any] = {"seconds": 60, "rng": np.random.default_rng(0), "bf16": False, "notes": []}
        placed = place(made, both, range(len(both)), none, **kinds)
    assert placed is not None
    assert placed.n_texts == 12 + 4 + 1


def test_few_pairs_with_a_history_are_left_to_contrast() -> None:
    taken = shoppers(20)
    with torch_as(1, 1):
        made = network(SHAPE)
        none = Validation.of(made.tokens, [], taken.items, np.random.default_rng(0))
        kinds: dict[str, Any] = {"seconds": 60, "rng": np.random.default_rng(0), "bf16": False, "notes": []}
        assert place(made, taken, range(len(taken)), none, **kinds) is None
