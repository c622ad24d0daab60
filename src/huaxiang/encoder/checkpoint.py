"""Opening any Hugging Face checkpoint, by folder or by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from huaxiang.encoder.model import Network
from huaxiang.encoder.sources.cache import ABOUT_FILE
from huaxiang.encoder.sources.packages import is_known, locate, names
from huaxiang.encoder.tokens import Tokens
from huaxiang.errors import DataError


def open_checkpoint(named: str, max_tokens: int) -> Network:
    """The checkpoint at a folder, of an installed package, or of that name in the local Hugging Face cache.

    Nothing is downloaded: which weights a shop runs is decided by whoever fetches them. Only safetensors are read, no
    pickled weights, and no code that a checkpoint brings along is run.

    Args:
        named: a folder with `config.json`, one that `huaxiang pretrain` wrote, a name of an installed package such as
            `e5-small`, or one of the cache such as `org/model`.
        max_tokens: where texts are cut, unless the checkpoint reads less.

    Raises:
        DataError: not found, not in safetensors, no encoder, or no fast tokenizer.
    """
    source = locate_folder(named)
    lm, missing = _open_model(named, source)
    tokenizer = open_tokenizer(named, source)
    if tokenizer.pad_token_id is None:
        raise DataError(f"encoder {named!r} has a tokenizer without a padding token; add one and save it again")
    if (n_pieces := len(tokenizer)) > lm.config.vocab_size:
        raise DataError(
            f"encoder {named!r} has {n_pieces} pieces but vectors for {lm.config.vocab_size}; its files differ"
        )
    length = min(max_tokens, _positions(lm), int(min(tokenizer.model_max_length, 1 << 30)))
    prefix = _prefix(Path(source))
    tokens = Tokens(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()), length, prefix)
    head = [name for name in missing if not name.startswith(f"{lm.base_model_prefix}.")]
    has_head = not head and tokenizer.mask_token_id is not None
    return Network(lm, tokenizer, tokens, int(tokenizer.pad_token_id), Path(named).name, has_head, prefix)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Transformers from drawing bars and from reporting what the caller checks and reports itself."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def locate_folder(named: str) -> str:
    """The folder of a checkpoint: itself, `hf/` in it, an installed package's or the cache's; nothing is fetched."""
    folder = Path(named).expanduser()
    if folder.is_dir():
        found = next((f for f in (folder, folder / "hf") if (f / "config.json").is_file()), None)
        if found is None:
            raise DataError(
                f"encoder folder {named!r} holds no config.json; give the folder of a Hugging Face checkpoint"
            )
        return str(found)
    if is_known(named):
        return str(locate(named))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return str(snapshot_download(named, local_files_only=True))
    except HFValidationError:
        raise DataError(
            f"encoder {named!r} is no folder here and no name that a model hub could have; {_known()}"
        ) from None
    except LocalEntryNotFoundError:
        raise DataError(
            f"encoder {named!r} is no folder here and not in the local Hugging Face cache, and nothing is downloaded "
            f"unasked: run `hf download {named}` on a machine with a connection, or give the folder of a checkpoint; "
            f"{_known()}"
        ) from None


def _known() -> str:
    return f"installed here: {', '.join(names())}" if names() else "pip install 'huaxiang[models]' brings some"


def _prefix(folder: Path) -> str:
    """What the checkpoint expects before every text, by the `huaxiang.json` beside it; "" without one."""
    path = folder / ABOUT_FILE
    if not path.is_file():
        return ""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["prefix"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f'{path} names no prefix of texts; write {{"prefix": ""}} into it') from error


def _open_model(named: str, source: str) -> tuple[Any, list[str]]:
    from safetensors import SafetensorError
    from transformers import AutoModelForMaskedLM

    try:
        with quietly():
            lm, said = AutoModelForMaskedLM.from_pretrained(
                source, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"encoder {named!r} could not be opened as a masked language model in safetensors: "
            f"{str(error).splitlines()[0]}; give a checkpoint of the BERT family, saved with save_pretrained"
        ) from error
    missing = sorted(said["missing_keys"])
    if lost := [name for name in missing if name.startswith(f"{lm.base_model_prefix}.") and "position_ids" not in name]:
        raise DataError(
            f"encoder {named!r} lacks {len(lost)} weights of its own network, such as {lost[0]}; fetch it again"
        )
    return lm.float(), missing


def open_tokenizer(named: str, source: str) -> Any:
    """The fast tokenizer in the folder `source` of the checkpoint called `named`."""
    from transformers import AutoTokenizer

    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"encoder {named!r} has no tokenizer that opens: {str(error).splitlines()[0]}") from error
    if not tokenizer.is_fast:
        raise DataError(f"encoder {named!r} has no tokenizer.json, which serving without Transformers needs")
    return tokenizer


def _positions(lm: Any) -> int:
    """Longest text the network has positions for; RoBERTa's kind counts from the padding id on."""
    table = getattr(getattr(lm.base_model, "embeddings", None), "position_embeddings", None)
    offset = 0 if table is None or table.padding_idx is None else int(table.padding_idx) + 1
    return int(getattr(lm.config, "max_position_embeddings", 512)) - offset
