"""What is asked of a training: one frozen value from the command to the last step."""

from dataclasses import dataclass

from huaxiang.encoder.finetuning.loop import Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """How to train a classifier.

    Attributes:
        method: `auto`, or one of `huaxiang.encoder.classifying.auto.METHODS`.
        encoder: `auto`, the name of an installed checkpoint, or a folder.
        many: whether a text can have several labels or none.
        balanced: whether classes count alike, however often they occur.
        plan: how to fine-tune; None: by the number of texts and classes.
        tuned_by: how `auto` fine-tunes.
        outside: the label of texts that are none of the others, which are not to be answered; None: every text is
            something.
        precision: `fp32`, `bf16`, or `auto`: a step is timed in both and the faster is taken.
            Where the two are about as fast, `auto` may fall out either way, and equal seeds then give unequal networks.
        threads: of torch; None: the cores that are idle now.
    """

    method: str = "auto"
    encoder: str = "auto"
    many: bool = False
    balanced: bool = False
    plan: Plan | None = None
    seed: int = 0
    threads: int | None = None
    tuned_by: str = "full"
    precision: str = "auto"
    outside: str | None = None
