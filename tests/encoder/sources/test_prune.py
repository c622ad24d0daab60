"""Cutting a vocabulary down: what is kept reads as before, what is gone is spelled, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huaxiang.encoder.checkpoint import open_checkpoint
from huaxiang.encoder.export import export
from huaxiang.encoder.model import Network
from huaxiang.encoder.sources.prune import Pruned, prune
from huaxiang.encoder.tokens import Tokens
from tests.encoder.sources.conftest import CORPUS, KINDS, SHOP

WORDS = sorted({word for text in CORPUS for word in text.replace(",", " ,").split()})


def cut(network: Network) -> Pruned:
    """Cut to what the tea shop reads, and little more."""
    return prune(network, SHOP, at_least=0, characters=120, smallest=0)


@pytest.fixture(scope="module")
def both() -> dict[str, tuple[Network, Network, Pruned]]:
    """Of each kind: whole, cut, and what was done."""
    made = {}
    for kind, new in KINDS.items():
        smaller = new()
        made[kind] = (new(), smaller, cut(smaller))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_tea_shop_needs_fewer_pieces_and_its_titles_read_as_before(
    kind: str, both: dict[str, tuple[Network, Network, Pruned]]
) -> None:
    whole, smaller, said = both[kind]
    assert said.reason == ""
    assert said.kept == len(said.ids) == smaller.lm.get_input_embeddings().num_embeddings < 0.9 * said.before
    assert [[said.ids[i] for i in row] for row in smaller.tokens.ids(SHOP)] == whole.tokens.ids(SHOP)
    new, old = smaller.encode_ids(smaller.tokens.ids(SHOP)), whole.encode_ids(whole.tokens.ids(SHOP))
    np.testing.assert_allclose(new.numpy(), old.numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_made_of_kept_pieces_keeps_its_ids_and_vector(
    kind: str, both: dict[str, tuple[Network, Network, Pruned]], words: list[str]
) -> None:
    whole, smaller, said = both[kind]
    text = [" ".join(words)]
    (old,), (new,) = whole.tokens.ids(text), smaller.tokens.ids(text)
    if set(old) <= set(said.ids):
        assert [said.ids[i] for i in new] == old
        distance = smaller.encode_ids([new]) - whole.encode_ids([old])
        assert float(distance.abs().max()) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_that_the_shop_never_used_is_spelled_and_not_lost(
    kind: str, both: dict[str, tuple[Network, Network, Pruned]]
) -> None:
    whole, smaller, _ = both[kind]
    (old,), (new,) = whole.tokens.ids(["hiking boots 雨靴"]), smaller.tokens.ids(["hiking boots 雨靴"])
    assert len(new) > len(old)
    assert smaller.tokenizer.unk_token_id not in new


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_predicts_the_kept_pieces_as_before(
    kind: str, both: dict[str, tuple[Network, Network, Pruned]]
) -> None:
    whole, smaller, said = both[kind]
    new, old = (network.lm.eval()(torch.tensor(network.tokens.ids(SHOP[:1]))).logits[0] for network in (smaller, whole))
    torch.testing.assert_close(new, old[:, list(said.ids)], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_saved_and_opened_as_any_other_checkpoint(
    kind: str, both: dict[str, tuple[Network, Network, Pruned]], tmp_path: Path
) -> None:
    _, smaller, said = both[kind]
    smaller.lm.save_pretrained(tmp_path)
    smaller.tokenizer.save_pretrained(tmp_path)
    opened = open_checkpoint(str(tmp_path), 32)
    assert opened.tokens.ids(CORPUS) == smaller.tokens.ids(CORPUS)
    assert (opened.lm.config.vocab_size, opened.pad_id, opened.has_head) == (said.kept, smaller.pad_id, True)
    rows = smaller.tokens.ids(CORPUS)
    np.testing.assert_allclose(opened.encode_ids(rows).numpy(), smaller.encode_ids(rows).numpy(), atol=1e-5)


@pytest.mark.slow
def test_an_encoder_that_was_cut_is_exported_with_equal_vectors(tmp_path: Path) -> None:
    network = KINDS["unigram"]()
    cut(network)
    assert export(network, tmp_path / "out", CORPUS) > 0.9999


def test_a_step_of_training_after_the_cut_moves_the_kept_rows_and_the_tied_head_together() -> None:
    network = KINDS["wordpiece"]()
    cut(network)
    table, head = network.lm.get_input_embeddings().weight, network.lm.get_output_embeddings().weight
    assert table is head
    ids = torch.tensor(network.tokens.ids(SHOP[:1]))
    before = table.detach().clone()
    network.lm(ids, labels=ids).loss.backward()
    torch.optim.SGD(network.lm.parameters(), lr=1.0).step()
    assert not torch.equal(table, before)


def test_the_prefix_goes_through_the_cut() -> None:
    network = KINDS["unigram"]()
    network.tokens = Tokens(network.tokenizer.backend_tokenizer, 32, "office: ")
    (old,) = network.tokens.ids(["green tea"])
    said = cut(network)
    assert [said.ids[i] for i in network.tokens.ids(["green tea"])[0]] == old
    assert network.tokens.ids([" "]) == [[]]


def test_cutting_twice_changes_nothing_the_second_time() -> None:
    network = KINDS["unigram"]()
    cut(network)
    said = cut(network)
    assert (said.kept, "in use" in said.reason) == (said.before, True)


def test_more_pieces_are_kept_for_text_to_come_where_they_are_asked_for() -> None:
    few, more = KINDS["unigram"](), KINDS["unigram"]()
    cut(few)
    said = prune(more, SHOP, at_least=75, characters=30, smallest=0)
    assert few.lm.config.vocab_size < 75 == said.kept
    assert len(more.tokens.ids(["hiking boots"])[0]) < len(few.tokens.ids(["hiking boots"])[0])


def test_a_vocabulary_of_one_language_is_left_alone_and_the_reason_said() -> None:
    network = KINDS["wordpiece"]()
    before = network.tokens.ids(CORPUS)
    said = prune(network, SHOP)
    assert (said.kept, said.before) == (said.before, network.lm.config.vocab_size)
    assert "few would go" in said.note
    assert network.tokens.ids(CORPUS) == before


def test_a_kind_of_tokenizer_that_cannot_be_cut_is_left_alone_and_the_reason_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huaxiang.encoder.sources.vocabulary.KINDS", ("Unigram",))
    network = KINDS["wordpiece"]()
    said = cut(network)
    assert "kind WordPiece cannot be cut down" in said.reason
    assert network.lm.config.vocab_size == said.kept == said.before


def family(name: str, **sizes: int) -> Network:
    """A network of another family under the tokenizer of the tea shop's checkpoint."""
    network = KINDS["unigram"]()
    named = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, **sizes}
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=network.lm.config.vocab_size, max_position_embeddings=40, pad_token_id=1, **named
    )
    network.lm = getattr(transformers, f"{name}ForMaskedLM")(config)
    return network


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("Albert", {"embedding_size": 16}),
        ("DebertaV2", {}),
        ("DistilBert", {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}),
        ("Electra", {"embedding_size": 16}),
    ],
)
def test_other_families_are_cut_with_their_heads(name: str, sizes: dict[str, int]) -> None:
    network = family(name, **sizes)
    before = network.lm.eval()(torch.tensor(network.tokens.ids(SHOP[:1]))).logits
    said = cut(network)
    after = network.lm.eval()(torch.tensor(network.tokens.ids(SHOP[:1]))).logits
    assert said.reason == ""
    torch.testing.assert_close(after, before[..., list(said.ids)], atol=1e-5, rtol=0)


def test_a_family_that_keeps_pieces_in_another_way_is_left_alone() -> None:
    network = family("MobileBert", embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16)
    before = network.encode_ids(network.tokens.ids(SHOP))
    assert "belong to pieces too" in cut(network).reason
    torch.testing.assert_close(network.encode_ids(network.tokens.ids(SHOP)), before)


def test_without_any_text_the_characters_are_what_is_left() -> None:
    network = KINDS["unigram"]()
    prune(network, [], at_least=0, characters=200, smallest=0)
    assert network.tokenizer.unk_token_id not in network.tokens.ids(["tea 茶壶"])[0]
