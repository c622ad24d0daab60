"""The console's page of search: what is typed, filtered and compared there, as a browser shows it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from huaxiang.apps.search.scoring import FEATURES
from huaxiang.server import console
from tests.server.browsing import Open
from tests.server.running import Running, send, serving
from tests.server.searching import SEARCH, asked, ids, search_for
from tests.shops import copy_shop, settings_of

STATIC = Path(console.__file__).parent / "static"
OFFERS = {
    "suggestions": [
        {"text": "hiking boots", "kind": "query", "highlight": [[0, 2]]},
        {
            "text": "Hike <i>😀</i> kit",
            "kind": "category",
            "highlight": [[0, 2], [8, 9]],
            "scope": {"category": "Shop"},
        },
        {"text": "Alpina", "kind": "brand", "highlight": [], "scope": {"brand": "Alpina"}},
    ],
    "took_ms": 0.1,
}
SHIFTS = """new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true });"""


@pytest.fixture(scope="module")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of these tests alone: the page notes what was seen, as the shopper for whom it searches."""
    with serving(settings_of(copy_shop(built, tmp_path_factory.mktemp("searched") / "shop"))) as running:
        yield running


def offering(page: Page) -> Page:
    """Answer completions with `OFFERS`, whatever is typed."""
    page.route("**/v1/suggest*", lambda route: route.fulfill(json=OFFERS))
    return page


def test_what_is_found_shows_which_words_it_has_and_what_it_is(
    shared: Running, visit: Open, complaints: list[str]
) -> None:
    page = visit(shared, path=SEARCH)
    expect(page.locator("#find")).to_be_focused()
    expect(page.locator("#found")).to_contain_text("What are you looking for?")
    search_for(page, "hiking boot")
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^boot-"))
    first = page.locator(".result").first
    expect(first.locator(".result-name mark")).to_have_text(["hiking", "boots"])
    expect(first.locator(".card-facts")).to_contain_text("Alpina")
    expect(first.locator(".card-facts")).to_contain_text("Shop › Boot")
    expect(first.locator(".price")).to_contain_text("€1")
    expect(first.locator(".parts .part").first).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("words in the name")
    assert asked(page)["q"] == ["hiking boot"]
    assert page.title().startswith("hiking boot")
    assert complaints == []


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Green hiking boots, size 12", ["boot", "hiking"], ["hiking", "boots"]),
        ("Running shoes for runners", ["run"], ["Running", "runners"]),
        ("Battery pack", ["batteries"], ["Battery"]),
        ("Café crème", ["cafe"], ["Café"]),
        ("12 ft. ladder, 112 ft", ["12ft"], ["12 ft"]),
        ("登山皮靴 高帮", ["登山", "皮靴"], ["登山皮靴"]),
        ("car mats", ["cat"], []),
        ("bo(ots", ["("], []),
    ],
)
def test_a_word_is_marked_where_it_has_another_ending(
    shared: Running, visit: Open, text: str, words: list[str], marked: list[str]
) -> None:
    page = visit(shared, path=SEARCH)
    module = page.locator("script[type=module]").get_attribute("src")
    assert module is not None
    found = page.evaluate(
        """async ([module, text, words]) => {
          const { rangesOf } = await import(module);
          return rangesOf(text, words).map(([start, end]) => text.slice(start, end));
        }""",
        [module.replace("search.js", "marking.js"), text, words],
    )
    assert found == marked


@pytest.mark.parametrize("feature", FEATURES)
def test_every_part_of_a_score_has_a_name_a_colour_and_a_place(feature: str) -> None:
    phrases, style, parts = (
        (STATIC / name).read_text("utf-8") for name in ("search_phrases.js", "search.css", "parts.js")
    )
    assert f'"find.part.{feature}"' in phrases
    assert f'[data-part="{feature}"]' in style
    assert f'"{feature}"' in parts


