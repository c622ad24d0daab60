"""What a query does not want: "not nike", "without leather or suede", "-nike", "不要耐克的", "除了皮革以外"."""

import re
from typing import Final

from huaxiang.text.segment import HAN, normalise

_WORD: Final = rf"[^\s,，、.{HAN}]+"
_ENGLISH: Final = re.compile(
    rf"(?<![\w-])(?:but\s+)?(?:not|without|except(?:\s+for)?|excluding|exclude)\s+(?:any\s+|an?\s+|the\s+|from\s+|by\s+)?"
    rf"({_WORD}(?:(?:\s*,\s*|\s+(?:n?or)\s+){_WORD})*)"
)
_DASH: Final = re.compile(rf"(?:^|(?<=\s))-((?=\w){_WORD})")
_CHINESE: Final = re.compile(
    rf"(?:不要|不想要|别要|不含|不带|除了|除去|排除)\s*([{HAN}\w+&.'-]+?)(?:之外|以外|外)?(?=的|[\s,，、。]|$)的?"
)
_OR: Final = re.compile(r"\s*,\s*|\s+n?or\s+|[和或与]")


def read_negations(query: str) -> tuple[str, tuple[str, ...]]:
    """A query without what it does not want, and what that is, each a word or a few.

    Of English one word after each "not" is taken, and more after "or"; of Chinese what stands before 的, a blank or the
    end. Where nothing else is said ("not nike") the query stays as it is: there is nothing to search for.
    """
    rest, unwanted = normalise(query), list[str]()
    for pattern in (_ENGLISH, _DASH, _CHINESE):
        for found in pattern.finditer(rest):
            unwanted += [word.strip() for word in _OR.split(found[1]) if word.strip()]
        rest = pattern.sub(" ", rest)
    rest = " ".join(rest.split())
    if not any(character.isalnum() for character in rest):
        return normalise(query), ()
    return rest, tuple(dict.fromkeys(unwanted))
