"""Every figure that this project promises, measured one after another: `make bench`, or `python -m benchmarks`.

python -m benchmarks [--only sequences ingest classify ...] [--data-dir DIR] [--json FILE]

Ends with one table of figure, target and how much of it was reached; status 1 where one is missed. What needs the
public data is skipped, with a line that says so, where HUAXIANG_DATA (default ../shared/data) does not hold it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import classify, sequences, text_only
from benchmarks.machine import ROOT, Figure, commit, load, machine, table

Figures = list[Figure]


def data_root() -> Path:
    """Where the public data sets are."""
    return Path(os.environ.get("HUAXIANG_DATA", ROOT / "../shared/data")).resolve()


def run(module: str, *options: str) -> Any:
    """Run a benchmark as a user would; what it wrote with `--json`. A missed target is judged here, not there."""
    with tempfile.TemporaryDirectory(prefix="huaxiang-bench-") as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{module}", *options, "--json", str(out)]
        ended = subprocess.run(command, cwd=ROOT, check=False)
        if not out.exists():
            raise RuntimeError(f"benchmarks.{module} ended with status {ended.returncode} and wrote no figures")
        return json.loads(out.read_text("utf-8"))


def of_sequences(_: argparse.Namespace) -> Figures:
    """Next-item prediction on Beauty within three minutes, and the memory it takes."""
    folder = data_root() / "amazon2014_seq" / "Beauty"
    if not folder.is_dir():
        print("skipped: sequences needs amazon2014_seq/Beauty under HUAXIANG_DATA")
        return []
    report = sequences.measure(folder)
    ours = next(row for row in report["models"] if row["model"] == "huaxiang")
    peak = max(row["peak_mb"] for row in report["models"])
    return [
        Figure(f"ndcg@10 on Beauty, --budget {sequences.BUDGET}", ours["ndcg@10"], "", sequences.FLOOR, True, load()),
        Figure("peak memory of the same", peak, "MB", sequences.MEMORY_MB, False, load()),
    ]


def of_ingest(_: argparse.Namespace) -> Figures:
    """Checked events through `store.append`, beside sqlite3 in the same run."""
    said = run("ingest")
    return [
        Figure("store.append, of sqlite3.executemany", said["append_events_of_raw"], "", 0.40, True, load()),
        Figure("store.append of one table, of the same", said["append_table_of_raw_one_batch"], "", None, True, load()),
        Figure("history of one user, p50", said["history_p50_ms"], "ms", None, False, load()),
    ]


def of_import(_: argparse.Namespace) -> Figures:
    """Files, beside sqlite3 in the same run. Reviews are shown and not judged: their texts are read and their nested
    fields checked one by one, which the raw table pays nothing for."""
    figures = []
    for name, row in run("import_files")["files"].items():
        reads = row["texts_read_per_second"] is not None
        ratio = row["of_raw_without_reading"] if reads else row["of_raw"]
        what = f"import of {name}{', reading of texts apart' if reads else ''}, of sqlite3"
        figures.append(Figure(what, ratio, "", None if reads else 0.60, True, load()))
    return figures


def figures_of(module: str, *options: str) -> Figures:
    """Those of a benchmark that judges its own."""
    names = ("name", "value", "unit", "target", "is_at_least", "load")
    return [Figure(**{name: row[name] for name in names}) for row in run(module, *options)["figures"]]


def of_http(asked: argparse.Namespace) -> Figures:
    """The service over loopback."""
    return figures_of("http", *(("--data-dir", str(asked.data_dir)) if asked.data_dir else ()))


def of_profiles(asked: argparse.Namespace) -> Figures:
    """Folding, a profile that nothing is kept of, and the time from an event to a changed answer."""
    return figures_of("profiles", *(("--data-dir", str(asked.data_dir)) if asked.data_dir else ()))


def of_search(_: argparse.Namespace) -> Figures:
    """Search at 100,000 items; suggestions; slips of a finger that lead to the same page."""
    if not (data_root() / "home_depot_relevance").is_dir():
        print("skipped: search needs home_depot_relevance under HUAXIANG_DATA")
        return []
    return [*figures_of("search_speed"), *figures_of("suggest"), *figures_of("search_typos")]


def of_erasure(_: argparse.Namespace) -> Figures:
    """One person of 1,000 events out of a million."""
    said = run("erasure")
    return [Figure("erasure of 1,000 events of 1 M", said["seconds"], "s", said["limit_seconds"], False, load())]


def of_sentiment(_: argparse.Namespace) -> Figures:
    """Polarity of reviews on the public labelled sets; no target is set, VADER stands beside it."""
    rows = run("sentiment")["rows"]
    if not rows:
        print("skipped: sentiment needs cn_reviews, datafiniti_amazon_reviews or vader_sentences under HUAXIANG_DATA")
    shown = [row for row in rows if row["system"] in {"huaxiang", "vader"}]
    return [
        Figure(f"{row['data']}, {row['system']}", round(row["accuracy"], 4), "accuracy", load=load()) for row in shown
    ]


def of_aspects(_: argparse.Namespace) -> Figures:
    """A trained head's accuracy beside VADER and SnowNLP, where those were not trained on the set."""
    rows = run("aspects", "--data", str(data_root()))["rows"]
    if not rows:
        print("skipped: aspects needs cn_reviews, datafiniti_amazon_reviews or asap_sample under HUAXIANG_DATA")
    peers = {
        row["data"]: row["value"]
        for row in rows
        if row["system"] in {"vader", "snownlp"} and row["table"] == "polarity"
    }
    heads = [row for row in rows if row["table"] == "polarity" and row["system"].startswith("trained head")]
    return [
        Figure(f"{row['data']}, trained head", round(row["value"], 4), "accuracy", peers.get(row["data"]), True, load())
        for row in heads
    ]


