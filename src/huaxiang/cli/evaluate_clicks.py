"""`huaxiang evaluate search` without judgements: by what a shop's own people clicked and bought."""

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huaxiang.cli.figures import say_comparison

if TYPE_CHECKING:
    from huaxiang.apps.search.engine import Search
    from huaxiang.release import Release
    from huaxiang.shop import Shop

_WHENEVER: Final = frozenset({"set_item", "delete_item", "consent", "profile_edit"})
"""Events that count whatever their time: a shop that was imported set its items later than it sold them, and who has
denied training or excluded an event since is not learned from."""


def evaluate_by_clicks(data_dir: Path | None, config: Path | None, out: Path, seconds: float, seed: int) -> None:
    """Hold out the last tenth of the time, train on what was before it in a folder that goes away, judge, print."""
    from rich.console import Console

    from huaxiang.config import load_settings
    from huaxiang.evaluation.clicks_report import evaluate_clicks
    from huaxiang.evaluation.search_clicks import judgements_from_clicks
    from huaxiang.shop import existing_shop

    shop = existing_shop(load_settings(config, data_dir=data_dir))
    try:
        with Console(stderr=True).status("reading clicks") as status, tempfile.TemporaryDirectory() as folder:
            default = shop.portraits.config.consent_default
            judgements = judgements_from_clicks(shop.store, consent_default=default)
            status.update(f"training on what was before {judgements.since:%Y-%m-%d %H:%M}")
            release = _trained_before(shop, judgements.since, Path(folder), seconds, seed)
            search = _search_of(shop, release, judgements.since)
            report = evaluate_clicks(
                search, judgements, seed=seed, said=lambda done, whole: status.update(f"list {done:,} of {whole:,}")
            )
    finally:
        shop.close()
    out.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    data = report["data"]
    title = f"{data['n_lists']:,} lists of {data['n_people']:,} people since {data['since'][:16]}"
    say_comparison(title, report, ("ndcg@10",))


def _trained_before(shop: "Shop", moment: datetime, folder: Path, seconds: float, seed: int) -> "Release":
    """A release of the log before a moment, under the shop's settings, in a store of its own."""
    import pyarrow as pa

    from huaxiang.shop import Shop
    from huaxiang.store import EVENT_SCHEMA
    from huaxiang.training import train

    own_store = shop.settings.store.model_copy(update={"url": ""})
    earlier = Shop(shop.settings.model_copy(update={"data_dir": folder, "store": own_store}))
    try:
        # what is there already is a duplicate
        scans = (shop.store.scan(before=moment), shop.store.scan(events=_WHENEVER))
        for scan in scans:
            for batch in scan:
                earlier.store.append(pa.Table.from_batches([batch]).select(EVENT_SCHEMA.names))
        earlier.refresh()
        return train(earlier.portraits, earlier.releases, budget_seconds=seconds, seed=seed)
    finally:
        earlier.close()


def _search_of(shop: "Shop", release: "Release", since: datetime) -> "Search":
    """The shop's search by that release, with queries read before the moment."""
    from huaxiang.apps.search.engine import Search
    from huaxiang.apps.search.learned import Learned
    from huaxiang.apps.search.weights import FOLDER, load_weights
    from huaxiang.pipeline import Pipeline

    pipeline = Pipeline.open(release, shop.portraits)
    default = shop.portraits.config.consent_default
    learned = Learned(shop.store, shop.catalogue, consent_default=default, before=since)
    search = Search(shop.portraits, lambda: pipeline, learned)
    search.use(load_weights(release.path / FOLDER))
    return search
