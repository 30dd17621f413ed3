"""What is live stays live: nothing is lost while a part is on its way, or could not be had, or a button is
pressed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Route, expect

from .conftest import DeskSite
from .test_queue import asks_for_a_person, told

HEARS = """
const Plain = EventSource
window.heard = []
window.EventSource = class extends Plain {
  constructor(...told) {
    super(...told)
    this.addEventListener('changed', event => window.heard.push(event.data))
  }
}
"""
"""A page that says what it has been told."""


def at_my_queue(desk: DeskSite, page: Page, *, on_shift: bool) -> None:
    """As an agent of a team with nothing to do."""
    page.add_init_script(HEARS)
    told(desk, f"{desk.customer}-ann", "Ann", on_shift=on_shift)
    desk.sign_in(page, f"{desk.customer}-ann")
    expect(page.get_by_role("region", name="My shift")).to_be_visible()


def heard(page: Page, happens: Callable[[], None]) -> None:
    """Until the page was told of it."""
    before = page.evaluate("window.heard.length")
    happens()
    while page.evaluate("window.heard.length") == before:
        page.wait_for_timeout(20)


def part_of(route: Route) -> bool:
    """Whether a part of a page is asked for."""
    return "hx-request" in route.request.headers


def test_what_changes_while_a_part_is_on_its_way_is_asked_for_after_it(desk: DeskSite, page: Page) -> None:
    held: list[tuple[Route, APIResponse]] = []

    def hold_the_first(route: Route) -> None:
        if part_of(route) and not held:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    page.route(f"{desk.url}/desk", hold_the_first)
    at_my_queue(desk, page, on_shift=False)
    told(desk, f"{desk.customer}-ben", "Ben", on_shift=False)
    while not held:
        page.wait_for_timeout(20)
    heard(page, lambda: asks_for_a_person(desk, 1, "Lia Winter"))
    ((route, old),) = held
    route.fulfill(response=old)
    waiting = page.get_by_role("list", name="Waiting for somebody")
    expect(waiting.get_by_role("link", name="Lia Winter")).to_be_visible()


def test_a_part_that_could_not_be_had_stays_as_it_is_until_it_can(desk: DeskSite, page: Page) -> None:
    away = True

    def refuse(route: Route) -> None:
        if part_of(route) and away:
            route.fulfill(status=503, content_type="text/html", body="<p>The store is away.</p>")
        else:
            route.continue_()

    page.route(f"{desk.url}/desk", refuse)
    at_my_queue(desk, page, on_shift=False)
    asks_for_a_person(desk, 1, "Lia Winter")
    trouble = page.get_by_text("What is marked may be old: it is asked for again.")
    expect(trouble).to_be_visible()
    expect(page.locator("#lists[data-old]")).to_be_visible()
    expect(page.get_by_role("button", name="Start my shift")).to_be_visible()
    away = False
    expect(page.get_by_role("link", name="Lia Winter")).to_be_visible()
    expect(trouble).to_be_hidden()
    expect(page.locator("[data-old]")).to_have_count(0)


@pytest.mark.parametrize("status", [200, 404])
def test_what_is_no_answer_of_the_desk_is_put_in_nowhere(desk: DeskSite, page: Page, status: int) -> None:
    """A proxy's page while the service starts anew, or that of a sign-in before it: the page stays."""
    away = True

    def answer(route: Route) -> None:
        if away:
            route.fulfill(status=status, content_type="text/html", body="<h1>default backend</h1>")
        else:
            route.continue_()

    at_my_queue(desk, page, on_shift=False)
    page.evaluate("window.same = true")
    page.route(f"{desk.url}/desk", answer)
    asks_for_a_person(desk, 1, "Lia Winter")
    trouble = page.get_by_text("What is marked may be old: it is asked for again.")
    expect(trouble).to_be_visible()
    expect(page.get_by_role("button", name="Start my shift")).to_be_visible()
    away = False
    expect(page.get_by_role("link", name="Lia Winter")).to_be_visible()
    expect(trouble).to_be_hidden()
    assert page.evaluate("window.same"), "it was not loaded anew"


