"""A head for a checkpoint that has none: it begins as a guess by frequency, and the encoder is left alone."""

import math

import numpy as np
import pytest

from huaxiang.encoder.model import Network
from huaxiang.encoder.pretraining.asking import Asker
from huaxiang.encoder.pretraining.heads import begin_head, warm_up_head
from huaxiang.encoder.pretraining.loop import loss_on
from huaxiang.encoder.pretraining.objectives import HiddenWords

torch = pytest.importorskip("torch")


def headless(network: Network) -> Network:
    """The same encoder under a head of loud noise, untied."""
    head = network.lm.cls.predictions
    head.decoder.weight = torch.nn.Parameter(torch.empty_like(head.decoder.weight))
    for weight in head.parameters():
        torch.nn.init.normal_(weight, std=3.0)
    return network


def held_out_loss(network: Network, texts: list[str]) -> float:
    asker = Asker(network, HiddenWords(network, 0.2, whole_words=True))
    return loss_on(asker, asker.objective.read(texts), seed=0)


def test_a_begun_head_is_no_worse_than_guessing_by_frequency(network: Network, texts: list[str]) -> None:
    noisy = held_out_loss(headless(network), texts)
    begin_head(network, texts, np.random.default_rng(0))
    pieces = [piece for row in network.tokens.ids(texts) for piece in row[1:-1]]
    share = np.bincount(pieces) / len(pieces)
    by_frequency = -float(np.log(share[pieces]).mean())
    assert held_out_loss(network, texts) < by_frequency + 1.0 < noisy


def test_the_head_answers_with_the_embeddings(network: Network, texts: list[str]) -> None:
    begin_head(headless(network), texts, np.random.default_rng(0))
    assert network.lm.get_output_embeddings().weight is network.lm.get_input_embeddings().weight
    assert network.lm.config.tie_word_embeddings


def test_beginning_and_warming_up_leave_the_encoder_as_it_was(network: Network, texts: list[str]) -> None:
    rows = network.tokens.ids(texts[:5])
    before = network.encode_ids(rows)
    begin_head(headless(network), texts, np.random.default_rng(0))
    first = held_out_loss(network, texts)
    asker = Asker(network, HiddenWords(network, 0.2, whole_words=True))
    warm_up_head(asker, texts, steps=10, batch_size=16, seconds=60.0, rng=np.random.default_rng(0))
    assert torch.equal(network.encode_ids(rows), before)
    assert held_out_loss(network, texts) < first
    assert all(weight.requires_grad for weight in network.lm.parameters())


@pytest.mark.parametrize("kind", ["DistilBert", "Roberta", "Electra", "MPNet", "ModernBert"])
def test_heads_of_other_families_begin_too(kind: str, network: Network, texts: list[str]) -> None:
    import transformers

    wide = {"vocab_size": len(network.tokenizer), "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    wide |= {"intermediate_size": 64, "max_position_embeddings": 40, "pad_token_id": 0}
    if kind == "DistilBert":
        wide = {"vocab_size": len(network.tokenizer), "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
        wide |= {"max_position_embeddings": 40, "pad_token_id": 0}
    if kind == "ModernBert":
        wide |= dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 2)
    config = getattr(transformers, f"{kind}Config")(**wide)
    network.lm = getattr(transformers, f"{kind}ForMaskedLM")(config)
    begin_head(network, texts, np.random.default_rng(0))
    loss = held_out_loss(network, texts)
    assert math.isfinite(loss)
    assert loss < math.log(len(network.tokenizer))  # better than guessing at random


def test_without_time_a_new_head_is_not_taught_at_all(network: Network, texts: list[str]) -> None:
    begin_head(headless(network), texts, np.random.default_rng(0))
    first = held_out_loss(network, texts)
    asker = Asker(network, HiddenWords(network, 0.2, whole_words=True))
    made = warm_up_head(asker, texts, steps=10, batch_size=16, seconds=0.0, rng=np.random.default_rng(0))
    assert (made, held_out_loss(network, texts)) == (0, first)