def of_labelling(_: argparse.Namespace) -> Figures:
    """What fifty chosen answers teach; the target is what as many random ones do."""
    rows = run("labelling", "--data", str(data_root()))["rows"]
    if not rows:
        print("skipped: labelling needs cn_reviews or banking77 under HUAXIANG_DATA")
    at_random = {row["data"]: row["accuracy"] for row in rows if row["chosen"] == "random"}
    return [
        Figure(
            f"{row['data']}, 50 chosen labels",
            round(row["accuracy"], 4),
            "accuracy",
            at_random[row["data"]],
            True,
            load(),
        )
        for row in rows
        if row["chosen"] == "chosen"
    ]


def of_classify(_: argparse.Namespace) -> Figures:
    """Classifiers on public labelled sets, beside TF-IDF + LR and a frozen encoder in the same run."""
    return classify.judged(run("classify")["rows"])


def of_titles(_: argparse.Namespace) -> Figures:
    """Brands and product types in titles, beside a dictionary and a CRF."""
    return [Figure(**row) for row in run("titles")["figures"]]


def of_encode(_: argparse.Namespace) -> Figures:
    """Texts to vectors, beside sentence-transformers and a tokenizer alone."""
    return [
        Figure(f"{row['texts']}, {row['way']}, of {row['of']}", round(row["ratio"], 2), "", row["target"], load=load())
        for row in run("encode")["rows"]
        if row["of"] != row["way"]
    ]


def of_efficient(_: argparse.Namespace) -> Figures:
    """Methods that train few weights: quality is shown, the table has memory and time."""
    means = {f"{row['data']}, {row['method']}": sum(row["test"]) / len(row["test"]) for row in run("efficient")["rows"]}
    return [Figure(name, round(mean, 4), "accuracy", load=load()) for name, mean in means.items()]


def of_text_only(_: argparse.Namespace) -> Figures:
    """Recommendation by text alone: what learning from purchases adds to an encoder as it came."""
    gains = [row["gain"] for row in run("text_only")["rows"] if row["row"] == "contrast"]
    mean = round(sum(gains) / max(len(gains), 1), 4)
    return [Figure("gain in ndcg@10 by text alone", mean, "", text_only.TARGET, load=load())] if gains else []


ALL: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "ingest": of_ingest,
    "import": of_import,
    "http": of_http,
    "profiles": of_profiles,
    "erasure": of_erasure,
    "search": of_search,
    "sequences": of_sequences,
    "sentiment": of_sentiment,
    "aspects": of_aspects,
    "labelling": of_labelling,
    "encode": of_encode,
    "titles": of_titles,
    "text-only": of_text_only,
    "efficient": of_efficient,
    "classify": of_classify,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(ALL), default=list(ALL))
    parser.add_argument("--data-dir", type=Path, help="a shop with a release for http; default: build the demo shop")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    figures: Figures = []
    for name in asked.only:
        print(f"\n== {name}", flush=True)
        figures += ALL[name](asked)
    print(f"\nmachine {machine()}, commit {commit()}")
    print(table(figures))
    if asked.json:
        rows = [asdict(figure) | {"ratio": figure.ratio, "is_met": figure.is_met} for figure in figures]
        about = {"machine": machine(), "commit": commit(), "figures": rows}
        asked.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    missed = [figure.name for figure in figures if not figure.is_met]
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
