"""Every page, light and dark, wide and narrow: pictures, and nothing serious that axe-core finds."""

import pytest
from playwright.sync_api import Page

from .conftest import DeskSite
from .looks import LOOKS, look


@pytest.mark.parametrize("context", LOOKS, indirect=True)
def test_the_pages_of_an_agent(desk: DeskSite, page: Page, request: pytest.FixtureRequest) -> None:
    page.goto(f"{desk.url}/desk/sign-in")
    faults = look(page, "sign-in", request)
    for path, name in (("/desk", "queue"), ("/desk/settings", "settings")):
        if name == "queue":
            _busy(desk)
            desk.sign_in(page, "ann")
        else:
            page.goto(desk.url + path)
        faults += look(page, name, request)
    page.keyboard.press("?")
    faults += look(page, "keys", request)
    assert faults == []


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
            desk.tell("conversation.assigned", 20, one, conversation_id=id, agent_id="ann")
