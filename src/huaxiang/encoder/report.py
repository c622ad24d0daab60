"""What training an encoder did, in figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from huaxiang.encoder.contrast import ContrastReport
from huaxiang.encoder.heldout import Retrieval
from huaxiang.encoder.pretraining.report import PretrainReport
from huaxiang.measure.figures import plain


@dataclass(frozen=True, slots=True)
class EncoderReport:
    """What training did.

    Attributes:
        parameters: weights of the encoder, without the prediction head.
        start, result: recall of the next item, before any training and by what was exported; NaN without pairs.
        pretrain, finetune: None where the step was skipped; `notes` says why.
        pretrain_kept: False where held-out shoppers were found worse after it, so its weights were dropped.
        export_cosine: smallest agreement of the exported graph with torch.
        notes: what was cut by the budget, skipped, sampled or dropped, one sentence each.
    """

    name: str
    fingerprint: str
    d: int
    parameters: int
    vocabulary: int
    max_tokens: int
    n_items: int
    n_texts: int
    n_pairs: int
    start: Retrieval
    result: Retrieval
    pretrain: PretrainReport | None
    pretrain_kept: bool
    finetune: ContrastReport | None
    export_cosine: float
    seconds: float
    notes: tuple[str, ...] = ()

    def figures(self) -> dict[str, Any]:
        """The same as JSON-compatible values; NaN becomes None."""
        figures: dict[str, Any] = plain(asdict(self))
        if self.pretrain is not None:
            figures["pretrain"]["perplexity_before"] = plain(self.pretrain.perplexity_before)
            figures["pretrain"]["perplexity_after"] = plain(self.pretrain.perplexity_after)
            del figures["pretrain"]["losses"]  # thousands of figures that nobody reads in a release
        return figures
