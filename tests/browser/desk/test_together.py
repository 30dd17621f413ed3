"""What is live: two agents see each other, and what happens is seen at once: how soon is printed."""

import time

from playwright.sync_api import Browser, Page, expect

from .conftest import DeskSite, press

SECOND = 1000
LIVE = 10 * SECOND
"""Nothing but live updates would show it; a busy machine takes its time."""


def test_two_agents_on_one_conversation_see_each_other(desk: DeskSite, page: Page, browser: Browser) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test")
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    place = f"/desk/conversations/{desk.talk}?customer_id={desk.customer}"
    desk.sign_in(page, "mia", place)
    expect(page.locator(".present")).to_have_count(0)
    with browser.new_context() as context:
        colleague = context.new_page()
        desk.sign_in(colleague, "ben", place)
        expect(page.get_by_text("ben is reading this")).to_be_visible(timeout=LIVE)
        expect(colleague.get_by_text("mia is reading this")).to_be_visible(timeout=LIVE)
        colleague.get_by_label("Answer to Ana Ruiz").press_sequentially("We lo")
        expect(page.get_by_text("ben is answering")).to_be_visible(timeout=LIVE)

        # A note of one is with the other, who goes on writing.
        page.get_by_text("Note for colleagues").first.click()
        page.get_by_label("The customer never sees it").fill("She called, too.")
        press(page, page.get_by_role("button", name="Keep the note"))
        expect(colleague.get_by_text("She called, too.")).to_be_visible(timeout=LIVE)
        expect(colleague.get_by_label("Answer to Ana Ruiz")).to_have_value("We lo")
        expect(colleague.get_by_label("Answer to Ana Ruiz")).to_be_focused()
        colleague.close()
    expect(page.locator(".present")).to_have_count(0, timeout=LIVE)


def test_what_happens_is_seen_without_a_reload(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test")
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    desk.sign_in(page, "mia", f"/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    expect(page.get_by_text("The kettle leaks.")).to_be_visible()
    page.get_by_label("Answer to Ana Ruiz").fill("We look into it")
    page.wait_for_timeout(1.5 * SECOND)
    for text in ("And it is loud.", "And it is red."):
        desk.writes(text, conversation_id=desk.talk)
        told = time.monotonic()
        expect(page.get_by_text(text)).to_be_visible(timeout=LIVE)
        print(f"seen after {time.monotonic() - told:.2f} s")
        expect(page.get_by_role("status").filter(has_text="Ana Ruiz has written")).to_be_visible()
    expect(page.get_by_label("Answer to Ana Ruiz")).to_have_value("We look into it")


def test_a_draft_outlives_a_session_that_is_over(desk: DeskSite, page: Page) -> None:
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    place = f"/desk/conversations/{desk.talk}?customer_id={desk.customer}"
    desk.sign_in(page, "mia", place)
    page.get_by_label("Answer to").fill("We look into it")
    page.goto("about:blank")
    page.context.clear_cookies(name="rapport-desk")
    desk.sign_in(page, "mia", place)
    expect(page.get_by_label("Answer to")).to_have_value("We look into it")


def test_what_is_refused_is_said_and_what_was_typed_stays(desk: DeskSite, page: Page) -> None:
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    desk.sign_in(page, "mia", f"/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    page.get_by_text("Let it rest").first.click()
    page.get_by_label("Until this time:").check()
    page.get_by_label("Day and time").fill("2020-01-01T09:00")
    page.get_by_role("button", name="Let it rest").click()
    expect(page.get_by_role("alert")).to_contain_text("This time is over already.")


def test_what_customers_write_is_shown_as_text(desk: DeskSite, page: Page) -> None:
    text = "<img src=x onerror=alert(1)><b>bold</b> {{ 7 * 7 }}"
    desk.tell("customer.registered", 9, name="<i>Ana</i>")
    desk.writes(text, 8, conversation_id=desk.talk, subject="<u>Hello</u>")
    desk.sign_in(page, "mia", f"/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    expect(page.get_by_role("heading", level=1)).to_have_text("<i>Ana</i>")
    expect(page.get_by_text(text)).to_be_visible()
    assert page.locator("main img, main b, main i, main u").count() == 0
