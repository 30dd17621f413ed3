"""Signing in and out, in a browser."""

from playwright.sync_api import Page, expect

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


def test_a_wrong_key_is_said(desk: DeskSite, page: Page) -> None:
    page.goto(f"{desk.url}/desk/sign-in")
    page.get_by_label("API key").fill("none of ours")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("API key")).to_have_accessible_description("This key is not known.")
