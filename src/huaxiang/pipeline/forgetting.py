"""The next release without some people: what forgets exactly is made anew, the rest is linked and named as stale.

Whatever validation chose (weights, decays, which parts there are) is held as it is.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huaxiang.errors import ReleaseError
from huaxiang.pipeline.elsewhere import ELSEWHERE
from huaxiang.pipeline.parts import PARTS
from huaxiang.profiles import Portraits
from huaxiang.release import Draft, Release, Releases
from huaxiang.retrieval.base import Interactions, Retriever
from huaxiang.retrieval.kinds import open_retrievers, save_retrievers
from huaxiang.retrieval.log import read_people, to_interactions
from huaxiang.store.backup_files import link_or_copy
from huaxiang.types import ItemId, Subject

_STALE: Final = (PARTS.encoder, PARTS.keywords, PARTS.ranker, PARTS.fusion)
"""Folders in which something was learned of people that cannot be taken out again, where they are there."""
_WHY_STALE: Final = {
    PARTS.encoder: "encoder",
    PARTS.keywords: "how surely people come back to what they met",
    PARTS.ranker: "learned ranker",
    PARTS.fusion: "weights of the parts, and which categories are bought again",
}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a shop's releases.

    Attributes:
        before, after: releases in use; the same where nobody who was erased is in it.
        exact: parts that are now what they would be had these people never come.
        stale: parts in which they still have a share, until the next training.
        removed: releases that were deleted, because these people are in them.
    """

    before: str
    after: str
    exact: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    seconds: float = 0.0


def gone_from(release: Release, portraits: Portraits, subjects: Sequence[Subject]) -> Interactions:
    """All that a release was fitted on of some people and their devices; must be read before they are erased."""
    item_ids: list[ItemId] = json.loads((release.part(PARTS.index) / "items.json").read_text("utf-8"))
    rows = read_people(portraits.store, portraits, subjects, until_seq=int(release.about["seq"]))
    return to_interactions(rows, item_ids)


def forget_people(releases: Releases, gone: Interactions) -> Forgotten:
    """Make the release in use forget people, put the result in use, and delete every release that they are in.

    Args:
        gone: of `gone_from` for the release in use.

    Raises:
        ReleaseError: there is no release, or no room for another.
    """
    started = time.perf_counter()
    release = releases.current
    if release is None:
        raise ReleaseError("no release is in use; there is nothing to forget")
    if not gone.n_users:
        return Forgotten(release.id, release.id)
    kept = open_retrievers(release.part(PARTS.retrievers))
    with releases.draft() as draft:
        exact = _without(kept, gone)
        stale = tuple(sorted({*_stale_folders(release), *(kept.keys() - exact.keys())}))
        _link(release, draft, {*exact})
        save_retrievers(exact, draft.path / PARTS.retrievers)
        draft.about |= _about(release, gone)
    releases.use(draft.id)
    removed = tuple(other.id for other in releases.list() if other.id != draft.id)
    for name in removed:
        releases.remove(name)
    seconds = round(time.perf_counter() - started, 3)
    return Forgotten(release.id, draft.id, tuple(sorted(exact)), stale, removed, seconds)


def _without(kept: Mapping[str, Retriever], gone: Interactions) -> dict[str, Retriever]:
    return {name: part.forget(gone) for name, part in kept.items() if part.forgets == "exact"}


def _stale_folders(release: Release) -> list[str]:
    return [_WHY_STALE[name] for name in _STALE if (release.path / name).is_dir()]


def _link(release: Release, draft: Draft, made: set[str]) -> None:
    """Everything of a release but the retrievers in `made`, as links to the same files."""
    for name in release.files:
        folder = Path(name)
        if folder.parts[0] == PARTS.retrievers and folder.parts[1] in made:
            continue
        target = draft.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(release.path / name, target)
    (draft.path / PARTS.retrievers).mkdir(exist_ok=True)


def _about(release: Release, gone: Interactions) -> dict[str, Any]:
    about = dict(release.about)
    about["n_people"] = int(about.get("n_people", 0)) - gone.n_users
    about["n_forgotten"] = int(about.get("n_forgotten", 0)) + gone.n_users
    about["made_from"] = release.id
    about[ELSEWHERE] = about.get(ELSEWHERE, release.id)
    return about
