"""One person under two ids: the old id's page is the survivor's, which says by what else they are known."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import LOOKED, look

from .conftest import DeskSite


def twins(desk: DeskSite) -> str:
    """The customer, and the same person under an old id, which is answered; each with a few things."""
    old, price = f"{desk.customer}-old", {"amount": 4990, "currency": "EUR"}
    items = [{"sku": "kettle", "quantity": 1, "unit_price": price}]
    bought: dict[str, Any] = {"channel": "web", "total": price, "items": items}
    desk.tell("customer.registered", 900, name="Ann Ortega", email=f"{desk.customer}@x.test")
    desk.tell("customer.registered", 800, whom=old, name="A. Ortega", phone="+34600111222")
    desk.tell("purchase.made", 700, order_id=f"{desk.customer}-1", **bought)
    desk.tell("purchase.made", 600, whom=old, order_id=f"{desk.customer}-2", **bought)
    desk.tell(
        "complaint.opened",
        30,
        whom=old,
        complaint_id=f"{old}-c",
        channel="phone",
        category="delivery",
        severity="high",
        description="It never came.",
    )
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "Where is it?"}
    desk.tell("interaction.logged", 20, whom=old, conversation_id=f"{old}-t", **said)
    return old


def merged(desk: DeskSite, old: str) -> None:
    told = {"into": desk.customer, "reason": "one telephone"}
    assert desk.call("POST", f"/customers/{old}/merge", told) == {"customer_id": old, "into": desk.customer}


def test_the_old_ids_page_is_the_survivors(desk: DeskSite, page: Page) -> None:
    old = twins(desk)
    desk.sign_in(page, to=f"/desk/customers/{old}")
    expect(page.get_by_role("heading", level=1)).to_have_text("A. Ortega")
    merged(desk, old)
    page.goto(f"{desk.url}/desk/customers/{old}")
    page.wait_for_url(f"**/desk/customers/{desk.customer}")
    expect(page.get_by_role("heading", level=1)).to_have_text("A. Ortega")
    expect(page.locator("#also-known")).to_have_text(f"Also known as {old}")
    expect(page.get_by_text("Joined with another customer")).to_be_visible()
    expect(page.locator("#about-them")).to_contain_text("+34600111222")
    expect(page.locator("#about-them")).to_contain_text(f"{desk.customer}@x.test")
    page.locator("#complaint-list").get_by_role("link", name="delivery").click()
    expect(page.get_by_text("It never came.").first).to_be_visible()
    page.goto(f"{desk.url}/desk/conversations/{old}-t?customer_id={old}")
    expect(page.get_by_text("Where is it?").first).to_be_visible()
    everything = page.get_by_role("link", name="Everything")
    expect(everything).to_have_attribute("href", f"/desk/customers/{desk.customer}")
    page.goto(f"{desk.url}/desk/search?q={old}")
    expect(page.get_by_role("link", name="A. Ortega")).to_have_count(1)
    desk.call("POST", f"/customers/{old}/unmerge", {"reason": "her sister"})
    page.goto(f"{desk.url}/desk/customers/{desk.customer}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann Ortega")
    expect(page.locator("#also-known")).to_have_count(0)
    page.goto(f"{desk.url}/desk/customers/{old}")
    expect(page.get_by_text("Parted from another customer")).to_be_visible()
    expect(page.locator("#complaint-list")).to_contain_text("It never came.")


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_a_merged_customers_page_looks_right(desk: DeskSite, page: Page) -> None:
    old = twins(desk)
    merged(desk, old)
    desk.sign_in(page, "mia", to=f"/desk/customers/{desk.customer}")
    assert look(page, "customer-merged") == []
