"""Signing in and out, in a browser."""

from playwright.sync_api import Page, Route, expect

from .conftest import DeskSite


def test_who_is_signed_in_sees_the_queue(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 3, name="Ann Ortega")
    desk.writes("The kettle leaks", 2, conversation_id=f"{desk.customer}-1")
    desk.sign_in(page, desk.customer)
    expect(page.get_by_role("heading", level=1)).to_have_text("My queue")
    expect(page.get_by_role("link", name="Ann Ortega")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You have signed out.")
    page.goto(f"{desk.url}/desk")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_part_that_comes_meanwhile_does_not_take_the_goodbye_away(desk: DeskSite, page: Page) -> None:
    desk.sign_in(page, desk.customer)
    expect(page.get_by_role("heading", level=1)).to_have_text("My queue")
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        held[route.request.method] = route

    for asked in ("**/desk/sign-out", "**/desk"):
        page.route(asked, hold)
    # A click by Playwright would wait for its answer.
    page.get_by_role("button", name="Sign out").evaluate(
        "button => setTimeout(() => { htmx.trigger('[data-watch]', 'changed'); button.click() })"
    )
    while held.keys() != {"GET", "POST"}:
        page.wait_for_timeout(20)
    held["GET"].fulfill(status=204, headers={"HX-Redirect": "/desk/sign-in?to=/desk"})
    held["POST"].continue_()
    expect(page.get_by_role("status")).to_have_text("You have signed out.")


def test_a_wrong_key_is_said(desk: DeskSite, page: Page) -> None:
    page.goto(f"{desk.url}/desk/sign-in")
    page.get_by_label("API key").fill("none of ours")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("API key")).to_have_accessible_description("This key is not known.")
