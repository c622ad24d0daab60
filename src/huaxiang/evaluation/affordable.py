"""What a training has the time to try, and what it says of the rest."""

from collections.abc import Mapping
from typing import Any, Final

from huaxiang.evaluation.parts import closed_seconds, nearest_seconds
from huaxiang.retrieval.factors import Factors, factors_seconds, missing
from huaxiang.retrieval.kinds import CLOSED_FORMS

PART_SHARE: Final = 0.2
"""Of what is left of the budget, for one retriever that is fitted twice, or for the closed forms together."""
MOST_FACTORED: Final = 20_000
"""Items: an answer reads the factors of each."""


def unaffordable(
    n_interactions: int, n_people: int, n_items: int, content: Mapping[str, Any], seconds: float
) -> dict[str, str]:
    """Retrievers that there is no time to try, and why.

    Args:
        content: recipes that read the items' terms, by name. seconds: that are left.
    """
    needed = dict.fromkeys(CLOSED_FORMS, 2.0 * len(CLOSED_FORMS) * closed_seconds(n_items))
    needed |= {name: 2.0 * nearest_seconds(recipe.terms_MT) for name, recipe in content.items()}
    needed[Factors.name] = 2.0 * factors_seconds(n_interactions, n_people, n_items)
    found = {
        name: f"takes about {cost:.0f} s of the {seconds:.0f} that are left"
        for name, cost in needed.items()
        if cost > PART_SHARE * seconds
    }
    if n_items > MOST_FACTORED:
        found[Factors.name] = f"an answer would read the factors of {n_items:,} items; {MOST_FACTORED:,} at most"
    if (error := missing()) is not None:
        found[Factors.name] = str(error)
    return found
