"""The keyboard alone: from signing in to a closed conversation; and without scripts at all."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import KEY, DeskSite


def test_by_the_keyboard_alone(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test")
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    desk.tell("conversation.assigned", 7, conversation_id=desk.talk, agent_id=desk.customer)
    keys = page.keyboard
    page.goto(f"{desk.url}/desk")
    for text in (KEY, desk.customer):  # the agent of this test alone
        keys.press("Tab")
        keys.type(text)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("My queue")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    keys.press("j")
    expect(page.locator("[data-line]").first).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Ruiz")

    keys.press("r")
    expect(page.get_by_label("Answer to Ana Ruiz")).to_be_focused()
    keys.type("A new lid leaves today.")
    keys.press("Control+Enter")
    said = page.get_by_role("region", name="What was said")
    expect(said.get_by_text("A new lid leaves today.")).to_be_visible()
    keys.press("Escape")
    keys.press("n")
    keys.type("She is kind.")
    keys.press("Control+Enter")
    expect(said.get_by_text("She is kind.")).to_be_visible()
    keys.press("Escape")
    keys.press("e")
    expect(page.get_by_label("How it ended")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#state").get_by_text("closed")).to_be_visible()
    keys.press("Escape")
    keys.press("g")
    keys.press("q")
    expect(page.get_by_role("heading", level=1)).to_have_text("My queue")


def test_letters_are_commands_only_where_one_wants_it(desk: DeskSite, page: Page) -> None:
    desk.sign_in(page, "ann", "/desk/settings")
    page.get_by_label("Letters alone are commands").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_it_works_without_scripts(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test")
    desk.writes("The kettle leaks.", 8, conversation_id=desk.talk)
    desk.sign_in(page, "ann")
    page.get_by_role("link", name="Ana Ruiz").first.click()
    page.get_by_label("Something often written").select_option("Sorry")
    page.get_by_role("button", name="Insert").click()
    expect(page.get_by_label("Answer to Ana Ruiz")).not_to_have_value("")
    page.get_by_label("Answer to Ana Ruiz").fill("A new lid leaves today.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Sent.")).to_be_visible()
    expect(page.get_by_text("A new lid leaves today.")).to_be_visible()
    page.get_by_text("Close", exact=False).first.click()
    page.get_by_role("button", name="Close the conversation").click()
    expect(page.locator("#state").get_by_text("closed")).to_be_visible()


@pytest.mark.parametrize("context", [{"locale": "de-AT"}], indirect=True)
def test_in_german_as_in_austria(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test")
    price = {"amount": 129_950, "currency": "EUR"}
    items = [{"sku": "kettle", "quantity": 1, "unit_price": price}]
    desk.tell("purchase.made", 8, order_id=desk.customer, channel="web", total=price, items=items)
    desk.writes("Der Kessel tropft.", 8, conversation_id=desk.talk)
    page.goto(f"{desk.url}/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    page.get_by_label("API-Schlüssel").fill(KEY)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_text("€ 1.299,50")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
