"""Which networks are fine-tuned, and how long each may take: as many as the time allows, most promising first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from huaxiang.encoder.classifying.frozen import speed
from huaxiang.encoder.classifying.material import Material
from huaxiang.encoder.classifying.networks import Opened
from huaxiang.encoder.classifying.tuned import Settings, rows_to_read

_BACKWARD: Final = 3.5
"""Reading a text forward and backward, and the step of the optimiser, beside reading it forward alone."""
ENOUGH: Final = 0.5
"""Share of its plan that a further network must have time for; with less it has not learned enough to add anything."""
_MARGIN: Final = 1.5
"""An estimate from a few texts may be so far off."""
_LEAST: Final = 60.0
"""Seconds that are not haggled over: opening and judging take time too, which no estimate counts."""


@dataclass(frozen=True, slots=True)
class Job:
    """One network to fine-tune in one way.

    Attributes:
        name: of the candidate, such as `full` or `full-minilm`.
        needed: seconds that its whole plan takes, about.
    """

    name: str
    opened: Opened
    settings: Settings
    needed: float


def jobs_of(opened: Sequence[Opened], methods: Sequence[str], settings: Settings, material: Material) -> list[Job]:
    """Every method on the first network, and the last of them on each further one."""
    pairs = [(method, method, opened[0]) for method in methods]
    pairs += [(f"{methods[-1]}-{other.network.name}", methods[-1], other) for other in opened[1:] if methods]
    made = []
    for name, method, each in pairs:
        own = replace(settings.by(method), bf16=each.bf16)
        rows = each.network.tokens.ids(material.train.texts[:256])
        taken = _BACKWARD * rows_to_read(own, material) / max(speed(each.network, rows, each.bf16), 1e-9)
        made.append(Job(name, each, own, taken))
    return made


def affordable(jobs: Sequence[Job], seconds: float) -> list[Job]:
    """Those that fit: the first one whose plan does, and whatever has time for a good part of its own after it.

    Where no plan fits, the one that gets farthest: on much text, the network that reads more of it learns more.
    """
    if not jobs:
        return []
    first = next((job for job in jobs if job.needed <= seconds), min(jobs, key=lambda job: job.needed))
    kept, left = [first], seconds - first.needed
    for job in jobs:
        if job is not first and left >= ENOUGH * job.needed:
            kept.append(job)
            left -= job.needed
    return [job for job in jobs if job in kept]


def allotted(job: Job, waiting: Sequence[Job], chosen: Sequence[Job], left: float, pace: float) -> float:
    """Seconds for a job: its share of what is left for those chosen. While others wait for what remains, not much
    longer than its plan takes: a further network adds more than a second training on a tenth more texts.

    Args:
        pace: real seconds beside estimated ones, so far.
    """
    share = job.needed / sum(other.needed for other in (job, *(each for each in waiting if each in chosen)))
    plenty = max(_MARGIN * pace * job.needed, _LEAST)
    return min(share * left, plenty) if waiting else share * left
