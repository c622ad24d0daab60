"""`huaxiang describe --keywords`: the words that carry a shop's texts, by three ways beside each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from huaxiang.errors import DataError, HuaxiangError

if TYPE_CHECKING:
    from huaxiang.encoder.base import Encoder
    from huaxiang.encoder.keywords import Keyword
    from huaxiang.store import Store

NONE: Final = "none"
_MOST: Final = 2_000
"""Texts whose keywords are counted, evenly spread: an encoder reads them in a few seconds."""


def describe_keywords(texts: Sequence[str], k: int, encoder: str) -> dict[str, Any]:
    """Print the `k` keywords of the texts by TF-IDF, Word2Vec and an encoder; answers with the same as figures.

    Args:
        encoder: as `open_encoder` reads it, or `none`.
    """
    from huaxiang.encoder.keywords import side_by_side, sources

    if not texts:
        raise DataError("there is no text to take keywords from; import items first, or give a file of texts")
    opened, why = open_or_say(encoder, texts)
    ways = sources(texts, opened)
    sample = texts[:: -(-len(texts) // _MOST)]
    found = side_by_side(sample, ways, k)
    if len(sample) < len(texts):
        typer.echo(f"keywords of {len(sample):,} texts, evenly spread over {len(texts):,}, are counted")
    typer.echo(f"encoder: {why}")
    _show(found)
    rows = {
        name: [{"word": each.word, "texts": each.n_texts, "related": list(each.related)} for each in words]
        for name, words in found.items()
    }
    return {"texts": len(texts), "counted": len(sample), "encoder": why, "keywords": rows}


def open_or_say(encoder: str, texts: Sequence[str]) -> "tuple[Encoder | None, str]":
    """The encoder, and why this one; none where the default finds none, which is said."""
    from huaxiang.encoder.opening import AUTO, open_encoder

    if encoder == NONE:
        return None, "none was asked for"
    try:
        opened = open_encoder(encoder, texts)
    except HuaxiangError as error:
        if encoder != AUTO:
            raise
        return None, f"none ({error})"
    return opened.encoder, opened.why


def _show(found: "dict[str, list[Keyword]]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    for name, words in found.items():
        table = Table(title=f"keywords by {name}", title_justify="left")
        for heading in ("word", "texts", "related"):
            table.add_column(heading)
        for each in words:
            table.add_row(Text(each.word), f"{each.n_texts:,}", Text(", ".join(each.related)))
        Console().print(table)


def catalogue_texts(store: "Store") -> list[str]:
    """The items of a shop as the encoder reads them, in the order of their ids."""
    from huaxiang.collect.catalogue import Catalogue
    from huaxiang.text.wording import item_text

    return [item_text(item) for item in sorted(Catalogue(store), key=lambda item: item.item_id)]


def texts_of(file: Path | None, column: str | None, data_dir: Path) -> list[str]:
    """The texts of a file, or the items of a shop."""
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.encoder.texts import read_texts

    if file is not None:
        return list(read_texts(file, column))
    store = open_shop_store(data_dir)
    try:
        return catalogue_texts(store)
    finally:
        store.close()
