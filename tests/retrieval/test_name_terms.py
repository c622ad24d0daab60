"""Names kept as numbers say what their terms say."""

from hypothesis import example, given
from hypothesis import strategies as st

from huaxiang.retrieval.name_terms import NameTerms

TERMS = st.sampled_from(["red", "wool", "dress", "pot", "茶"])


@example([["red", "茶"]], {"red": 4.0, "wool": 4.0, "茶": 2.0}, "red")  # .4 + .2 is not .6
@given(st.lists(st.lists(TERMS, max_size=5), max_size=6), st.dictionaries(TERMS, st.floats(0.1, 9.0)), TERMS)
def test_shares_and_ends_are_those_of_the_terms(names: list[list[str]], wanted: dict[str, float], last: str) -> None:
    kept = NameTerms()
    for terms in names:
        kept.add(terms)
        if not len(terms) % 2:
            kept.settle()
    kept.settle()
    shares, ends = kept.matches([*range(len(names)), -1], wanted, last)
    whole = sum(wanted.values())
    for at, terms in enumerate(names):
        has = sum(weight for term, weight in wanted.items() if term in terms)
        assert shares[at] == (has / whole if whole else 0.0)
        assert ends[at] == (bool(whole) and bool(terms) and terms[-1] == last)
    assert (shares[-1], ends[-1]) == (0.0, False)
