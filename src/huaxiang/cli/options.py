"""Options that several tasks of `huaxiang finetune` share, so that they read alike."""

from pathlib import Path
from typing import Annotated

import typer

Test = Annotated[Path | None, typer.Option(help="The same columns; never learned from, nor chosen by.")]
EncoderName = Annotated[str, typer.Option(help="auto, new, e5-small, minilm, a checkpoint's folder, a cached name.")]
TrainedBy = Annotated[str, typer.Option(help="full, lora, adalora, adapter, prefix, prompt or ia3.")]
Prune = Annotated[bool, typer.Option(help="Cut a large vocabulary to what these texts use.")]
Budget = Annotated[str, typer.Option(help="Wall time for everything: 90s, 10m, 1h.")]
LearningRate = Annotated[float | None, typer.Option(min=0.0, help="At its top (default: by encoder).")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Of the training (default: the cores that are idle).")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Where the figures go.")]
