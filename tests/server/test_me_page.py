"""The shopper's page: what is clicked there changes the profile over HTTP, can be undone, and what fails is said."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.server.browsing import Open
from tests.server.running import Running, recommended, seen, send

ME = "/me/u00"
HOSTILE = "安/娜 <i>%2F 😀"
AN_HOUR_SLOW = """{
  const real = Date.now, origin = performance.timeOrigin;
  Date.now = () => real() - 3_600_000;
  Object.defineProperty(performance, "timeOrigin", { value: origin - 3_600_000 });
}"""


def profile_of(running: Running, user_id: str = "u00") -> dict[str, Any]:
    """The profile as every client reads it."""
    said: dict[str, Any] = running.client.get(f"/v1/users/{quote(user_id, safe='')}/profile").raise_for_status().json()
    return said


def score_of(running: Running, facet: str, value: str, user_id: str = "u00") -> float | None:
    """The score of a facet; None where the profile does not have it."""
    found = [
        one["score"]
        for one in profile_of(running, user_id)["interests"]
        if (one["facet"], one["value"]) == (facet, value)
    ]
    return found[0] if found else None


def consents_sent(running: Running, user_id: str = "u00") -> list[dict[str, Any]]:
    """What was said of consent, newest first."""
    said = running.client.get(f"/v1/users/{user_id}/profile/evidence").json()["events"]
    return [event["details"] for event in said if event["event"] == "consent"]


def card(page: Page, name: str) -> Locator:
    """The card of something that is liked."""
    return page.locator(".like").filter(has=page.get_by_role("heading", name=name, exact=False))


def test_what_is_never_to_be_shown_goes_and_comes_back(fresh: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(fresh, path=ME)
    expect(page.locator(".next-row")).to_have_count(6)
    before = page.locator(".next-name").all_inner_texts()
    card(page, "Uji").get_by_role("button", name="Never: Uji").click()
    expect(page.locator("#changes")).to_contain_text("Never Uji")
    expect(card(page, "Uji")).to_have_count(0)
    expect(page.locator(".next-change")).to_contain_text("All 6 changed")
    assert score_of(fresh, "brand", "Uji") is None
    assert not any(item.startswith("tea") for item in recommended(fresh.client, "u00"))
    page.locator("#changes").get_by_role("button", name="Undo: Never Uji").click()
    expect(card(page, "Uji")).to_have_count(1)
    expect(page.locator("#changes")).to_contain_text("Nothing yet")
    expect(page.locator(".next-name")).to_have_text(before)
    assert score_of(fresh, "brand", "Uji") is not None
    assert complaints == []


@pytest.mark.parametrize(("button", "factor"), [("More of this", 2.0), ("Less of this", 0.5)])
def test_more_and_less_change_the_strength_until_undone(
    fresh: Running, visit: Open, button: str, factor: float
) -> None:
    send(fresh.client, seen("u00", "lamp-01", "purchase"), seen("u00", "boot-01", "purchase"))
    before = score_of(fresh, "brand", "Lumen")
    assert before is not None
    page = visit(fresh, path=ME)
    lamps = card(page, "Lumen")
    lamps.get_by_role("button", name=f"{button}: Lumen").click()
    expect(lamps.locator(".like-standing")).to_contain_text(f"{button.split(maxsplit=1)[0]} of Lumen")
    assert score_of(fresh, "brand", "Lumen") == pytest.approx(factor * before, rel=1e-3)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(lamps.locator(".like-standing")).to_be_empty()
    assert score_of(fresh, "brand", "Lumen") == pytest.approx(before, rel=1e-3)


def test_what_is_wrong_is_forgotten(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    card(page, "Uji").get_by_role("button", name="This is wrong").click()
    expect(page.locator("#changes")).to_contain_text("Wrong: Uji")
    assert score_of(fresh, "brand", "Uji") is None


def test_why_says_what_was_done_and_a_gift_is_left_out_and_counted_again(fresh: Running, visit: Open) -> None:
    event = seen("u00", "boot-00", "purchase", event_id="for-a-friend")
    send(fresh.client, event)
    page = visit(fresh, path=ME)
    boots = card(page, "Alpina")
    boots.get_by_role("button", name="Why?").click()
    expect(boots.locator(".deed")).to_contain_text("You bought hiking boots leather 0 on")
    boots.get_by_role("button", name="A gift, or not for me").click()
    expect(boots).to_have_count(0)
    row = page.locator("#did .deed.is-out")
    expect(row).to_contain_text("hiking boots leather 0")
    expect(page.locator("#changes")).to_contain_text("Left out: You bought hiking boots leather 0")
    assert score_of(fresh, "brand", "Alpina") is None
    row.get_by_role("button", name="Undo").click()
    expect(boots).to_have_count(1)
    expect(row).to_have_count(0)
    assert score_of(fresh, "brand", "Alpina") is not None


def test_what_a_newcomer_adds_is_shown_next_in_the_shops_own_spelling(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path="/me/newcomer")
    expect(page.locator("#next")).to_contain_text("We know too little about you")
    page.get_by_label("I like", exact=True).fill("  lumen ")
    page.keyboard.press("Enter")
    added = card(page, "Lumen")
    expect(added).to_contain_text("You told us")
    expect(page.get_by_label("I like", exact=True)).to_have_value("")
    expect(page.locator(".next-row", has_text="because you like Lumen")).to_have_count(6)
    assert score_of(fresh, "brand", "Lumen", "newcomer") == pytest.approx(1.0)
    added.get_by_role("button", name="Why?").click()
    expect(added.locator(".deed")).to_contain_text("You told us so")
    added.locator(".like-standing").get_by_role("button", name="Undo").click()
    expect(added).to_have_count(0)
    assert score_of(fresh, "brand", "Lumen", "newcomer") is None


def test_a_switch_sends_the_consent_and_counts_at_once(fresh: Running, visit: Open, complaints: list[str]) -> None:
    page = visit(fresh, path=ME)
    switch = page.get_by_role("switch", name="Personal suggestions")
    expect(switch).to_be_checked()
    switch.focus()
    page.keyboard.press("Space")
    expect(page.locator("#likes")).to_contain_text("Nothing is worked out")
    expect(page.locator("#next")).to_contain_text("Without anything personal")
    expect(switch).not_to_be_checked()
    expect(switch).to_be_focused()
    assert profile_of(fresh)["consents"]["personalisation"] == "denied"
    assert consents_sent(fresh) == [{"scope": "personalisation", "status": "denied"}]
    switch.click()
    expect(card(page, "Uji")).to_have_count(1)
    assert profile_of(fresh)["consents"]["personalisation"] == "granted"
    assert consents_sent(fresh)[0] == {"scope": "personalisation", "status": "granted"}
    expect(page.locator("#did")).to_contain_text("You said no to this")
    assert complaints == []


def test_a_consent_counts_from_a_machine_whose_clock_is_slow(fresh: Running, visit: Open) -> None:
    earlier = seen("u00", "", "consent", properties={"scope": "advertising", "status": "granted"})
    send(fresh.client, {key: value for key, value in earlier.items() if key != "item_id"})
    page = visit(fresh, path=ME, script=AN_HOUR_SLOW)
    switch = page.get_by_role("switch", name="Advertising")
    expect(switch).to_be_checked()
    switch.click()
    expect(page.locator(".allow", has=switch)).to_contain_text("Not allowed")
    assert profile_of(fresh)["consents"]["advertising"] == "denied"


def test_an_edit_that_is_refused_is_explained_beside_it(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    uji = card(page, "Uji")
    expect(uji).to_have_count(1)
    mute = {"op": "mute", "facet": "brand", "value": "Uji"}
    fresh.client.patch("/v1/users/u00/profile", json={"edits": [mute]}).raise_for_status()
    uji.get_by_role("button", name="This is wrong").click()  # the page does not know yet
    expect(uji.get_by_role("alert")).to_contain_text("nothing was changed")
    expect(uji.get_by_role("alert")).to_contain_text("which the profile does not have; add it first")


def test_a_switch_goes_back_where_the_shop_does_not_answer(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    switch = page.get_by_role("switch", name="Learning")
    expect(switch).to_be_checked()
    page.context.set_offline(True)
    switch.click()
    expect(page.locator(".allow", has=switch).get_by_role("alert")).to_contain_text("does not answer")
    expect(switch).to_be_checked()
    page.context.set_offline(False)
    assert consents_sent(fresh) == []


def answer(page: Page, method: str, path: str, status: int, body: dict[str, Any]) -> list[str]:
    """Answer one route in the server's place; the addresses that were asked for."""
    asked: list[str] = []

    def answered(route: Route) -> None:
        if route.request.method != method:
            route.continue_()
            return
        asked.append(route.request.url)
        kind = "application/json" if status < 400 else "application/problem+json"
        route.fulfill(status=status, content_type=kind, body=json.dumps(body))

    page.route(f"**{path}", answered)
    return asked