def test_the_box_completes_by_the_keyboard_alone(shared: Running, visit: Open, complaints: list[str]) -> None:
    page = offering(visit(shared, path=SEARCH))
    box = page.get_by_role("combobox", name="Search the shop")
    box.press_sequentially("hi")
    expect(page.get_by_role("option")).to_have_count(3)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("option").first.locator("mark")).to_have_text("hi")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", second.get_attribute("id") or "")
    expect(second.locator("mark")).to_have_text(["Hi", "😀"])
    page.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box).to_have_value("hi")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value("hiking boots")
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^boot-"))
    expect(page.get_by_role("option")).to_have_count(0)
    assert complaints == []


def test_a_completion_with_a_scope_narrows_the_search(shared: Running, visit: Open) -> None:
    page = offering(visit(shared, path=SEARCH))
    page.locator("#find").press_sequentially("al")
    page.get_by_role("option", name="Alpina").click()
    expect(page.locator(".chosen .chip")).to_have_text("Brand: Alpina")
    assert asked(page)["f.brand"] == ["Alpina"]
    expect(page.get_by_role("checkbox", name="Alpina")).to_be_checked()


def test_the_shops_own_values_complete_what_is_typed(shared: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(shared, path=SEARCH)
    page.locator("#find").press_sequentially("alp")
    page.get_by_role("option", name="Alpina brand").click()
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^boot-"))
    assert asked(page)["f.brand"] == ["Alpina"]
    assert complaints == []


def test_what_is_sold_out_is_marked_as_soon_as_it_is(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&q=hiking+boots+4", path=SEARCH)
    boots = page.locator('.result[data-key="boot-04"]')
    expect(boots.locator(".price")).to_have_text("€14")
    expect(boots.locator(".sold")).to_have_count(0)
    answer = fresh.client.put(
        "/v1/items/boot-04", json={"name": "hiking boots leather 4", "price": 7, "in_stock": False}
    )
    answer.raise_for_status()
    expect(boots).to_have_count(1)
    page.wait_for_timeout(1500)  # the index follows within a second
    search_for(page, "hiking boots 4")
    expect(boots.locator(".sold")).to_have_text("sold out")
    expect(boots.locator(".price")).to_have_text("7")


def test_nothing_typed_fast_brings_the_list_back_over_the_results(shared: Running, visit: Open) -> None:
    page = offering(visit(shared, path=SEARCH))
    page.locator("#find").press_sequentially("boots")
    page.keyboard.press("Enter")
    expect(page.locator(".result").first).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("option")).to_have_count(0)


def test_a_shop_without_completions_is_searched_all_the_same(shared: Running, visit: Open) -> None:
    page = visit(shared, path=SEARCH)
    page.route("**/v1/suggest*", lambda route: route.fulfill(status=404, json={"title": "Not Found"}))
    page.locator("#find").press_sequentially("boots")
    page.keyboard.press("Enter")
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^boot-"))


def test_values_of_a_field_mean_any_of_them_and_are_taken_away_again(
    shared: Running, visit: Open, complaints: list[str]
) -> None:
    page = visit(shared, "lang=en&q=shop", path=SEARCH)
    expect(page.locator("#found .panel-count")).to_contain_text("60 found")
    page.get_by_role("checkbox", name="Uji").check()
    expect(page.locator("#found .panel-count")).to_contain_text("15 found")
    page.get_by_role("checkbox", name="Lumen").check()
    expect(page.locator("#found .panel-count")).to_contain_text("30 found")
    expect(page.locator("#narrowing summary")).to_have_text("Narrow down (2)")
    assert asked(page)["f.brand"] == ["Uji", "Lumen"]
    page.get_by_role("button", name="Remove Brand: Uji").click()
    expect(page.locator("#found .panel-count")).to_contain_text("15 found")
    expect(page.get_by_role("checkbox", name="Uji")).not_to_be_checked()
    page.locator("#find-low").fill("20")
    page.keyboard.press("Enter")
    expect(page.locator("#found .panel-count")).to_contain_text("5 found")
    expect(page.locator(".chosen")).to_contain_text("Price: from €20")
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("#found .panel-count")).to_contain_text("60 found")
    assert "f.brand" not in asked(page)
    assert complaints == []


