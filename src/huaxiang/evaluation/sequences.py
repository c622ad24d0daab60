"""Leave-one-out on files of sequences."""

from collections.abc import Sequence

from huaxiang.evaluation.budget import Budget
from huaxiang.evaluation.protocols import leave_one_out
from huaxiang.evaluation.running import Report, run
from huaxiang.evaluation.sequence_file import ItemTerms, Sequences


def evaluate_sequences(
    sequences: Sequences,
    terms: ItemTerms | None,
    budget: Budget,
    *,
    models: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Run the protocol within the budget; popularity and transitions always, the others as asked and as time allows.

    Args:
        models: of `running.MODELS` and the peers; None is all of ours.
    Raises:
        UnknownNameError: a model that is not known. MissingExtraError: a peer that is not installed.
        DataError: no user has 3 items.
    """
    report = run(leave_one_out(sequences), terms, budget, models=models, seed=seed)
    report.about["data"] |= {
        "lines_without_items": list(sequences.without_items[:20]),
        "n_lines_without_items": len(sequences.without_items),
        "repeated_items": sequences.repeats,
    }
    return report