def test_everything_known_is_saved_as_a_file(shared: Running, visit: Open) -> None:
    page = visit(shared, path=ME)
    whole = {"user_id": "u00", "events": [{"event_id": "u00-4", "text": "绿茶"}]}
    answer(page, "GET", "/v1/users/u00/export", 200, whole)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download everything").click()
    assert saving.value.suggested_filename.startswith("what-the-shop-knows-about-me-")
    assert json.loads(Path(saving.value.path()).read_text("utf-8")) == whole
    expect(page.locator("#yours")).to_contain_text("is being saved")


def test_a_file_that_cannot_be_made_is_said_beside_its_button(shared: Running, visit: Open) -> None:
    page = visit(shared, path=ME)
    answer(page, "GET", "/v1/users/u00/export", 503, {"title": "Busy", "status": 503, "detail": "another one is made"})
    page.get_by_role("button", name="Download everything").click()
    expect(page.locator("#yours").get_by_role("alert").first).to_contain_text("another one is made")
    expect(page.locator("#yours")).not_to_contain_text("One moment")


def test_only_the_typed_word_erases_and_the_receipt_is_kept(shared: Running, visit: Open) -> None:
    page = visit(shared, path=ME)
    removed = {
        "erased_at": "2026-03-03T10:00:00Z",
        "n_devices": 0,
        "removed": {"events": 8},
        "not_reached": ["a <b>mail</b>"],
    }
    receipt = {"person": "3f2a", **removed, "signature": "b64:<i>"}
    asked = answer(page, "DELETE", "/v1/users/u00/profile", 200, receipt)
    page.get_by_role("button", name="Erase me", exact=True).click()
    dialog = page.get_by_role("dialog")
    go = dialog.get_by_role("button", name="Erase me for good")
    word = dialog.get_by_label("To go on, type ERASE")
    expect(word).to_be_focused()
    expect(go).to_be_disabled()
    word.fill("ERAS")
    page.keyboard.press("Enter")
    expect(go).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Erase me", exact=True)).to_be_focused()
    assert asked == []
    page.keyboard.press("Enter")
    word.fill("erase ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are erased")).to_be_focused()
    assert len(asked) == 1
    assert json.loads(page.locator(".receipt-text").inner_text()) == receipt
    expect(page.locator(".receipt")).to_contain_text("8 records about you")
    expect(page.locator(".receipt li")).to_have_text("a <b>mail</b>")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="你已被抹除")).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="保存回执").click()
    assert json.loads(Path(saving.value.path()).read_text("utf-8")) == receipt


