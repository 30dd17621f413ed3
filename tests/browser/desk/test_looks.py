"""Every page, light and dark, wide and narrow: pictures, and nothing serious that axe-core finds."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import LOOKED, SIZES, look

from .conftest import DeskSite
from .test_queue import told


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_the_pages_of_an_agent(desk: DeskSite, page: Page) -> None:
    page.goto(f"{desk.url}/desk/sign-in")
    faults = look(page, "sign-in")
    _busy(desk)
    _talk(desk)
    desk.sign_in(page, "mia")
    faults += look(page, "queue")
    width, height = SIZES["wide"]  # it opens at its end, where what was said is a part of the page
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{desk.url}/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    expect(page.get_by_text("Ben is answering")).to_be_visible()
    faults += look(page, "conversation")
    page.get_by_text("Make good").first.click()
    faults += look(page, "make-good")
    page.goto(f"{desk.url}/desk/settings")
    faults += look(page, "settings")
    page.keyboard.press("?")
    faults += look(page, "keys")
    page.goto(f"{desk.url}/desk/conversations/none")
    faults += look(page, "trouble")
    assert faults == []


MIDDLES = (
    "card => [...card.children].map(one => one.getBoundingClientRect()).map(box => box.y + box.height / 2)"
)
APART = """facts => [...facts.querySelectorAll('dt')]
  .map(one => one.getBoundingClientRect().y - one.nextElementSibling.getBoundingClientRect().y)"""
FORM = """form => {
  const [card, label] = [form, form.querySelector('label')].map(one => one.getBoundingClientRect())
  return [card.width, label.y - card.y]
}"""


def test_what_is_beside_each_other_begins_at_one_height(desk: DeskSite, page: Page) -> None:
    """A form begins at the top of its card, what is named beside its name, and my shift is one line."""
    _talk(desk)
    told(desk, f"{desk.customer}-mia", "Mia")
    desk.sign_in(page, f"{desk.customer}-mia")
    middles = page.get_by_role("region", name="My shift").evaluate(MIDDLES)
    assert max(middles) - min(middles) < 2
    page.goto(f"{desk.url}/desk/settings")
    width, top = page.locator("form.card").evaluate(FORM)
    assert width <= 32 * 16
    assert top < 32
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{desk.url}/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    assert {*page.locator("#aside-live .facts").evaluate(APART)} == {0}


def _talk(desk: DeskSite) -> None:
    """A conversation that has been through much."""
    profile: dict[str, Any] = {
        "name": "Ana Lucía Fernández",
        "email": "ana@x.test",
        "phone": "+34600111222",
        "locale": "es",
        "timezone": "Europe/Madrid",
        "preferred_channel": "email",
        "preferences": {"diet": "vegan", "shoe_size": 38, "newsletter": True},
    }
    desk.tell("customer.registered", 9000, **profile)
    price = {"amount": 12990, "currency": "EUR"}
    items = [{"sku": "kettle", "quantity": 1, "unit_price": price}]
    desk.tell("purchase.made", 8000, order_id=f"{desk.customer}-o", channel="web", total=price, items=items)
    talk: dict[str, Any] = {"conversation_id": desk.talk}
    bot = {"channel": "chat", "direction": "outbound", "kind": "message", "author": "bot", **talk}
    desk.writes("Hola, where is my kettle? It should have come on Monday.", 1500, channel="chat", **talk)
    for minutes, text in ((1499, "Your order is on its way!"), (1497, "Can I help with anything else?")):
        desk.tell("interaction.logged", minutes, summary=text, text=text, **bot)
    desk.writes("That is what you said last week. A person, please.", 1495, channel="chat", **talk)
    handed = {"from": "bot", "reason": "asked for a person", "priority": "high", **talk}
    desk.tell("conversation.escalated", 1494, **handed)
    desk.tell("conversation.assigned", 1490, agent_id="mia", **talk)
    opened = {"complaint_id": f"{desk.customer}-k", "channel": "chat", "category": "delivery", **talk}
    desk.tell("complaint.opened", 200, description="The kettle has not come", severity="high", **opened)
    note = "The carrier lost it: I have asked for a new one."
    desk.tell("conversation.noted", 190, agent_id="ben", text=note, **talk)
    answer = {"channel": "email", "direction": "outbound", "kind": "reply", "author": "agent", **talk}
    text = "Dear Ana,\n\nwe are sorry. The carrier has lost your parcel; a new kettle leaves today.\n\nAnn"
    said = {"summary": "We are sorry", "text": text, "subject": "Your kettle", "agent_id": "mia"}
    desk.tell("interaction.logged", 120, **said, **answer)
    photo = {"name": "kettle.jpg", "type": "image/jpeg", "size": 182_000, "sha256": "0" * 64}
    photo["url"] = "https://shop.example/kettle.jpg"
    desk.writes("It came, but the lid leaks.", 12, subject="Re: Your kettle", attachments=[photo], **talk)
    desk.at_it(desk.talk, "ben", "Ben", "answering")


def _busy(desk: DeskSite) -> None:
    """Some customers, of whom each wants something."""
    people = (
        ("Ana Lucía Fernández", "email", "high", "assigned"),
        ("Bob Petersen", "chat", "urgent", None),
        ("Çiğdem Yılmaz-Hoffmann", "sms", None, "assigned"),
        ("Dr. Maximiliane von Oberhausen-Schwarzenberg", "phone", "normal", None),
    )
    for place, (name, channel, priority, status) in enumerate(people):
        one, id = f"{desk.customer}-{place}", f"{desk.customer}-{place}-c"
        desk.tell("customer.registered", 300, one, name=name, email=f"p{place}@x.test")
        said = {"channel": channel, "direction": "inbound", "kind": "message", "conversation_id": id}
        desk.tell(
            "interaction.logged",
            30 + place * 50,
            one,
            summary="The kettle leaks",
            text="The kettle leaks",
            **said,
        )
        told = {"conversation_id": id, "from": "bot", "reason": "asked for a person"}
        if priority:
            told["priority"] = priority
        desk.tell("conversation.escalated", 25, one, **told)
        if status:
            desk.tell("conversation.assigned", 20, one, conversation_id=id, agent_id="mia")
