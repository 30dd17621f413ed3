"""Finding a customer, reading them, and what a complaint goes through, by the keyboard alone."""

from playwright.sync_api import Page, expect

from .conftest import DeskSite, done
from .people import complains, full_life


def test_the_search_answers_while_one_types(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 3, name="Zoë Quisling-Ávila", email=f"{desk.customer}@x.test")
    desk.sign_in(page)
    page.keyboard.press("/")
    page.wait_for_url("**/desk/search")
    expect(page.get_by_role("searchbox")).to_be_focused()  # which it is some time after it has come
    page.keyboard.type("quisl")
    found = page.get_by_role("link", name="Zoë Quisling-Ávila")
    expect(found.first).to_be_visible()
    expect(found.first.locator("mark")).to_have_text("Quisl")
    page.get_by_role("searchbox").fill(f"{desk.customer}@x")
    expect(found).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Zoë Quisling-Ávila")


def test_what_a_customer_wrote_is_shown_as_text(desk: DeskSite, page: Page) -> None:
    nasty = "<img src=x onerror=alert(1)>{{ 7*7 }}"
    desk.tell("customer.registered", 9, name=nasty, preferences={nasty: [nasty]}, tags=[nasty])
    complains(desk, "nasty", 5, category=nasty, description=nasty)
    desk.sign_in(page, to=f"/desk/customers/{desk.customer}")
    expect(page.get_by_role("heading", level=1)).to_have_text(nasty)
    for path in (f"/desk/complaints/{desk.customer}-nasty", "/desk/complaints", "/desk/search?q=img"):
        page.goto(desk.url + path)
        expect(page.get_by_text(nasty).first).to_be_visible()
    assert page.locator("img").count() == 0


def test_a_complaint_from_new_to_closed_by_the_keyboard(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ann Ortega")
    desk.sign_in(page, to=f"/desk/customers/{desk.customer}")
    page.keyboard.press("n")
    page.keyboard.type("delivery")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("It never came.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivery")
    status = page.locator("#status")
    done(page, lambda: page.get_by_role("button", name="I take care of it").press("Enter"))
    expect(status).to_contain_text("being worked on")
    for key, text, then in (("v", "Sent again.", "solved"), ("u", "It is on its way.", "solved")):
        page.keyboard.press(key)
        page.keyboard.type(text)
        done(page, lambda: page.keyboard.press("Control+Enter"))
        expect(status).to_contain_text(then)
        expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_role("button", name="Close the complaint").press("Enter")
    expect(status).to_contain_text("closed")


def test_what_is_above_a_limit_waits_for_somebody_else(desk: DeskSite, page: Page) -> None:
    id = complains(desk, "gift", 20)
    desk.sign_in(page, to=f"/desk/complaints/{id}")
    page.get_by_text("Make good").first.click()
    page.get_by_label("Money back").check()
    page.get_by_label("Amount").fill("999,50")
    page.get_by_role("button", name="Make good").click()
    expect(page.locator("#said")).to_contain_text("until somebody else approves it")
    expect(page.get_by_text("€999.50").first).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_form_that_did_not_work_waits_at_what_is_wrong(desk: DeskSite, page: Page) -> None:
    id = complains(desk, "gift", 20)
    desk.sign_in(page, to=f"/desk/complaints/{id}")
    page.keyboard.press("m")
    page.get_by_label("Money back").check()
    page.get_by_label("Amount").fill("a lot")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#main [aria-invalid]")).to_be_focused()
    expect(page.get_by_label("Amount")).to_have_value("a lot")
    expect(page.get_by_label("Amount")).to_have_accessible_description(
        "Say how much: an amount such as 12.50."
    )
    expect(page.get_by_label("Money back")).to_be_checked()
    page.keyboard.press("Control+a")
    page.keyboard.type("5")
    done(page, lambda: page.keyboard.press("Control+Enter"))
    expect(page.get_by_text("€5.00").first).to_be_visible()


def test_an_open_page_shows_what_happens(desk: DeskSite, page: Page) -> None:
    full_life(desk)
    desk.sign_in(page, to=f"/desk/customers/{desk.customer}")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("Became known")).to_be_visible()
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.wait_for_timeout(700)
    desk.writes("And now the lid fell off!", conversation_id=f"{desk.customer}-t2")
    expect(page.get_by_text("And now the lid fell off!")).to_be_visible(timeout=10_000)