def test_a_filter_that_nothing_passes_says_so_and_is_taken_away(shared: Running, visit: Open) -> None:
    page = visit(shared, "lang=en&q=tea&f.brand=Nobody", path=SEARCH)
    expect(page.locator("#found")).to_contain_text("Nothing passes the filters")
    expect(page.get_by_role("checkbox", name="Nobody")).to_be_checked()
    page.locator("#found").get_by_role("button", name="Remove all").click()
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^tea-"))


def test_a_price_the_wrong_way_round_is_said_and_not_searched_for(shared: Running, visit: Open) -> None:
    page = visit(shared, "lang=en&q=tea", path=SEARCH)
    expect(page.locator(".result").first).to_be_visible()
    page.locator("#find-low").fill("30")
    page.locator("#find-high").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator("#narrowing [role=alert]")).to_contain_text("above the higher")
    assert "max" not in asked(page)


def test_what_was_understood_and_what_was_given_up_are_said(shared: Running, visit: Open) -> None:
    page = visit(shared, "lang=en&q=hiking+boots+umbrella", path=SEARCH)
    expect(page.locator(".relaxed")).to_contain_text("No item has all the words; “umbrella” was left out.")
    expect(page.locator(".relaxed")).to_contain_text("Some of these lack “hiking”, too.")
    expect(page.locator(".understood")).to_contain_text("Category")
    search_for(page, "hiking boots under $15 without leather")
    expect(page.locator(".understood")).to_contain_text("up to €15")
    expect(page.locator(".understood")).to_contain_text("without leather")
    search_for(page, "hiking boots under $1")
    expect(page.locator(".relaxed")).to_contain_text("Nothing was found at this price (up to €1)")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".relaxed")).to_contain_text("没有商品，已忽略价格")
    expect(page.locator("#find")).to_have_value("hiking boots under $1")


def test_why_a_result_stands_there_is_told_with_the_events_behind_it(
    shared: Running, visit: Open, complaints: list[str]
) -> None:
    page = visit(shared, "lang=en&q=shop&user=u00", path=SEARCH)
    tea = page.locator('.result[data-key^="tea-"]').first
    tea.get_by_role("button", name="Why").click()
    expect(tea.locator(".result-reasons")).to_contain_text("Has “shop” in the category")
    expect(tea.locator(".result-reasons")).to_contain_text("Interest in")
    expect(tea.locator(".result-reasons .event").first).to_contain_text(re.compile("tea|茶"))
    expect(tea.locator(".parts-table")).to_contain_text("profile")
    tea.get_by_role("button", name="Why").click()
    expect(tea.locator(".result-reasons")).to_be_hidden()
    assert complaints == []