def test_a_parts_trouble_is_told_until_that_part_is_well(desk: DeskSite, page: Page) -> None:
    """Another part that is well says nothing of it."""
    away, talks = True, f"{desk.url}/desk/conversations/{desk.talk}"

    def refuse(route: Route) -> None:
        if part_of(route) and away:
            route.fulfill(status=503, content_type="text/html", body="<p>The store is away.</p>")
        else:
            route.continue_()

    desk.writes("The kettle leaks.", conversation_id=desk.talk)
    page.add_init_script(HEARS)
    desk.sign_in(page, "ann")
    page.route(f"{talks}?*", refuse)
    page.goto(f"{talks}?customer_id={desk.customer}")
    expect(page.get_by_text("The kettle leaks.").first).to_be_visible()
    desk.writes("Now it burns.", conversation_id=desk.talk)
    trouble = page.get_by_text("What is marked may be old: it is asked for again.")
    expect(trouble).to_be_visible()
    expect(page.locator("#transcript[data-old]")).to_be_visible()
    expect(page.locator("#presence[data-old]")).to_have_count(0)
    desk.at_it(desk.talk, "ben", "Ben", "answering")
    expect(page.get_by_text("Ben is answering")).to_be_visible()
    expect(trouble).to_be_visible()
    away = False
    expect(page.get_by_text("Now it burns.").first).to_be_visible()
    expect(trouble).to_be_hidden()
    expect(page.locator("[data-old]")).to_have_count(0)


@pytest.mark.parametrize("lost", [None, 502])
def test_a_form_that_nobody_answered_stays_with_what_was_written(
    desk: DeskSite, context: BrowserContext, lost: int | None
) -> None:
    page = context.new_page()  # htmx tells the console of it, too
    desk.writes("The kettle leaks.", conversation_id=desk.talk)
    desk.tell("conversation.escalated", 0, **{"conversation_id": desk.talk, "from": "bot", "reason": "r"})
    desk.sign_in(page, "ann")
    page.goto(f"{desk.url}/desk/conversations/{desk.talk}?customer_id={desk.customer}")
    away = True

    def answer(route: Route) -> None:
        if route.request.method != "POST" or not away or "/presence" in route.request.url:
            route.continue_()
        elif lost is None:
            route.abort()
        else:
            route.fulfill(status=lost, content_type="text/html", body="<h1>Bad gateway</h1>")

    page.route(f"{desk.url}/desk/**", answer)
    page.keyboard.press("n")
    note = page.get_by_label("The customer never sees it")
    note.fill("She called twice.")
    send = page.get_by_role("button", name="Keep the note")
    send.click()
    trouble = page.get_by_text("No answer came from the desk.")
    expect(trouble).to_be_visible()
    expect(note).to_have_value("She called twice.")
    away = False
    send.click()
    expect(trouble).to_be_hidden()
    expect(page.locator("#transcript").get_by_text("She called twice.")).to_be_visible()


def test_a_page_asks_for_its_stream_again_where_something_else_has_answered(
    desk: DeskSite, page: Page
) -> None:
    refused: list[str] = []

    def refuse_the_first(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")

    page.route(f"{desk.url}/desk/live?*", refuse_the_first)
    at_my_queue(desk, page, on_shift=False)
    asks_for_a_person(desk, 1, "Lia Winter")
    expect(page.get_by_role("link", name="Lia Winter")).to_be_visible()
    assert len(refused) == 1


def test_my_queue_is_told_of_whom_it_has_come_to_show(desk: DeskSite, page: Page) -> None:
    at_my_queue(desk, page, on_shift=True)
    asks_for_a_person(desk, 1, "Lia Winter")
    mine = page.get_by_role("list", name="With me")
    expect(mine.get_by_text("The kettle leaks.")).to_be_visible()
    said = {"channel": "email", "direction": "inbound", "kind": "message", "text": "Now it burns."}
    desk.tell(
        "interaction.logged",
        0,
        f"{desk.customer}-1",
        conversation_id=f"{desk.talk}-1",
        summary="Now it burns.",
        **said,
    )
    expect(mine.get_by_text("Now it burns.")).to_be_visible()


def test_a_button_is_not_taken_away_while_it_is_pressed(desk: DeskSite, page: Page) -> None:
    at_my_queue(desk, page, on_shift=False)
    page.get_by_role("button", name="Start my shift").hover()
    page.mouse.down()
    heard(page, lambda: asks_for_a_person(desk, 1, "Lia Winter"))
    expect(page.locator("[data-watch].htmx-request")).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_role("button", name="Take a break")).to_be_visible()
    expect(page.get_by_role("link", name="Lia Winter")).to_be_visible()
