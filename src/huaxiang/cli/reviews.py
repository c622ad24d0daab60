"""`huaxiang describe --reviews`: what reviews praise and blame, aspect by aspect."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from huaxiang.cli.keywords import open_or_say
from huaxiang.errors import ConfigError, DataError

if TYPE_CHECKING:
    from huaxiang.collect.reviews import Reviews
    from huaxiang.encoder.aspects import AspectRow
    from huaxiang.encoder.polarity import Polarity

_MOST: Final = 2_000
"""Reviews that are read clause by clause, evenly spread: with an encoder about 20 seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the reviews are: a file with a column of text, and of ratings from 1 to 5 where it has them, or a shop."""

    file: Path | None
    text: str | None
    rating: str | None
    data_dir: Path


def describe_reviews(source: Source, encoder: str, classifier: Path | None) -> dict[str, Any]:
    """Print the aspects of the reviews with the share that blames each; answers with the same as figures.

    Args:
        encoder: as `open_encoder` reads it, or `none`.
        classifier: a folder that `huaxiang finetune classify --out` wrote; None: learn from the ratings.
    """
    from huaxiang.encoder.aspects import AspectReader, aspect_table

    reviews = _reviews(source)
    if not reviews.texts:
        raise DataError("there is no review with a text; import reviews first, or give a file of texts")
    polarity = _polarity(reviews, classifier)
    sample = reviews.texts[:: -(-len(reviews.texts) // _MOST)]
    opened, why = open_or_say(encoder, sample)
    rows = aspect_table(AspectReader(opened, polarity).read(sample))
    praise, blame = polarity.shares(sample)
    if len(sample) < len(reviews.texts):
        typer.echo(f"{len(sample):,} reviews, evenly spread over {len(reviews.texts):,}, are read")
    typer.echo(f"whole reviews: {praise:.1%} praise, {blame:.1%} blame, by {polarity.name} ({polarity.why})")
    typer.echo(f"aspects without a word of their own are found by the encoder: {why}")
    _show(rows)
    said = {"praise": praise, "blame": blame, "polarity": polarity.name, "why": polarity.why, "encoder": why}
    return {"reviews": len(reviews.texts), "read": len(sample)} | said | {"aspects": [_plain(row) for row in rows]}


def _reviews(source: Source) -> "Reviews":
    from huaxiang.collect.reviews import Reviews, reviews_of
    from huaxiang.collect.shop import open_shop_store
    from huaxiang.config import load_settings
    from huaxiang.encoder.texts import read_texts

    if source.file is None:
        default = load_settings(None, data_dir=source.data_dir).consent.default
        store = open_shop_store(source.data_dir)
        try:
            return reviews_of(store, consent_default=default)
        finally:
            store.close()
    texts = list(read_texts(source.file, source.text, keep_blank=True))
    stars: Sequence[str] = [""] * len(texts)
    if source.rating is not None:
        stars = list(read_texts(source.file, source.rating, keep_blank=True))
    rows = [(text, _number(said, source.rating)) for text, said in zip(texts, stars, strict=True) if text.strip()]
    return Reviews([text for text, _ in rows], [rating for _, rating in rows])


def _number(said: str, column: str | None) -> float | None:
    try:
        return float(said) if said.strip() else None
    except ValueError:
        raise DataError(
            f"column {column!r} holds {said[:40]!r}, which is no rating; ratings are numbers from 1 to 5"
        ) from None


def _polarity(reviews: "Reviews", classifier: Path | None) -> "Polarity":
    from huaxiang.encoder.polarity import by_classifier, by_lexicon, train_polarity_from_ratings
    from huaxiang.errors import MissingExtraError

    if classifier is not None:
        from huaxiang.encoder.classifying.classifier import TextClassifier

        if not classifier.is_dir():
            raise ConfigError(f"no folder {classifier}; `huaxiang finetune classify --out` makes one")
        return by_classifier(TextClassifier.load(classifier), str(classifier))
    try:
        return train_polarity_from_ratings(reviews.texts, reviews.ratings)
    except ImportError:
        return by_lexicon(str(MissingExtraError("learning from ratings", "train")))


def _show(rows: "Sequence[AspectRow]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="what reviews judge", title_justify="left")
    for heading in ("aspect", "reviews", "blame it", "by meaning alone", "such as"):
        table.add_column(heading)
    for row in rows:
        told = f"{row.n:,}", f"{row.share_negative:.1%}", f"{row.by_encoder:,}"
        table.add_row(row.aspect, *told, Text(row.example[:80]))
    Console().print(table)


def _plain(row: "AspectRow") -> dict[str, Any]:
    return {
        "aspect": row.aspect,
        "n": row.n,
        "share_negative": round(row.share_negative, 4),
        "by_encoder": row.by_encoder,
        "example": row.example,
    }