def test_an_erasure_that_fails_is_said_in_the_question(shared: Running, visit: Open) -> None:
    page = visit(shared, path=ME)
    full = {"title": "The store failed", "status": 503, "detail": "the disk is full; make room"}
    answer(page, "DELETE", "/v1/users/u00/profile", 503, full)
    page.get_by_role("button", name="Erase me", exact=True).click()
    page.get_by_label("To go on, type ERASE").fill("ERASE")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("the disk is full; make room")
    expect(dialog.get_by_role("button", name="Erase me for good")).to_be_enabled()
    dialog.get_by_role("button", name="Keep my data").click()
    expect(dialog).to_have_count(0)


def test_a_person_of_any_id_is_reached_from_the_console_and_shown_as_text(fresh: Running, visit: Open) -> None:
    named = {"event": "set_item", "item_id": "pot/1", "timestamp": seen("", "")["timestamp"]}
    send(fresh.client, named | {"properties": {"name": "<b>Pot</b>", "brand": "<img src=x>", "category": ["Tea"]}})
    send(fresh.client, seen(HOSTILE, "pot/1"))
    page = visit(fresh, f"lang=en&user={quote(HOSTILE, safe='')}")
    page.get_by_role("link", name="As the shopper sees it").click()
    expect(page.locator("#did .deed")).to_contain_text("You looked at <b>Pot</b> on")
    card(page, "<img src=x>").get_by_role("button", name="Never").click()
    expect(page.locator("#changes")).to_contain_text("Never <img src=x>")
    assert score_of(fresh, "brand", "<img src=x>", HOSTILE) is None
    assert page.locator("main img, main b").count() == 0


