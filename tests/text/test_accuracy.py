"""How often the polarity of a labelled review is right: on public data where it is there, on a small file elsewhere."""

import os
from pathlib import Path

import pytest

from benchmarks.sentiment import halves, labelled_csv, main

PLEASED = ["很满意", "质量很好", "非常喜欢", "物流很快，好评", "好吃不贵", "穿着舒服"]
ANGRY = ["太差了", "质量很差", "垃圾", "坏了，要退货", "难吃又贵", "不满意"]


def write_reviews(path: Path) -> Path:
    rows = [f"1,{text}" for text in PLEASED] + [f"0,{text}" for text in ANGRY] + ["1,很满意"]
    path.write_text("label,review\n" + "\n".join(f'{row[:2]}"{row[2:]}"' for row in rows), encoding="utf-8")
    return path


def test_twelve_plain_reviews_are_all_read_right(tmp_path: Path) -> None:
    rows = main(["--data", str(tmp_path), "--chinese", str(write_reviews(tmp_path / "reviews.csv"))])
    ours = next(row for row in rows if row.system == "huaxiang")
    assert (ours.n, ours.accuracy) == (6, 1.0)


def test_the_halves_share_no_text_and_hold_both_labels_alike(tmp_path: Path) -> None:
    path = write_reviews(tmp_path / "reviews.csv")
    first, second = halves(labelled_csv(path, "review", "label"), 7)
    assert {text for text, _ in first}.isdisjoint({text for text, _ in second})
    assert sum(label for _, label in first) == sum(label for _, label in second) == 3


@pytest.mark.data
def test_public_reviews_are_read_well_above_chance() -> None:
    root = Path(os.environ.get("HUAXIANG_DATA", Path(__file__).parents[2] / "../shared/data"))
    path = root / "cn_reviews/online_shopping_8_cats.csv.gz"
    if not path.is_file():
        pytest.skip(f"no {path}; set HUAXIANG_DATA to the folder of the public data sets")
    from huaxiang.text.sentiment import sentiment

    _, test = halves(labelled_csv(path, "review", "label"), 20261123)
    sample = test[::20]
    right = sum((sentiment(text).polarity or 0.0) * (1 if label else -1) > 0 for text, label in sample)
    assert right / len(sample) > 0.85
