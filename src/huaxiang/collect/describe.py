"""The figures of a whole store, and how a terminal shows them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from huaxiang.collect.catalogue import Catalogue
from huaxiang.collect.tally import COLUMNS, Tally
from huaxiang.store import Store

_BAR = 24


def describe(store: Store) -> Tally:
    """Count every event of a store, in batches."""
    tally = Tally()
    for batch in store.scan(columns=COLUMNS):
        tally.add_table(batch)
    catalogue = Catalogue(store)
    tally.names = {item_id: item.name for item_id, _ in tally.top() if (item := catalogue.get(item_id)) is not None}
    return tally


def shown(figures: Mapping[str, Any]) -> Group:
    """The figures of `Tally.to_json` as tables with small bars."""
    density = figures["density"]
    plain = Table.grid(padding=(0, 2))
    plain.add_row("events", f"{figures['events']:,}")
    plain.add_row("from", str(figures["first"] or "-"))
    plain.add_row("to", str(figures["last"] or "-"))
    plain.add_row("users", f"{figures['users']:,} and {figures['anonymous']:,} anonymous")
    plain.add_row("sessions", f"{figures['sessions']:,}")
    plain.add_row("items", f"{figures['items']:,} in events, {figures['described_items']:,} described")
    plain.add_row("unknown items", f"{figures['unknown_items']:,} named by events and described nowhere")
    plain.add_row("density", "-" if density is None else f"{density:.4%} of user-item pairs have an event")
    parts: list[Any] = [plain]
    if figures["by_event"]:
        parts += [Text(), bars("events by kind", figures["by_event"])]
    if figures["top_items"]:
        parts += [Text(), bars("items most seen", {_label(row): row["events"] for row in figures["top_items"]})]
    if figures["languages"]:
        parts += [Text(), bars("languages of texts", figures["languages"])]
    if figures["missing"]:
        parts += [Text(), bars("missing fields", figures["missing"])]
    return Group(*parts)


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['item_id']}  {row['name']}" if row["name"] else str(row["item_id"])


def bars(title: str, counts: Mapping[str, int]) -> Table:
    """Counts with a bar each, the longest for the largest."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    most = max(counts.values(), default=0) or 1
    for name, n in counts.items():
        table.add_row(
            Text(name[:60]), Text(f"{n:,}", justify="right"), Text("█" * max(1, round(_BAR * n / most)), "cyan")
        )
    return table
