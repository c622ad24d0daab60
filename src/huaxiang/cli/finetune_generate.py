"""`huaxiang finetune generate`: a decoder learns to answer prompts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.cli.options import Budget, JsonFile, LearningRate, Seed, Test, Threads
from huaxiang.cli.progress import bar
from huaxiang.cli.train import seconds_of


def register(group: typer.Typer) -> None:
    """Add the command to the group `finetune`."""
    group.command("generate")(generate)


def generate(
    train: Annotated[Path, typer.Option(help="CSV, TSV or JSONL with a prompt and an answer in each row.")],
    prompt: Annotated[str, typer.Option(help="Column of the prompt.")],
    answer: Annotated[str, typer.Option(help="Column of the answer.")],
    out: Annotated[Path, typer.Option(help="Folder for the decoder; out/hf opens in AutoModelForCausalLM.")],
    test: Test = None,
    decoder: Annotated[
        str, typer.Option(help="new (small, of these rows), a causal checkpoint's folder, or a cached name.")
    ] = "new",
    budget: Budget = "10m",
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Passes, at most (default 10 new, else 3).")] = None,
    learning_rate: LearningRate = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows of a batch (default 32).")] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json_file: JsonFile = None,
) -> None:
    """Teach a decoder to write the answers of TRAIN after their prompts, and say how likely it finds those of TEST."""
    from huaxiang.encoder.generating import Asked, read_dialogue, train_generator
    from huaxiang.encoder.pretraining.decoder import check_free, save_decoder
    from huaxiang.encoder.schedule import Clock

    seconds = seconds_of(budget)
    check_folders(json_file)
    check_free(out)
    clock = Clock(seconds)
    taught = read_dialogue(train, prompt, answer)
    asked = None if test is None else read_dialogue(test, prompt, answer)
    how = Asked(decoder, epochs, learning_rate, batch_size, seed, threads)
    with bar() as progress:
        made = train_generator(taught, asked, how, clock, seconds=seconds, progress=progress)
    save_decoder(made.network, out)
    samples = [{"prompt": each.prompt, "answer": each.continuation} for each in made.samples]
    figures = {**made.figures, "samples": samples, "seconds": round(clock.elapsed, 2)}
    if json_file is not None:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    _say(figures, out)


def _say(figures: dict[str, Any], out: Path) -> None:
    """What was reached, for people."""
    from rich.console import Console

    lines = [
        f"perplexity {figures['perplexity_before']} before, {figures['perplexity']} after {figures['steps']} steps"
    ]
    lines += [f"> {each['prompt'][:80]}\n  {each['answer']}" for each in figures["samples"]]
    lines += [f"note: {note}" for note in figures["notes"]]
    for line in [*lines, f"{out}/hf opens in Transformers' AutoModelForCausalLM"]:
        Console().print(line, markup=False, highlight=False)
