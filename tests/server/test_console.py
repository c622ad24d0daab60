"""The console: what is served, that nothing in it reaches another host or becomes markup, and a story in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from huaxiang.server import console
from huaxiang.types import CONSENT_SCOPES, EVENT_NAMES
from tests.server.browsing import Open
from tests.server.running import Running, seen, send, serving
from tests.shops import copy_shop, settings_of

STATIC = Path(console.__file__).parent / "static"
TEMPLATES = sorted((Path(console.__file__).parent / "templates").glob("*.html"))
PATHS = ("/", "/search", "/audiences", "/me/u00")
MODULES = sorted(STATIC.glob("*.js"))
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
HOSTILE_USER = "安/娜 <i>%2F 😀"
HOSTILE_ITEM = "pot/1 ?&#%"


def base_of(client: httpx.Client) -> str:
    """The folder that the page names for its files."""
    found = re.search(r'src="(/console/[0-9a-f]+)/main\.js"', client.get("/").text)
    assert found is not None
    return found[1]


def words() -> dict[str, tuple[str, str]]:
    """Key to English and Chinese, read from the dictionary modules; no key stands in two of them."""
    found: dict[str, tuple[str, str]] = {}
    tables = (("i18n.js", "STRINGS = {"), ("phrases.js", "SHOPPER = {"), ("search_phrases.js", "SEARCH = {"))
    for name, start in tables:
        text = (STATIC / name).read_text("utf-8")
        table = text[text.index(start) : text.index("\n};")]
        rows = re.findall(r'^  "([\w.]+)": \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$', table, re.MULTILINE)
        assert len(rows) == len(table.splitlines()) - 1, f"a line of {name} is not key: [English, Chinese]"
        assert not found.keys() & {key for key, _, _ in rows}
        found |= {key: (english, chinese) for key, english, chinese in rows}
    return found


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_html_that_is_always_asked_for_anew(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", PATHS)
def test_the_policy_lets_a_page_fetch_from_its_own_host_only(client: httpx.Client, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_only_the_shoppers_page_may_be_framed_and_by_its_own_host_alone(client: httpx.Client) -> None:
    framed = {path: client.get(path).headers["content-security-policy"].split("frame-ancestors ")[1] for path in PATHS}
    assert framed == {"/": "'none'", "/search": "'none'", "/audiences": "'none'", "/me/u00": "'self'"}


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_every_file_is_served_with_its_type_and_kept_for_good(client: httpx.Client, path: Path) -> None:
    answer = client.get(f"{base_of(client)}/{path.name}")
    assert answer.content == path.read_bytes()
    assert answer.headers["content-type"] == TYPES[path.suffix]
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2F__init__.py", "%2Fetc%2Fpasswd"])
def test_what_is_no_file_of_the_console_is_not_found(client: httpx.Client, name: str) -> None:
    assert client.get(f"{base_of(client)}/{name}").status_code == 404


def test_files_of_another_version_are_not_found(client: httpx.Client) -> None:
    assert client.get("/console/0123456789abcdef/main.js").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_the_language_asked_for_is_the_pages_and_others_are_english(client: httpx.Client, path: str) -> None:
    assert '<html lang="zh-Hans">' in client.get(path, params={"lang": "zh"}).text
    assert '<html lang="en">' in client.get(path, params={"lang": '"><script>'}).text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_page_holds_no_script_style_or_handler_of_its_own(template: Path) -> None:
    html = template.read_text("utf-8")
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert re.search(r"<script[^>]*>[^<]", html) is None


@pytest.mark.parametrize("path", [*TEMPLATES, *sorted(STATIC.iterdir())], ids=lambda path: path.name)
def test_no_file_names_another_host(path: Path) -> None:
    text = path.read_text("utf-8").replace(SVG_NAMESPACE, "")
    assert not re.findall(r"https?://|[\"'(]//\w|@import", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_small_and_never_makes_markup_of_text(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_every_kind_of_event_is_a_sentence_to_the_shopper() -> None:
    of_the_shop = {"set_item", "delete_item", "view_item_list"}
    said = {f"did.{event}" for event in EVENT_NAMES - of_the_shop - {"consent"}} | {"did.granted", "did.denied"}
    assert said <= words().keys()
    assert {f"me.allow.{scope}{more}" for scope in CONSENT_SCOPES for more in ("", ".detail")} <= words().keys()


def test_everything_the_page_says_is_said_in_both_languages() -> None:
    for key, (english, chinese) in words().items():
        assert english.strip(), key
        assert chinese.strip(), key
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), key


def test_every_word_that_is_asked_for_is_in_the_dictionary() -> None:
    said = "".join(path.read_text("utf-8") for path in MODULES)
    pages = "".join(path.read_text("utf-8") for path in TEMPLATES)
    asked = set(re.findall(r'\bt\("([\w.]+)"', said)) | set(re.findall(r'data-i18n="([\w.]+)"', pages))
    assert asked
    assert asked <= words().keys()


def test_an_empty_shop_says_what_to_do(empty: Running, visit: Open) -> None:
    page = visit(empty)
    expect(page.locator("#shoppers")).to_contain_text("No shoppers yet")
    expect(page.locator("#release")).to_contain_text("No release yet")
    expect(page.locator("#recommendations")).to_contain_text("huaxiang train")


def test_names_and_ids_are_shown_as_they_are_and_never_as_markup(empty: Running, visit: Open) -> None:
    name = "<img src=x onerror=alert(1)> & 'lid'"
    item = seen(HOSTILE_USER, HOSTILE_ITEM, "set_item", properties={"name": name, "category": ["<b>Tea</b>"]})
    page = visit(empty)
    expect(page.locator("#live .state")).to_have_text("live")
    send(empty.client, {key: value for key, value in item.items() if key != "user_id"})
    send(empty.client, seen(HOSTILE_USER, HOSTILE_ITEM), seen(HOSTILE_USER, HOSTILE_ITEM, "review", text="<script>"))
    page.locator(".person").first.click()
    expect(page.locator(".who")).to_have_text(HOSTILE_USER)
    expect(page.locator("#history .event")).to_have_count(2)
    expect(page.locator("#history .item-name").first).to_have_text(name)
    expect(page.locator(".facet-label").first).to_have_text("<b>Tea</b>")
    assert page.locator("#history img, #history script, #profile b").count() == 0


def test_buying_a_recommended_item_changes_all_three(fresh: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(fresh, "lang=en&user=u00")
    expect(page.locator(".card")).to_have_count(10)
    expect(page.locator("#live .state")).to_have_text("live")
    expect(page.locator("#history .event")).to_have_count(8)
    orders = page.locator(".figure", has_text="Orders").locator("dd")
    expect(orders).to_have_text("1")
    name = page.locator(".card-name").first.inner_text()
    page.locator(".card").first.get_by_role("button", name="Buy").click()
    expect(orders).to_have_text("2")
    expect(page.locator("#history .event")).to_have_count(9)
    expect(page.locator("#live .event").first).to_contain_text(f"Bought {name}")
    expect(page.locator(".gone")).to_contain_text(name)
    expect(page.locator(".card.is-new")).to_have_count(1)
    assert complaints == []


def test_a_muted_brand_goes_and_comes_back_when_the_edit_is_undone(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    brand = page.locator(".group.is-brand .facet", has_text="Uji")
    brand.get_by_role("button", name="Uji").click()
    expect(page.locator("#history .mark")).to_contain_text("Evidence: Uji")
    brand.get_by_role("button", name="Mute").click()
    expect(page.locator(".chip")).to_contain_text("Muted Uji")
    expect(brand).to_have_count(0)
    expect(page.locator(".card-facts", has_text="Uji")).to_have_count(0)
    page.locator(".chip").get_by_role("button", name="Undo").click()
    expect(brand).to_have_count(1)
    expect(page.locator(".chip")).to_have_count(0)


def test_the_past_is_shown_as_it_was_known_and_is_read_only(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    expect(page.locator("#history .event")).to_have_count(8)
    slider = page.locator(".slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#history .event")).to_have_count(0)
    page.keyboard.press("ArrowRight")  # the midnight after the first visit; the second came three days later
    expect(page.locator("#history .event")).to_have_count(1)
    expect(page.locator(".act")).to_have_count(0)
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#history .event")).to_have_count(8)
    expect(page.locator(".card").first.get_by_role("button", name="Buy")).to_be_visible()


def test_the_language_is_switched_at_once_and_kept(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#recommendations-title")).to_have_text("推荐")
    assert "lang=zh" in page.url
    page.goto(f"http://127.0.0.1:{fresh.port}/")
    expect(page.locator("#shoppers-title")).to_have_text("顾客")


def test_a_server_that_is_gone_is_said_and_found_again(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    expect(page.locator(".card")).to_have_count(10)
    page.context.set_offline(True)
    expect(page.locator("#banner")).to_contain_text("does not answer", timeout=15_000)
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_contain_text("Connected again", timeout=15_000)


def test_a_shopper_is_found_by_the_keyboard_alone(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    expect(page.locator(".person").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("u2")
    expect(page.locator(".person").first).to_contain_text("u20")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".who")).to_have_text("u21")


@pytest.fixture
def locked(built: Path, tmp_path: Path) -> Iterator[Running]:
    """A server that asks for a key."""
    folder = copy_shop(built, tmp_path / "shop")
    with serving(settings_of(folder, 'server.keys={"default": "a long secret"}')) as running:
        yield running


def test_a_shop_with_keys_asks_for_one_until_it_is_right(locked: Running, visit: Open) -> None:
    page = visit(locked, "lang=en&user=u00")
    page.get_by_label("API key", exact=True).fill("guessed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("does not know this key")
    page.get_by_label("API key", exact=True).fill("a long secret")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(10)
    expect(page.locator("#live .state")).to_have_text("live")


def test_what_happens_elsewhere_shows_by_itself(fresh: Running, visit: Open) -> None:
    page = visit(fresh, "lang=en&user=u00")
    expect(page.locator("#history .event")).to_have_count(8)
    expect(page.locator("#live .state")).to_have_text("live")
    send(fresh.client, seen("u00", "lamp-03"), seen("u01", "boot-03"))
    expect(page.locator("#live .event")).to_have_count(2)
    expect(page.locator("#history .event")).to_have_count(9)
    page.get_by_label("This shopper only").check()
    expect(page.locator("#live .event")).to_have_count(1)


@pytest.mark.parametrize("tab", ["shoppers", "profile", "recommendations", "events"])
def test_on_a_phone_every_tab_fits_its_width(shared: Running, visit: Open, tab: str) -> None:
    page = visit(shared, "lang=en&user=u00", width=390, height=844)
    page.locator(f'.tabs [data-name="{tab}"]').click()
    expect(page.locator(f"#{tab}")).to_be_visible()
    wide = (
        "[...document.querySelectorAll('.panel-body, html')].filter((node) => node.scrollWidth > node.clientWidth + 1)"
    )
    assert page.evaluate(f"{wide}.length") == 0


def test_the_list_says_what_arranged_it_and_no_figure_is_cut_off(built: Path, tmp_path: Path, visit: Open) -> None:
    folder = copy_shop(built, tmp_path / "varied")
    with serving(settings_of(folder, "ranking.diversity=0.3")) as running:
        page = visit(running, "lang=en&user=u00", width=1300)
        expect(page.locator(".arranged-part")).to_have_text("varied")
        expect(page.locator(".figure dd").first).to_be_visible()
        cut = "found => found.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
        assert page.locator(".figure dd").evaluate_all(cut) == []
        page.context.close()


@pytest.fixture
def counted(built: Path, tmp_path: Path) -> Iterator[Running]:
    """A server that tells of groups of five and more."""
    with serving(settings_of(copy_shop(built, tmp_path / "counted"), "audiences.floor=5")) as running:
        yield running


def test_an_audience_is_counted_and_a_small_one_is_not(counted: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(counted, path="/audiences")
    page.get_by_label("Interested in the brand").fill("uji")
    page.get_by_label("Orders, at least").fill("1")
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".audience-n")).to_have_text("10")
    expect(page.locator(".command")).to_contain_text('\'{"interests.brand":"uji","behaviour.n_orders":{"gte":1}}\'')
    page.get_by_label("Orders, at least").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator(".audience-n")).to_have_text("fewer than 5")
    expect(page.locator("#size")).to_contain_text("neither counted nor exported")
    assert complaints == []


def test_what_was_typed_and_counted_stays_in_the_other_language(counted: Running, visit: Open) -> None:
    page = visit(counted, path="/audiences")
    page.get_by_label("Interested in the category").fill("Tea")
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".audience-n")).to_have_text("10")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#audience-title")).to_have_text("圈选哪些人？")
    expect(page.get_by_label("感兴趣的品类（含下级品类）")).to_have_value("Tea")
    expect(page.locator(".audience-n")).to_have_text("10")
    page.get_by_label("感兴趣的品牌").fill("<b>'")
    page.get_by_role("button", name="计数").click()
    expect(page.locator(".audience-n")).to_have_text("少于 5")
    expect(page.locator(".command")).to_contain_text("<b>'\\''")
    page.get_by_role("link", name="画像").click()
    expect(page.locator("#shoppers-title")).to_have_text("顾客")


def test_the_page_of_audiences_fits_a_phone_without_one_part_over_another(counted: Running, visit: Open) -> None:
    page = visit(counted, path="/audiences", width=390, height=844)
    page.get_by_role("button", name="Count").click()
    expect(page.locator(".audience-n")).to_have_text("40")
    form, size = page.locator("#audience").bounding_box(), page.locator("#size").bounding_box()
    assert form is not None
    assert size is not None
    assert form["y"] + form["height"] <= size["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
