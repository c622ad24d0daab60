"""A shop of three items, a shopper's afternoon, and the profile that comes of it."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from huaxiang import Shop, load_settings

ITEMS = {
    "pot": {"name": "Clay teapot 紫砂壶", "brand": "Yixing", "category": ["Ware", "Pots"], "price": 80.0},
    "sencha": {"name": "Sencha green tea", "brand": "Uji", "category": ["Tea", "Green"], "price": 12.0},
    "tyre": {"name": "Winter tyre", "brand": "Acme", "category": ["Cars"], "price": 99.0},
}
AFTERNOON: list[dict[str, object]] = [
    {"event": "search", "query": "clay teapot"},
    {"event": "view_item", "item_id": "pot"},
    {"event": "add_to_cart", "item_id": "pot"},
    {"event": "view_item", "item_id": "sencha"},
    {"event": "review", "item_id": "sencha", "rating": 5, "text": "Wonderful tea, thank you."},
]


def main() -> None:
    """Take the events in and print what is known of the shopper."""
    with TemporaryDirectory() as folder:
        shop = Shop(load_settings(data_dir=Path(folder)))
        day = "2026-03-01T"
        shop.intake.take(
            [
                {"event": "set_item", "item_id": item, "timestamp": day + "08:00:00Z", "properties": said}
                for item, said in ITEMS.items()
            ]
        )
        taken = shop.intake.take(
            [
                {"user_id": "ann", "timestamp": f"{day}14:{minute:02}:00Z", **said}
                for minute, said in enumerate(AFTERNOON)
            ]
        )
        print(f"{taken.accepted} events taken in, {len(taken.rejected)} refused")
        profile = shop.portraits.profile("ann", now=datetime(2026, 3, 1, 18, tzinfo=UTC))
        print(profile.summary)
        for facet in profile.interests[:4]:
            print(f"  {facet.facet}: {facet.value}  {facet.score:.0%}, {len(facet.evidence)} events behind it")
        print(f"  mood: {profile.mood['label']}")
        shop.close()


if __name__ == "__main__":
    main()
