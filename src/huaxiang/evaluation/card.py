"""What a release says of itself, to machines in its manifest and to people on a card."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from huaxiang.evaluation.selection import Selected
from huaxiang.release import Draft
from huaxiang.text.wording import WORDING


def about_of(
    seq: int,
    rows: pl.DataFrame,
    n_items: int,
    selected: Selected,
    not_tried: Mapping[str, str],
    encoder: Mapping[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """What a release says of itself: what it was made of, what was chosen and what was not tried."""
    return {
        "seq": seq,
        "wording": WORDING,
        "n_items": n_items,
        "n_interactions": len(rows),
        "n_people": rows["person"].n_unique(),
        "weights": dict(selected.weights),
        "decays": dict(selected.decays),
        "validation": dict(selected.figures),
        "not_tried": dict(not_tried),
        "encoder": dict(encoder),
        "seconds": round(seconds, 1),
    }


def write_card(draft: Draft) -> None:
    """A model card for people, beside the manifest."""
    about = draft.about
    lines = [
        f"# Release {draft.id}",
        "",
        f"Trained on {about['n_interactions']:,} interactions of {about['n_people']:,} people",
        f"with {about['n_items']:,} items, in {about['seconds']} s, up to log position {about['seq']}.",
        "",
        "Weights of the fused retrievers, chosen on held-out days:",
        "",
        *(f"- {name}: {weight}" for name, weight in about["weights"].items()),
        "",
        "```json",
        json.dumps(about["validation"], indent=1, ensure_ascii=False),
        "```",
        "",
        "Validation figures choose; they are not a test. Limits: people who denied training are not in it.",
    ]
    (draft.path / "MODEL_CARD.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
