"""A small trained shop for tests of serving: 60 goods of 4 kinds in two languages, 40 shoppers, a real release.

Only the encoder is not trained: it is a bag of words in a real ONNX graph, so that cosines are shared words and the
whole shop takes about a second to build. Everything else is what `huaxiang train` does.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from huaxiang.config import Settings, load_settings
from huaxiang.encoder.serving import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE, OnnxEncoder, ServingConfig
from huaxiang.pipeline import PARTS, save_pipeline
from huaxiang.release import Release
from huaxiang.retrieval.kinds import ALWAYS, fit_retrievers
from huaxiang.retrieval.log import read_log, to_interactions
from huaxiang.shop import Shop
from huaxiang.text.keywords import Keywords
from huaxiang.text.wording import item_text

KINDS: dict[str, tuple[str, str, str]] = {
    "tea": ("green tea leaves", "绿茶茶叶", "Uji"),
    "boot": ("hiking boots leather", "登山皮靴", "Alpina"),
    "lamp": ("desk lamp brass", "黄铜台灯", "Lumen"),
    "book": ("cooking recipes book", "烹饪菜谱图书", "Folio"),
}
"""The kinds of goods, each with an English and a Chinese title and its brand."""

N_EACH, N_SHOPPERS, N_VISITS = 15, 40, 8
WEIGHTS = {"transitions": 1.0, "content": 0.5, "profile": 0.5, "popular": 0.1}
_D = 64


def goods() -> list[dict[str, Any]]:
    """`set_item` payloads without a time: `tea-00` to `book-14`, every second one in Chinese, prices 10 to 24."""
    return [
        {
            "event": "set_item",
            "event_id": f"set-{kind}-{n:02d}",
            "item_id": f"{kind}-{n:02d}",
            "properties": {
                "name": f"{chinese if n % 2 else english} {n}",
                "brand": brand,
                "category": ["Shop", kind.capitalize()],
                "price": 10.0 + n,
                "currency": "EUR",
                "attributes": {"size": ["S", "M", "L"][n % 3]},
            },
        }
        for kind, (english, chinese, brand) in KINDS.items()
        for n in range(N_EACH)
    ]


def visits(until: datetime) -> list[dict[str, Any]]:
    """Payloads of 30 days up to `until`: shopper `u00` wants tea, `u01` boots, `u02` lamps, `u03` books, and so on.

    Every visit is a look at one good of the kind, the next one a visit later; the fifth is bought by every shopper.
    """
    start = until - timedelta(days=30)
    made = []
    for shopper in range(N_SHOPPERS):
        kind = list(KINDS)[shopper % len(KINDS)]
        for visit in range(N_VISITS):
            said = {
                "event": "purchase" if visit == 4 else "view_item",
                "event_id": f"u{shopper:02d}-{visit}",
                "user_id": f"u{shopper:02d}",
                "item_id": f"{kind}-{(shopper + visit) % N_EACH:02d}",
                "session_id": f"s{shopper}-{visit}",
                "timestamp": (start + timedelta(days=3 * visit, minutes=shopper)).isoformat(),
            }
            made.append(said | ({"value": 12.0, "currency": "EUR"} if visit == 4 else {}))
    return made


def settings_of(folder: Path, *overrides: str) -> Settings:
    """Settings over a data directory; `overrides` as on the command line."""
    return load_settings(None, overrides, data_dir=folder)


def stock(folder: Path, *, until: datetime | None = None) -> None:
    """Fill a data directory with the goods and the visits, through the intake; no release yet."""
    end = until or datetime.now(UTC)
    shop = Shop(settings_of(folder))
    opening = (end - timedelta(days=31)).isoformat()
    taken = shop.intake.take([good | {"timestamp": opening} for good in goods()] + visits(end))
    assert not taken.rejected, taken.rejected
    shop.close()


def make_release(folder: Path) -> Release:
    """Make a release of what the data directory holds, as training does but for the encoder, and put it in use."""
    shop = Shop(settings_of(folder))
    items = sorted(shop.catalogue, key=lambda item: item.item_id)
    item_ids, texts = [item.item_id for item in items], [item_text(item) for item in items]
    rows = read_log(shop.store).interactions
    with shop.releases.draft() as draft:
        Keywords().fit(texts).save(draft.part(PARTS.keywords))
        write_encoder(draft.part(PARTS.encoder), texts)
        vectors_MD = OnnxEncoder.load(draft.path / PARTS.encoder).encode(texts)
        retrievers = fit_retrievers(to_interactions(rows, item_ids), ALWAYS)
        save_pipeline(draft, item_ids, vectors_MD, retrievers, WEIGHTS, frozenset())
        draft.about |= {"seq": shop.catalogue.seq, "n_items": len(items), "n_interactions": len(rows)}
    release = shop.releases.use(draft.id)
    shop.close()
    return release


def write_encoder(folder: Path, texts: Sequence[str], *, seed: int = 0) -> None:
    """A bag-of-words encoder over the words of `texts`, as `OnnxEncoder.load` opens it."""
    normalizer, cutter = BertNormalizer(lowercase=True), BertPreTokenizer()
    words = {word for text in texts for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))}
    vocabulary = {word: at for at, word in enumerate(["[PAD]", "[UNK]", *sorted(words)])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cutter
    tokenizer.save(str(folder / TOKENIZER_FILE))
    table_VD = np.random.default_rng(seed).normal(size=(len(vocabulary), _D)).astype(np.float32)
    _write_graph(folder / MODEL_FILE, table_VD)
    config = ServingConfig(d=_D, max_tokens=64, pad_id=0, name="bag of words", fingerprint=f"bag-{seed}")
    (folder / CONFIG_FILE).write_text(json.dumps(asdict(config)), encoding="utf-8")


def _write_graph(path: Path, table_VD: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Sum of the words' rows, scaled to length 1."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "words"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["vectors"], axis=1, p=2),
    ]
    shape = ["texts", "words"]
    graph = helper.make_graph(
        nodes,
        "bag",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", table_VD.shape[1]])],
        [
            numpy_helper.from_array(table_VD, "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "words"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def build_shop(folder: Path) -> Path:
    """A data directory with goods, visits and a release."""
    stock(folder)
    make_release(folder)
    return folder


def copy_shop(built: Path, folder: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(built, folder))