def test_nobodys_list_stands_beside_the_shoppers(shared: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(shared, "lang=en&q=shop", path=SEARCH)
    expect(page.get_by_role("switch", name="Side by side")).to_be_disabled()
    chooser = page.get_by_role("combobox", name="For", exact=True)
    chooser.click()
    chooser.fill("u00")
    page.get_by_role("option", name="u00").first.click()
    page.get_by_role("switch", name="Side by side").check()
    expect(page.locator(".side.is-plain .result")).to_have_count(10)
    expect(page.locator(".side:not(.is-plain) .result")).to_have_count(10)
    expect(page.locator(".counted")).to_contain_text("The profile counted")
    expect(page.locator(".badge.is-up").first).to_have_text(re.compile(r"▲\d+"))
    both = set(ids(page)) & set(ids(page, ".side.is-plain"))
    expect(page.locator(".line")).to_have_count(len(both))
    assert sum(item.startswith("tea-") for item in ids(page)) > sum(
        item.startswith("tea-") for item in ids(page, ".side.is-plain")
    )
    page.locator("#find-personal").focus()
    page.keyboard.press("Home")
    expect(page.locator(".counted")).to_contain_text("slider stands at 0")
    expect(page.locator(".badge.is-same")).to_have_count(10)
    assert ids(page) == ids(page, ".side.is-plain")
    assert asked(page)["personal"] == ["0"]
    page.get_by_role("button", name="Search for nobody").click()
    expect(page.locator(".side.is-plain")).to_be_hidden()
    expect(page.locator(".side:not(.is-plain) .result")).to_have_count(20)
    assert complaints == []


def test_an_address_can_be_shared_and_the_way_back_works(shared: Running, visit: Open) -> None:
    page = visit(shared, "lang=en&q=shop&f.brand=Uji&f.brand=Alpina&max=20&page=2", path=SEARCH)
    expect(page.locator(".pager")).to_contain_text("Page 2 of 2")
    expect(page.locator("#find")).to_have_value("shop")
    expect(page.locator("#find-high")).to_have_value("20")
    second = ids(page)
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("Page 1 of 2")
    search_for(page, "lamp")
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^lamp-"))
    page.go_back()
    expect(page.locator("#find")).to_have_value("shop")
    page.go_back()
    expect(page.locator(".pager")).to_contain_text("Page 2 of 2")
    assert ids(page) == second


def test_names_and_queries_are_shown_as_they_are_and_never_as_markup(empty: Running, visit: Open) -> None:
    name = "<img src=x onerror=alert(1)> & kettle"
    item = {"name": name, "brand": "<b>Bold</b>", "category": ["<i>Pots</i>"], "attributes": {"<u>": "<s>steel</s>"}}
    send(
        empty.client,
        {"event": "set_item", "item_id": "k/1 ?&#%", "timestamp": "2026-01-01T00:00:00Z", "properties": item},
    )
    page = visit(empty, "lang=en&q=kettle+<b>&user=<i>x</i>", path=SEARCH)
    expect(page.locator(".result-name")).to_have_text(name)
    expect(page.locator(".counted")).to_contain_text("There is no release yet")
    page.locator(".result-name").click()
    expect(page.locator(".result-more")).to_contain_text("<s>steel</s>")
    page.get_by_role("checkbox", name="<s>steel</s>").check()
    expect(page.locator(".chosen")).to_contain_text("<u>: <s>steel</s>")
    expect(page.locator(".result-name")).to_have_text(name)
    assert page.locator("main :is(img, b, i, u, s)").count() == 0


def test_an_empty_shop_says_that_it_is(empty: Running, visit: Open) -> None:
    page = visit(empty, "lang=en&q=tea", path=SEARCH)
    expect(page.locator("#found")).to_contain_text("This shop has no items yet")


def test_what_fails_is_said_and_tried_again(shared: Running, visit: Open) -> None:
    page = visit(shared, path=SEARCH)
    broken = {"title": "Broken", "detail": "the index is being mended"}
    page.route("**/v1/search", lambda route: route.fulfill(status=500, json=broken))
    search_for(page, "tea")
    expect(page.locator("#found")).to_contain_text("the index is being mended")
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^tea-"))
    page.context.set_offline(True)
    search_for(page, "lamp")
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".result").first).to_have_attribute("data-key", re.compile("^lamp-"))
    expect(page.locator("#banner")).to_be_hidden()


def test_nothing_on_the_page_jumps(shared: Running, visit: Open) -> None:
    page = visit(shared, "lang=en&q=shop&user=u00&beside=1", path=SEARCH, script=SHIFTS)
    expect(page.locator(".record-told")).to_contain_text("Recorded")
    page.wait_for_timeout(300)
    assert page.evaluate("window.shifted ?? 0") < 0.02


@pytest.mark.parametrize("query", ["q=shop", "q=shop&user=u00&beside=1&f.brand=Uji", "q="])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_on_a_phone_nothing_is_wider_than_the_screen(shared: Running, visit: Open, query: str, lang: str) -> None:
    page = visit(shared, f"lang={lang}&{query}", path=SEARCH, width=390, height=844)
    if query != "q=":
        page.locator(".result").first.get_by_role("button").last.click()
        expect(page.locator(".result-why").first).to_be_visible()
    page.locator("#narrowing summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = "found => found.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.id || one.className)"
    assert page.locator("#finding, .bar, .side, .facets, .ask-row").evaluate_all(wide) == []
