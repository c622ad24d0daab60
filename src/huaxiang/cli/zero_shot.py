"""`huaxiang finetune zero-shot`: texts get the label whose description is nearest; nothing is learned from labels."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from huaxiang.cli.figures import check_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from huaxiang.encoder.zero_shot import ZeroShot

_SHOWN: Final = 5


def register(group: typer.Typer) -> None:
    """Add the command to the group `finetune`."""
    group.command("zero-shot")(zero_shot)


def zero_shot(
    test: Annotated[Path, typer.Option(help="CSV, TSV or JSONL of texts; plain or gzip.")],
    text: Annotated[str, typer.Option("--text", help="Column of the text.")],
    labels: Annotated[
        str, typer.Option(help="a,b,c or 'a=what it means;b=one text|another', or a file with such lines.")
    ],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures and the answers go.")],
    label: Annotated[
        str | None, typer.Option("--label", help="Column of the right label, only to be judged by.")
    ] = None,
    encoder: Annotated[str, typer.Option(help="auto, use, e5-small, minilm, a folder, a cached name.")] = "auto",
    correction: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of each label's mean nearness that is taken off.")
    ] = 0.5,
) -> None:
    """Classify texts by the names or descriptions of the labels alone, without a training text."""
    from huaxiang.encoder.classifying.table import read_labelled
    from huaxiang.encoder.opening import open_encoder
    from huaxiang.encoder.texts import read_texts
    from huaxiang.encoder.zero_shot import ZeroShot, labels_of

    began = time.monotonic()
    check_folders(json_file)
    named = labels_of(labels)
    right = None if label is None else read_labelled(test, text, label)
    texts = list(read_texts(test, text, keep_blank=True)) if right is None else list(right.texts)
    opened = open_encoder(encoder, texts, light=False)
    asked = ZeroShot(opened.encoder, list(named), _described(named), correction=correction).fit(texts)
    found_NC = asked.probabilities(texts)
    found: dict[str, Any] = {"method": "zero-shot", "encoder": opened.encoder.name, "why": opened.why}
    found |= {"corrected": asked.is_corrected, "n_train": 0, "n_test": len(texts)}
    if right is not None:
        found = _judged(asked.labels, [labels[0] for labels in right.labels], found_NC) | found
    found["seconds"] = round(time.monotonic() - began, 2)
    _say(found, asked, texts, found_NC)
    answers = [
        {"label": asked.labels[at], "score": round(float(row[at]), 4)}
        for at, row in zip(found_NC.argmax(axis=1), found_NC, strict=True)
    ]
    json_file.write_text(json.dumps(found | {"answers": answers}, ensure_ascii=False, indent=1), encoding="utf-8")


def _described(named: "Mapping[str, tuple[str, ...]]") -> "dict[str, tuple[str, ...]]":
    return {label: texts for label, texts in named.items() if texts}


def _judged(labels: "Sequence[str]", right: "Sequence[str]", found_NC: "NDArray[np.float64]") -> dict[str, Any]:
    """Accuracy with its interval, and macro F1; a right label that was not named is always missed."""
    import numpy as np

    from huaxiang.measure.classification import confusion, per_class
    from huaxiang.measure.intervals import wilson

    known = [*labels, *sorted(set(right) - set(labels))]
    place = {label: at for at, label in enumerate(known)}
    right_N, said_N = np.array([place[label] for label in right]), found_NC.argmax(axis=1)
    hits = int((right_N == said_N).sum())
    low, high = wilson(hits, len(right))
    figures = {"accuracy": hits / len(right), "macro_f1": per_class(confusion(right_N, said_N, len(known))).macro_f1}
    return figures | {"low": low, "high": high, "labels_not_named": known[len(labels) :]}


def _say(found: dict[str, Any], asked: "ZeroShot", texts: "Sequence[str]", found_NC: "NDArray[np.float64]") -> None:
    typer.echo(f"{len(texts):,} texts, {len(asked.labels)} labels, {found['seconds']} s; encoder: {found['why']}")
    if not asked.is_corrected and asked.correction:
        typer.echo("too few texts to see how near each label is to all of them: nothing was taken off")
    if "accuracy" in found:
        typer.echo(
            f"accuracy {found['accuracy']:.4f} [{found['low']:.4f}, {found['high']:.4f}], "
            f"macro F1 {found['macro_f1']:.4f}"
        )
    if found.get("labels_not_named"):
        typer.echo(f"labels of the file that were not named, so always missed: {', '.join(found['labels_not_named'])}")
    shares = found_NC.argmax(axis=1)
    for at, label in enumerate(asked.labels[:_SHOWN]):
        typer.echo(f"  {label}: {(shares == at).mean():.1%} of the texts")