def test_a_stranger_is_told_so_and_a_shop_without_a_release_suggests_nothing(empty: Running, visit: Open) -> None:
    page = visit(empty, path="/me/nobody")
    expect(page.locator("#short")).to_contain_text("We know nothing about you")
    expect(page.locator("#next")).to_contain_text("does not suggest anything yet")


def test_a_page_of_the_same_host_may_show_it_within_its_own_and_no_other_may(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path="/audiences")
    framed = f"http://127.0.0.1:{fresh.port}{ME}?lang=zh"
    add = "address => document.body.append(Object.assign(document.createElement('iframe'), { src: address }))"
    page.evaluate(add, framed)
    expect(page.frame_locator("iframe").get_by_role("heading", name="这家店知道我什么")).to_have_count(1)
    page.goto(f"http://localhost:{fresh.port}/health/live")  # another origin, which allows every frame
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.evaluate(add, framed)
    assert page.frame_locator("iframe").get_by_role("heading").count() == 0


def test_a_card_stays_in_its_place_after_an_edit(fresh: Running, visit: Open) -> None:
    send(fresh.client, seen("u00", "boot-00", "purchase"), seen("u00", "lamp-00", "purchase"))
    page = visit(fresh, path=ME)
    expect(card(page, "Uji")).to_have_count(1)
    before = page.locator(".like h4").all_inner_texts()
    for n in range(1, 5):
        card(page, "Uji").get_by_role("button", name="Less of this").click()
        expect(page.locator(".change-row")).to_have_count(n)
    assert (score_of(fresh, "brand", "Uji") or 0) < (score_of(fresh, "brand", "Lumen") or 0)  # weaker than those below
    assert page.locator(".like h4").all_inner_texts() == before


def test_the_keyboard_goes_on_where_its_card_is_gone(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    card(page, "Uji").get_by_role("button", name="Never: Uji").focus()
    page.keyboard.press("Enter")
    expect(card(page, "Uji")).to_have_count(0)
    expect(page.get_by_role("heading", name="What we think you like")).to_be_focused()


def test_the_other_language_is_spoken_at_once_and_nothing_stays_behind(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    expect(card(page, "Uji")).to_have_count(1)
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="这家店知道我什么")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    card(page, "Uji").get_by_role("button", name="别再出现").click()
    expect(page.locator("#changes")).to_contain_text("不要再看到Uji")
    english = {"Undo", "Why", "because", "You"}
    assert not english & set(page.locator("main").inner_text().split())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_fits_the_narrowest_phone(fresh: Running, visit: Open, lang: str) -> None:
    send(fresh.client, seen("u00", "boot-00", "purchase"))
    page = visit(fresh, f"lang={lang}", path=ME, width=360, height=740)
    expect(page.locator(".next-row")).to_have_count(6)
    page.locator(".is-why").first.click()
    page.locator(".is-more").first.click()
    expect(page.locator(".toast")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    outside = "found => found.filter(one => one.getBoundingClientRect().right > 360).map(one => one.className)"
    assert page.locator("main *").evaluate_all(outside) == []


def test_an_undo_that_fails_is_said_even_if_it_came_from_a_passing_message(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    card(page, "Uji").get_by_role("button", name="More of this").click()
    expect(page.locator(".toast")).to_contain_text("More of Uji.")
    page.context.set_offline(True)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#changes").get_by_role("alert").first).to_contain_text("does not answer")
    expect(page.locator("#changes")).to_contain_text("More of Uji")
    page.context.set_offline(False)
    page.locator("#changes").get_by_role("button", name="Undo").click()
    expect(page.locator("#changes")).to_contain_text("Nothing yet")


def test_whoever_is_erased_gets_a_true_receipt_and_is_a_stranger_from_then_on(fresh: Running, visit: Open) -> None:
    page = visit(fresh, path=ME)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download everything").click()
    taken = json.loads(Path(saving.value.path()).read_text("utf-8"))
    assert {event["event_id"] for event in taken["events"]} == {f"u00-{visit}" for visit in range(8)}
    page.get_by_role("button", name="Erase me", exact=True).click()
    page.get_by_label("To go on, type ERASE").fill("ERASE")
    page.keyboard.press("Enter")
    expect(page.locator(".receipt")).to_contain_text("8 records about you")
    assert json.loads(page.locator(".receipt-text").inner_text())["signature"]
    page.reload()
    expect(page.locator("#short")).to_contain_text("We know nothing about you")
    assert profile_of(fresh)["interests"] == []
