"""Decoders: nothing read is lost, the next word is learned, and Transformers opens the result."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.checkpoint import quietly
from huaxiang.encoder.pretraining import Pretraining, pretrain
from huaxiang.encoder.pretraining.decoder import (
    new_decoder,
    open_decoder,
    save_decoder,
    train_decoder_tokenizer,
    write_samples,
)
from huaxiang.errors import DataError
from tests.encoder.conftest import TINY, Trained, small_shop

torch = pytest.importorskip("torch")

TOKENIZER = train_decoder_tokenizer(small_shop().items * 2, 400)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_what_was_read_can_be_written_again(text: str) -> None:
    import unicodedata

    text = unicodedata.normalize("NFC", text)
    if "▁" not in text and not any(special in text for special in ("<pad>", "<unk>", "<s>", "</s>")):
        assert TOKENIZER.decode(TOKENIZER.encode(text).ids) == text


def test_the_same_texts_give_the_same_tokenizer() -> None:
    assert train_decoder_tokenizer(small_shop().items * 2, 400).to_str() == TOKENIZER.to_str()


def test_a_sign_for_a_byte_in_a_text_is_no_byte() -> None:
    assert TOKENIZER.decode(TOKENIZER.encode("<0x41>").ids) == "<0x41>"


def test_the_next_word_is_learned_and_transformers_opens_the_result(texts: list[str], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    network = new_decoder(texts, TINY)
    report = pretrain(
        network,
        texts,
        seconds=600,
        rng=np.random.default_rng(1),
        max_steps=30,
        settings=Pretraining(batch_size=16, learning_rate=1e-2, epochs=20),
        objective="next-word",
    )
    assert report.perplexity_after < 0.3 * report.perplexity_before
    save_decoder(network, tmp_path / "d")
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(tmp_path / "d" / "hf")
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "d" / "hf")
    read = tokenizer(["green tea 绿茶"], return_tensors="pt")
    with torch.no_grad():
        theirs, ours = (
            model(**read).logits,
            network.lm(input_ids=torch.tensor(network.tokens.ids(["green tea 绿茶"]))).logits,
        )
    assert torch.allclose(theirs, ours, atol=1e-5)
    again = open_decoder(str(tmp_path / "d"), 512)
    assert (again.d, again.tokens.max_tokens, len(again.tokenizer)) == (32, 32, len(network.tokenizer))


def test_samples_go_on_from_the_shops_own_texts_and_are_repeatable(texts: list[str]) -> None:
    torch.manual_seed(1)
    network = new_decoder(texts, TINY)
    samples = write_samples(network, texts[:2], seed=5)
    assert all(text.startswith(sample.prompt.strip()) for text, sample in zip(texts, samples, strict=False))
    assert samples == write_samples(network, texts[:2], seed=5)


def test_an_encoder_is_no_decoder(trained: Trained) -> None:
    with pytest.raises(DataError, match="is no decoder"):
        open_decoder(str(trained.folder), 32)


def test_any_gpt_2_is_opened(texts: list[str], tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    network = new_decoder(texts, TINY)
    config = GPT2Config(
        vocab_size=len(network.tokenizer), n_embd=32, n_layer=1, n_head=2, n_positions=24,
        bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    with quietly():
        GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
        network.tokenizer.save_pretrained(tmp_path / "gpt2")
    opened = open_decoder(str(tmp_path / "gpt2"), 512)
    settings = Pretraining(batch_size=16, learning_rate=1e-2, packed=True)
    report = pretrain(
        opened, texts, seconds=600, rng=np.random.default_rng(1), max_steps=8, settings=settings, objective="next-word"
    )
    assert opened.tokens.max_tokens == 24
    assert report.perplexity_after < report.perplexity_before


def test_a_folder_of_something_else_is_not_overwritten(texts: list[str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds other files"):
        save_decoder(new_decoder(texts, TINY), tmp_path)


def test_a_decoder_that_is_cut_off_is_refused(texts: list[str], tmp_path: Path) -> None:
    save_decoder(new_decoder(texts, TINY), tmp_path / "d")
    weights = tmp_path / "d" / "hf" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(DataError, match="could not be opened"):
        open_decoder(str(tmp_path / "d"), 32)


def test_a_decoder_of_a_larger_vocabulary_than_vectors_is_refused(texts: list[str], tmp_path: Path) -> None:
    save_decoder(new_decoder(texts, TINY), tmp_path / "d")
    path = tmp_path / "d" / "hf" / "tokenizer.json"
    spec = json.loads(path.read_text())
    spec["model"]["vocab"] |= {f"extra{i}": 10_000 + i for i in range(3)}
    path.write_text(json.dumps(spec))
    with pytest.raises(DataError, match="its files differ"):
        open_decoder(str(tmp_path / "d"), 32)
