"""`huaxiang label`: asks for the labels that teach most, and learns from them while it asks."""

import json
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from huaxiang.cli.figures import check_folders
from huaxiang.errors import DataError

if TYPE_CHECKING:
    from huaxiang.encoder.label_file import LabelFile
    from huaxiang.encoder.labelling import Labelling

_MOST: Final = 5_000
"""Texts that are chosen among, evenly spread: an encoder reads them in a few seconds, a round takes one."""
_SHOWN: Final = 1_000
SKIP, UNDO, QUIT = "s", "u", "q"

Answer = Callable[[str, str], str]
"""Given a text and the guess at its label, a label's number from 1, or `s`, `u`, `q`."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("label")(label)


def label(
    file: Annotated[Path, typer.Argument(help="Texts: CSV, TSV, JSONL or plain lines; plain or gzip.")],
    labels: Annotated[
        str,
        typer.Option(help="a,b,c or 'a=what it means;b=...', or a file with such lines; the name or meaning helps."),
    ],
    text: Annotated[str | None, typer.Option("--text", help="Column of the text.")] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Labels to ask for, those of earlier sessions included.")] = 50,
    out: Annotated[Path, typer.Option(help="Written after each answer, and gone on with.")] = Path("labels.csv"),
    encoder: Annotated[str, typer.Option(help="auto, use, e5-small, minilm, a folder, a cached name.")] = "auto",
    oracle: Annotated[str | None, typer.Option(help="Column with the answers: nobody is asked.")] = None,
    guesses: Annotated[Path | None, typer.Option(help="CSV of all texts with the learned label of each.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed and answers, same questions.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Ask for the N labels that teach most, and say how well the other texts are told by them.

    Each text is shown with a guess. Keys: the number of a label, s to skip, u to undo, q to stop; the next call with
    the same --out goes on. After every ten answers what is asked next is chosen anew.
    """
    from huaxiang.encoder.label_file import LabelFile
    from huaxiang.encoder.zero_shot import labels_of

    check_folders(out, guesses, json_file)
    named = labels_of(labels)
    pool = _pool(file, text, oracle, list(named))
    kept = LabelFile.open(out, list(named))
    session = _open(pool, kept, named, encoder, seed)
    ask = _terminal(list(named)) if oracle is None else _from(pool, list(named))
    _run(session, ask, n)
    figures = _figures(session, pool, out)
    if guesses is not None:
        _write_guesses(guesses, session)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Pool:
    """The texts that are chosen among, and the right answers where a column gives them."""

    texts: Sequence[str]
    right: Sequence[str] | None
    n_rows: int


@dataclass(slots=True)
class _Session:
    """One sitting: what is asked about, and what was answered."""

    pool: _Pool
    labels: Sequence[str]
    labelling: "Labelling"
    file: "LabelFile"

    @property
    def answers(self) -> dict[int, int]:
        """Place of a text to place of its label."""
        place = {text: at for at, text in enumerate(self.pool.texts)}
        index = {name: at for at, name in enumerate(self.labels)}
        return {place[text]: index[said] for text, said in self.file.answers.items() if said and text in place}

    @property
    def skipped(self) -> list[int]:
        """Places of the texts that nobody is asked about again."""
        gone = {text for text, said in self.file.answers.items() if not said}
        return [at for at, text in enumerate(self.pool.texts) if text in gone]


def _pool(file: Path, text: str | None, oracle: str | None, labels: Sequence[str]) -> _Pool:
    from huaxiang.encoder.labelling import distinct
    from huaxiang.encoder.texts import read_texts

    texts = list(read_texts(file, text, keep_blank=True))
    right = None if oracle is None else list(read_texts(file, oracle, keep_blank=True))
    places = distinct(texts, _MOST)
    if right is not None:
        places = [at for at in places if right[at].strip()]
        if unknown := sorted({right[at].strip() for at in places} - set(labels)):
            raise DataError(f"column {oracle!r} has labels that --labels does not name: {', '.join(unknown[:12])}")
    if not places:
        raise DataError(f"{file} has no text to label")
    answers = None if right is None else [right[at].strip() for at in places]
    # half a surrogate pair, as broken JSON escapes give, is no text that a file could hold
    return _Pool([texts[at].encode("utf-8", "replace").decode("utf-8") for at in places], answers, len(texts))


def _open(pool: _Pool, kept: "LabelFile", named: Mapping[str, Sequence[str]], encoder: str, seed: int) -> _Session:
    from huaxiang.encoder.labelling import Labelling
    from huaxiang.encoder.opening import open_encoder
    from huaxiang.encoder.zero_shot import ZeroShot

    opened = open_encoder(encoder, pool.texts)
    typer.echo(f"{len(pool.texts):,} of {pool.n_rows:,} texts to choose among; encoder: {opened.why}")
    vectors_ND = opened.encoder.encode(list(pool.texts))
    described = {name: texts for name, texts in named.items() if texts}
    names_CD = ZeroShot(opened.encoder, list(named), described).label_vectors
    session = _Session(pool, list(named), Labelling(vectors_ND, names_CD, seed=seed), kept)
    if kept.answers:
        elsewhere = len(kept.answers) - len(session.answers) - len(session.skipped)
        typer.echo(f"going on after {len(session.answers)} labels and {len(session.skipped)} skipped in {kept.path}")
        if elsewhere:
            typer.echo(f"{elsewhere} texts in it are not among those of the file: kept, and not learned from")
    return session


