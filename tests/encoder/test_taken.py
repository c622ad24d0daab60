"""What people took after what: pairs of a file and of a log."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from huaxiang.encoder.taken import MAX_BEFORE, Pair, Taken, read_taken

words = st.sampled_from(["tea", "pot", "cup", "mug", " ", ""])


def test_the_rows_of_a_person_are_the_history_of_the_rows_after_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "query,item,who\ngreen,tea,ann\nhot,pot,ann\nhot,pot,bob\n,cup,ann\nmug,mug,ann\n", encoding="utf-8"
    )
    taken = read_taken(path, "query", "item", "who")
    assert [[taken.items[at] for at in row] for row in taken.before] == [[], ["tea"], [], ["pot", "tea"]]
    assert all(not row for row in read_taken(path, "query", "item", None).before)


@given(st.lists(st.tuples(words, words, st.lists(words, max_size=15))))
def test_every_index_points_to_an_item_and_no_history_names_one_twice(rows: list[tuple[str, str, list[str]]]) -> None:
    taken = Taken.of(Pair(query, item, "", tuple(before)) for query, item, before in rows)
    assert len(set(taken.items)) == len(taken.items)
    kept = [row for row in rows if row[0].strip() and row[1].strip()]
    assert [(taken.queries[i], taken.items[at]) for i, at in enumerate(taken.positive)] == [row[:2] for row in kept]
    for (_, _, said), found in zip(kept, taken.before, strict=True):
        shown = [text for text in dict.fromkeys(said) if text.strip()]
        assert [taken.items[at] for at in found] == shown[:MAX_BEFORE]
