"""A release's folders, and what a pipeline keeps in them.

Legend: M items, D width.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from huaxiang.errors import ReleaseError
from huaxiang.pipeline.second import SecondStage
from huaxiang.release import Draft, Release
from huaxiang.retrieval.base import Retriever
from huaxiang.retrieval.kinds import save_retrievers
from huaxiang.types import ItemId, Vectors


@dataclass(frozen=True, slots=True)
class _Parts:
    """Names of a release's folders; `ranker` is there where one was taught and helped."""

    keywords: str = "keywords"
    encoder: str = "encoder"
    index: str = "index"
    retrievers: str = "retrievers"
    fusion: str = "fusion"
    ranker: str = "ranker"


PARTS: Final = _Parts()


@dataclass(frozen=True, slots=True, eq=False)
class Indexed:
    """Items and vectors of a release in one order, and how its parts are put together.

    Attributes:
        repeated: categories that are bought again and again.
    """

    item_ids: list[ItemId]
    vectors_MD: Vectors
    weights: Mapping[str, float]
    repeated: frozenset[str]
    second: SecondStage | None


def open_indexed(release: Release) -> Indexed:
    """What `save_pipeline` wrote, but for the retrievers.

    Raises:
        ReleaseError: a file is missing or damaged.
    """
    root = release.part(PARTS.index)
    try:
        item_ids = json.loads((root / "items.json").read_text("utf-8"))
        vectors_MD = load_file(root / "vectors.safetensors")["vectors"]
        said = json.loads((release.part(PARTS.fusion) / "fusion.json").read_text("utf-8"))
        weights, repeated = said["weights"], frozenset(said["repeated"])
        second = SecondStage.load(release.part(PARTS.ranker)) if said.get("ranked") else None
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ReleaseError(f"release {release.id} cannot be opened: {error}; use another") from error
    return Indexed(item_ids, vectors_MD, weights, repeated, second)


def save_pipeline(
    draft: Draft,
    item_ids: Sequence[ItemId],
    vectors_MD: Vectors,
    retrievers: Mapping[str, Retriever],
    weights: Mapping[str, float],
    repeated: frozenset[str],
    second: SecondStage | None = None,
) -> None:
    """Write what `Pipeline.open` reads, but for the encoder and keywords, which wrote themselves."""
    root = draft.part(PARTS.index)
    (root / "items.json").write_text(json.dumps(list(item_ids), ensure_ascii=False), encoding="utf-8")
    save_file({"vectors": np.ascontiguousarray(vectors_MD)}, root / "vectors.safetensors")
    save_retrievers(retrievers, draft.part(PARTS.retrievers))
    if second is not None:
        second.save(draft.part(PARTS.ranker))
    said = {"weights": dict(weights), "repeated": sorted(repeated), "ranked": second is not None}
    (draft.part(PARTS.fusion) / "fusion.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