def _run(session: _Session, ask: Answer, n: int) -> None:
    """Ask until there are `n` labels, nothing is left, or somebody stops."""
    from huaxiang.encoder.labelling import ROUND

    while (missing := n - len(session.answers)) > 0:
        answers, skipped = session.answers, session.skipped
        to_round = ROUND - (len(answers) + len(skipped)) % ROUND
        chosen = session.labelling.next_texts(answers, skipped, min(missing, to_round))
        if not chosen:
            return
        guessed = session.labelling.probabilities(answers)[chosen].argmax(axis=1)
        guesses = [session.labels[at] for at in guessed]
        if not _ask_round(session, ask, list(zip([session.pool.texts[at] for at in chosen], guesses, strict=True))):
            return


def _ask_round(session: _Session, ask: Answer, questions: Sequence[tuple[str, str]]) -> bool:
    """Ask one question after the other; what is undone is asked again at once. False where somebody stops."""
    waiting = list(reversed(questions))
    while waiting:
        text, guess = waiting.pop()
        said = ask(text, guess)
        if said == QUIT:
            return False
        if said == UNDO:
            waiting.append((text, guess))
            if (back := session.file.undo()) is None:
                typer.echo("  nothing to undo")
            else:
                waiting.append(back)  # its guess is what was said before
        else:
            session.file.add(text, "" if said == SKIP else session.labels[int(said) - 1])
    return True


def _from(pool: _Pool, labels: Sequence[str]) -> Answer:
    """The answers of a column."""
    assert pool.right is not None
    number = {text: str(labels.index(said) + 1) for text, said in zip(pool.texts, pool.right, strict=True)}
    return lambda text, _guess: number[text]


def _terminal(labels: Sequence[str]) -> Answer:
    """Ask at the terminal: one key where there are at most nine labels, else a number and Enter; lines from a pipe."""
    by_key = len(labels) < 10 and sys.stdin.isatty()
    keys = "  ".join(f"{at} {name}" for at, name in enumerate(labels, 1))

    def ask(text: str, guess: str) -> str:
        typer.echo(f"\n{_printable(text)[:_SHOWN]}\n  guess: {guess}\n  {keys}  |  s skip  u undo  q stop")
        while True:
            said = typer.getchar() if by_key else sys.stdin.readline()
            if not said or said in "\x03\x04":
                return QUIT
            said = said.strip().lower()
            if said in {SKIP, UNDO, QUIT} or (said.isdecimal() and said.isascii() and 1 <= int(said) <= len(labels)):
                typer.echo(f"  {labels[int(said) - 1] if said.isdecimal() else said}")
                return said
            typer.echo(f"  {_printable(said)!r} is none of 1 to {len(labels)}, s, u, q")

    return ask


def _printable(text: str) -> str:
    """Without what would move the cursor of a terminal."""
    return "".join(" " if unicodedata.category(letter) in {"Cc", "Cf", "Cs"} else letter for letter in text)


def _figures(session: _Session, pool: _Pool, out: Path) -> dict[str, Any]:
    """Say what was reached, and answer with the same."""
    answers = session.answers
    found: dict[str, Any] = {"labels": len(answers), "skipped": len(session.skipped), "texts": len(pool.texts)}
    said = session.labelling.estimate(answers)
    known = said.accuracy == said.accuracy  # NaN where there is too little to tell
    found |= {"estimate": said.accuracy if known else None, "low": said.low if known else None}
    found["high"] = said.high if known else None
    typer.echo(f"\n{len(answers)} labels, {len(session.skipped)} skipped: {out}")
    if known:
        between = f"[{said.low:.1%}, {said.high:.1%}]"
        typer.echo(f"of the other texts about {said.accuracy:.1%} are told right {between}, estimated, rather low")
    else:
        typer.echo("too few answers to estimate how many of the other texts are told right")
    if pool.right is not None and len(answers) < len(pool.texts):
        guessed = session.labelling.probabilities(answers).argmax(axis=1)
        hits = [session.labels[guessed[at]] == pool.right[at] for at in range(len(pool.texts)) if at not in answers]
        found["accuracy"] = sum(hits) / len(hits)
        typer.echo(f"by the column of answers {found['accuracy']:.1%} of them are")
    return found


def _write_guesses(path: Path, session: _Session) -> None:
    """Each text that was chosen among, its label (given or learned), and how sure the learned one is."""
    import csv

    answers = session.answers
    found_NC = session.labelling.probabilities(answers)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label", "probability", "given"])
        for at, (text, row) in enumerate(zip(session.pool.texts, found_NC, strict=True)):
            best = answers.get(at, int(row.argmax()))
            writer.writerow([text, session.labels[best], f"{row[best]:.4f}", int(at in answers)])
