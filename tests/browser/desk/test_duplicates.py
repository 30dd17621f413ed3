"""Who may be one person twice: somebody looks at both, and says so, or that they are two, for good."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.looks import LOOKED, look

from .conftest import DeskSite, done, press


def alike(desk: DeskSite, name: str = "Ann Ortega", **other: Any) -> str:
    """The customer, and somebody with their number, who is answered."""
    twin, phone = f"{desk.customer}-twin", f"+34600{int(desk.customer[-6:], 16) % 10**6:06}"
    desk.tell("customer.registered", 900, name=name, phone=phone, email=f"{desk.customer}@x.test")
    desk.tell("customer.registered", 800, whom=twin, **{"name": "A. Ortega", "phone": phone, **other})
    return twin


def pair(desk: DeskSite, page: Page) -> Locator:
    """The two as they are suggested, among others' on the page."""
    return page.get_by_role("listitem").filter(has_text=f"{desk.customer}-twin")


def test_one_person_is_confirmed(desk: DeskSite, page: Page) -> None:
    twin = alike(desk)
    desk.sign_in(page, to="/desk/duplicates")
    both = pair(desk, page)
    expect(both.get_by_role("link")).to_have_count(2)
    expect(both).to_contain_text("Same phone number")
    both.get_by_role("link", name="A. Ortega").click()
    page.wait_for_url(f"**/desk/customers/{twin}")
    page.go_back()
    press(page, both.get_by_role("button", name=f"One person: keep {desk.customer}", exact=True))
    expect(pair(desk, page)).to_have_count(0)
    page.goto(f"{desk.url}/desk/customers/{twin}")
    page.wait_for_url(f"**/desk/customers/{desk.customer}")
    expect(page.locator("#also-known")).to_have_text(f"Also known as {twin}")


def test_two_people_are_never_suggested_again(desk: DeskSite, page: Page) -> None:
    twin = alike(desk)
    desk.sign_in(page, to="/desk/duplicates")
    press(page, pair(desk, page).get_by_role("button", name="Two people"))
    expect(pair(desk, page)).to_have_count(0)
    desk.tell("customer.updated", 1, whom=twin, name="Ann Ortega", email=f"{desk.customer}@x.test")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Duplicates")
    expect(pair(desk, page)).to_have_count(0)
    for id in (twin, desk.customer):
        page.goto(f"{desk.url}/desk/customers/{id}")
        page.wait_for_url(f"**/desk/customers/{id}")


def test_by_the_keyboard_alone(desk: DeskSite, page: Page) -> None:
    """Each link and button is reached by Tab, in the order in which it is read."""
    alike(desk)
    desk.sign_in(page, to="/desk/duplicates")
    pair(desk, page).get_by_role("link").first.focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(str(page.evaluate("document.activeElement.innerText")).split("\n")[0])
    assert seen[0] in ("Ann Ortega", "A. Ortega")
    assert [text.partition(":")[0] for text in seen[1:]] == ["One person", "One person", "Two people"]
    done(page, lambda: page.keyboard.press("Enter"))
    expect(pair(desk, page)).to_have_count(0)


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_the_page_looks_right(desk: DeskSite, page: Page) -> None:
    alike(
        desk,
        name="Wilhelmina Featherstonehaugh-Cholmondeley",
        email=f"w.featherstonehaugh.{desk.customer}@x.test",
    )
    desk.sign_in(page, "mia", to="/desk/duplicates")
    expect(pair(desk, page)).to_be_visible()
    assert look(page, "duplicates") == []
