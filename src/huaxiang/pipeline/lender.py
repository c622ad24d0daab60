"""Another shop that this one may start from: its encoder, its ways between items, and what shared people met there.

Legend: S items of the other shop, M items of this one.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
from safetensors.numpy import load_file

from huaxiang.encoder.folder import open_folder
from huaxiang.errors import ReleaseError
from huaxiang.pipeline.elsewhere import ELSEWHERE, Elsewhere, Rows, keep
from huaxiang.pipeline.parts import PARTS
from huaxiang.release import Release
from huaxiang.retrieval.item_to_item import ItemToItem
from huaxiang.retrieval.kinds import open_retrievers
from huaxiang.retrieval.lent import NAME as LENT
from huaxiang.retrieval.lent import Carried, graph_of
from huaxiang.retrieval.log import people_of, to_interactions
from huaxiang.store import Store
from huaxiang.types import ItemId, UserId, Vectors

_LATEST: Final = 50
"""Events of a person in the other shop that are read."""
_A_PRODUCT: Final = 1e-10
"""Seconds for multiplying two numbers of two vectors, on a busy core."""


@dataclass(frozen=True, slots=True, eq=False)
class Lender:
    """A release of another shop, and its interactions where its log is at hand: of people who allow training."""

    release: Release
    item_ids: list[ItemId]
    vectors_SD: Vectors
    graph: ItemToItem
    log: pl.DataFrame | None

    @classmethod
    def open(cls, release: Release, log: pl.DataFrame | None) -> Self:
        """Open what is read of the release.

        Raises:
            ReleaseError: a file is missing or damaged.
        """
        root = release.part(PARTS.index)
        try:
            item_ids = json.loads((root / "items.json").read_text("utf-8"))
            vectors_SD = load_file(root / "vectors.safetensors")["vectors"]
        except (OSError, ValueError, KeyError) as error:
            raise ReleaseError(f"release {release.id} cannot be opened: {error}; name another") from error
        graph = open_retrievers(release.part(PARTS.retrievers))["transitions"]
        assert isinstance(graph, ItemToItem)
        return cls(release, item_ids, vectors_SD, graph, log)

    @property
    def checkpoint(self) -> str | None:
        """Its encoder as a checkpoint to go on from; None where it holds none."""
        folder: Path = self.release.part(PARTS.encoder) / "hf"
        return str(folder) if folder.is_dir() else None

    def seconds(self, n_items: int) -> float:
        """About how long carrying takes for a catalogue here."""
        return float(2.0 * _A_PRODUCT * n_items * self.vectors_SD.size)

    def carried(self, texts: Sequence[str]) -> Carried:
        """Both catalogues in the space of the other shop's encoder.

        Args:
            texts: how each item here reads.
        """
        encoder = open_folder(self.release.part(PARTS.encoder))
        graph_SS = graph_of(self.graph)
        return Carried.of(encoder.encode(texts), self.vectors_SD[: graph_SS.shape[0]], graph_SS)

    def rows(
        self, carried: Carried, item_ids: Sequence[ItemId], people: Collection[UserId], *, before: int | None = None
    ) -> Rows:
        """What the shared people met there, as scores of items here; nobody where the other log is not at hand.

        Args:
            people: users of this shop; an anonymous visitor of one shop is nobody in another.
            before: microseconds; only what was met before.
        """
        if self.log is None:
            return {}
        shared = [user for user in people if not user.startswith("\x1f")]
        rows = self.log.filter(pl.col("person").is_in(shared))
        if before is not None:
            rows = rows.filter(pl.col("at") < before)
        names, met = people_of(rows, self.item_ids), to_interactions(rows, self.item_ids)
        said = carried.of_people([met.history(at).latest(_LATEST) for at in range(len(names))])
        return {
            name: {item_ids[at]: score for at, score in of_one.items()}
            for name, of_one in zip(names, said, strict=True)
            if of_one
        }


@dataclass(frozen=True)
class Lent:
    """What another shop lends to one training."""

    lender: Lender
    carried: Carried
    people: Sequence[str]

    @cached_property
    def ways(self) -> ItemToItem:
        """Its ways between items, carried over."""
        return self.carried.ways()

    def elsewhere(self, item_ids: Sequence[ItemId], cut: int) -> Elsewhere | None:
        """What shared people had met there before the held-out days; None where nobody is shared."""
        rows = self.lender.rows(self.carried, item_ids, self.people, before=cut)
        return (lambda user, _now: rows.get(user, {})) if rows else None

    def keep(
        self, store: Store, release_id: str, item_ids: Sequence[ItemId], weights: Mapping[str, float]
    ) -> dict[str, Any]:
        """Keep what shared people met there under their ids, where that has a weight; says what was lent."""
        rows = self.lender.rows(self.carried, item_ids, self.people)
        if weights.get(ELSEWHERE, 0.0) > 0.0:
            keep(store, release_id, rows, at=datetime.now(UTC))
        lent = {name: weights.get(name, 0.0) for name in (LENT, ELSEWHERE)}
        return {"release": self.lender.release.id, "n_shared": len(rows), "weights": lent}
