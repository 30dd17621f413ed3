"""My queue: what routing gives to an agent is there at once; a shift, a break, and giving to a colleague."""

from playwright.sync_api import Page, expect

from .conftest import DeskSite, press


def told(desk: DeskSite, agent: str, name: str, **changes: bool) -> None:
    """An agent of the test's own team."""
    capacity = {"total": 3, "weights": {"email": 1, "chat": 0.5}}
    shift = {"on_shift": True, "on_break": False} | changes
    team = f"{desk.customer}-team"
    desk.tell("agent.changed", 9, team, agent_id=agent, name=name, capacity=capacity, **shift)


def asks_for_a_person(desk: DeskSite, number: int, name: str) -> None:
    one, talk = f"{desk.customer}-{number}", f"{desk.talk}-{number}"
    desk.tell("customer.registered", 5, one, name=name, email=f"{one}@x.test")
    said = {"channel": "email", "direction": "inbound", "kind": "message", "conversation_id": talk}
    desk.tell("interaction.logged", 4, one, summary="The kettle leaks.", text="The kettle leaks.", **said)
    handed = {"from": "bot", "reason": "asked for a person", "team": f"{desk.customer}-team"}
    desk.tell("conversation.escalated", 0, one, conversation_id=talk, **handed)


def test_what_is_routed_to_me_is_there_at_once(desk: DeskSite, page: Page) -> None:
    ann, ben = f"{desk.customer}-ann", f"{desk.customer}-ben"
    told(desk, ann, "Ann", on_shift=False)
    desk.sign_in(page, ann)
    shift = page.get_by_role("region", name="My shift")
    expect(shift.get_by_text("not at work")).to_be_visible()
    asks_for_a_person(desk, 1, "Ana Ruiz")
    waiting = page.get_by_role("list", name="Waiting for somebody")
    expect(waiting.get_by_role("link", name="Ana Ruiz")).to_be_visible()

    shift.get_by_role("button", name="Start my shift").click()
    mine = page.get_by_role("list", name="With me")
    expect(mine.get_by_role("link", name="Ana Ruiz")).to_be_visible()
    expect(mine.get_by_text("The kettle leaks.")).to_be_visible()
    asks_for_a_person(desk, 2, "Bea Sanz")
    expect(mine.get_by_role("link", name="Bea Sanz")).to_be_visible(timeout=2_000)
    expect(shift.get_by_text("2 of 3 carried")).to_be_visible()

    shift.get_by_role("button", name="Take a break").click()
    expect(shift.get_by_text("on a break")).to_be_visible()
    told(desk, ben, "Ben", on_break=True)
    mine.get_by_role("link", name="Bea Sanz").click()
    page.locator("summary", has_text="Give it to a colleague").click()
    page.get_by_label("Agent", exact=True).select_option(ben)
    press(page, page.get_by_role("button", name="Give it to them"))
    expect(page.get_by_text("Done all the same. They have a break.")).to_be_visible()
    expect(page.locator("#state").get_by_text("Ben has it")).to_be_visible()
