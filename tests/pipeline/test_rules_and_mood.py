"""A page under the shop's rules, varied by request, and for somebody in a low mood."""

from datetime import timedelta

from huaxiang.shop import Shop
from tests.pipeline.conftest import NOON
from tests.shops import settings_of

ONE = NOON + timedelta(hours=1)


def ruled(shop: Shop, *overrides: str) -> Shop:
    """The same shop under rules of its own."""
    return Shop(settings_of(shop.settings.data_dir, *overrides))


def test_a_pinned_lamp_stands_first_for_a_tea_drinker_and_the_answer_says_so(shop: Shop) -> None:
    with_rules = ruled(shop, 'ranking.pinned=[{"item_id": "lamp-03", "place": 1}]')
    page = with_rules.pipeline.rank(with_rules.portraits.state("u00", before=ONE), now=ONE, k=3)
    assert page.ranked.item_ids[0] == "lamp-03"
    assert all(name.startswith("tea") for name in page.ranked.item_ids[1:])
    assert page.arranged == ("pinned: lamp-03",)
    with_rules.close()


def test_what_is_pinned_but_may_not_be_shown_is_not_shown(shop: Shop) -> None:
    with_rules = ruled(shop, 'ranking.pinned=[{"item_id": "lamp-03", "place": 1}]')
    page = with_rules.pipeline.rank(with_rules.portraits.state("u00", before=ONE), now=ONE, k=3, where={"brand": "Uji"})
    assert "lamp-03" not in page.ranked.item_ids
    assert page.arranged == ()
    with_rules.close()


def test_a_boosted_brand_comes_first_and_who_is_in_a_low_mood_is_left_in_peace(shop: Shop) -> None:
    with_rules = ruled(shop, 'ranking.boosts=[{"where": {"brand": "Lumen"}, "weight": 50}]')
    before = with_rules.pipeline.rank(with_rules.portraits.state("u00", before=ONE), now=ONE, k=3)
    assert all(name.startswith("lamp") for name in before.ranked.item_ids)
    complaint = {"rating": 1.0, "text": "terrible, broken, awful quality, I am very disappointed"}
    said = {"event": "review", "event_id": "angry", "user_id": "u00", "item_id": "tea-00", **complaint}
    with_rules.intake.take([said | {"timestamp": NOON.isoformat()}])
    after = with_rules.pipeline.rank(with_rules.portraits.state("u00", before=ONE), now=ONE, k=3)
    assert all(name.startswith("tea") for name in after.ranked.item_ids)
    assert after.arranged[0].startswith("calm:")
    with_rules.close()


def test_a_page_may_be_varied_by_request(shop: Shop) -> None:
    state = shop.portraits.state("u00", before=ONE)
    alike = shop.pipeline.rank(state, now=ONE, k=6).ranked.item_ids
    varied = shop.pipeline.rank(state, now=ONE, k=6, diversity=0.9)
    assert len({name.split("-")[0] for name in varied.ranked.item_ids}) > len({name.split("-")[0] for name in alike})
    assert varied.arranged == ("diversity: 0.9",)
