"""`describe --reviews`: aspects, shares of blame, and what they rest on."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """260 rated reviews in slang, every third with a fast delivery."""
    rows = ["review,stars"]
    for n in range(260):
        word, stars = ("zippo", 5) if n % 2 else ("meggo", 1)
        more = (". fast delivery" if n % 3 == 0 else "") + ("; poor quality" if n == 0 else "")
        rows.append(f"{word} thing number{n}{more},{stars}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(rows))
    return path


def test_a_file_with_ratings_teaches_polarity(run: Run, reviews: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ("--reviews", "--column", "review", "--rating", "stars", "--encoder", "none", "--json", out)
    said = run("describe", reviews, *words)
    found = json.loads(out.read_text())
    assert (said.status, found["reviews"], found["read"]) == (0, 260, 260)
    assert found["polarity"].startswith("ngrams on 260 rated reviews")
    assert (found["praise"], found["blame"]) == (pytest.approx(0.5, abs=0.1), pytest.approx(0.5, abs=0.1))
    rows = {row["aspect"]: row for row in found["aspects"]}
    assert (rows["delivery"]["n"], rows["delivery"]["share_negative"]) == (87, 0.0)
    assert (rows["quality"]["n"], rows["quality"]["example"]) == (1, "poor quality")
    assert "fast delivery" in said.out


def test_without_ratings_the_lexicon_judges_and_it_is_said(run: Run, reviews: Path) -> None:
    said = run("describe", reviews, "--reviews", "--column", "review", "--encoder", "none")
    assert said.status == 0
    assert "by lexicon (0 rated texts praise and 0 blame" in " ".join(said.out.split())


def test_the_reviews_of_a_shop_are_described(run: Run, tmp_path: Path) -> None:
    log, shop = tmp_path / "log.jsonl", tmp_path / "shop"
    row = {
        "event": "review",
        "user_id": "ann",
        "item_id": "pot",
        "timestamp": "2026-03-01T00:00:00Z",
        "text": "物流太慢",
    }
    log.write_text(json.dumps(row))
    run("import", log, "--data-dir", shop)
    said = run("describe", "--reviews", "--encoder", "none", "--data-dir", shop)
    assert (said.status, "delivery" in said.out, "100.0%" in said.out) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--column", "review", "--rating", "review"), "which is no rating"),
        (("--column", "nothing"), "has no column 'nothing'"),
        (("--column", "review", "--classifier", "nowhere"), "no folder nowhere"),
    ],
)
def test_a_mistake_is_said(run: Run, reviews: Path, words: tuple[str, ...], said: str) -> None:
    ended = run("describe", reviews, "--reviews", "--encoder", "none", *words)
    assert (ended.status, said in " ".join(ended.err.split())) == (2, True)


def test_a_shop_without_reviews_says_so(run: Run, built: Path) -> None:
    ended = run("describe", "--reviews", "--data-dir", built)
    assert (ended.status, "there is no review with a text" in ended.err) == (2, True)
