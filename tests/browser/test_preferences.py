"""The preference centre and the unsubscribe page, with scripts and without."""

import pytest
from playwright.sync_api import Page, expect

from shared.schemas.customers import ConsentChanged, CustomerUpdated
from tests.unit.followup.driver import granted, profile

from .conftest import Site

BOTH = pytest.mark.parametrize(
    "context", [{}, {"java_script_enabled": False}], indirect=True, ids=["scripts", "no scripts"]
)


def said(site: Site) -> set[tuple[str, str, str | None, bool]]:
    return {(w.purpose, w.channel, w.topic_, w.granted) for w in site.worker.facts(ConsentChanged)}


@BOTH
def test_there_and_back(site: Site, page: Page) -> None:
    site.worker.event(profile(phone="+49301234567"))
    site.worker.event(granted())
    site.worker.save()
    page.goto(site.preferences)
    evenings = page.get_by_role("group", name="Members’ evenings")
    expect(evenings.get_by_label("By email")).to_be_checked()
    expect(evenings.get_by_label("By text message")).not_to_be_checked()
    evenings.get_by_label("By email").uncheck()
    evenings.get_by_label("By text message").check()
    page.get_by_label("At most once a week").check()
    page.get_by_label("No offers, news or questions for 30 days").check()
    page.get_by_label("Language").select_option("Français")
    assert said(site) == set()  # nothing before it is saved
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_have_text("Vos choix ont été enregistrés.")
    assert said(site) == {("marketing", "email", "events", False), ("marketing", "sms", "events", True)}
    assert [one.locale for one in site.worker.facts(CustomerUpdated)] == ["fr"]
    soirees = page.get_by_role("group", name="Soirées des membres")
    expect(soirees.get_by_label("Par e‑mail")).not_to_be_checked()
    expect(soirees.get_by_label("Par SMS")).to_be_checked()
    expect(page.get_by_label("Au plus une fois par semaine")).to_be_checked()
    expect(page.get_by_label("Langue")).to_have_value("fr")
    page.reload()
    assert len(said(site)) == 2

    page.get_by_label("Ni offres, ni nouvelles, ni questions jusqu’au").uncheck()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_label("Ni offres, ni nouvelles, ni questions pendant 30 jours")).not_to_be_checked()
    assert site.worker.state.wishes.paused_until is None
    assert site.worker.state.wishes.frequency == "weekly"


def test_one_channel_shows_topics_as_a_list(site: Site, page: Page) -> None:
    page.goto(site.preferences)
    page.get_by_label("New products").check()
    page.get_by_label("New products").press("Enter")  # the first button is the one that saves
    expect(page.get_by_role("status")).to_be_visible()
    assert said(site) == {("marketing", "email", "products", True)}


@BOTH
def test_stopping_all(site: Site, page: Page) -> None:
    site.worker.event(granted())
    site.worker.save()
    page.goto(site.preferences)
    page.get_by_role("button", name="Stop all offers and news").click()
    expect(page.get_by_label("New products")).not_to_be_checked()
    assert ("marketing", "email", None, False) in said(site)


@BOTH
def test_unsubscribing_in_one_click(site: Site, page: Page) -> None:
    page.goto(site.unsubscribe())
    assert said(site) == set()
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert said(site) == {("marketing", "email", None, False)}
    page.get_by_role("link", name="Choose what you get").click()
    expect(page.get_by_role("heading", name="Your messages")).to_be_visible()


@pytest.mark.parametrize(
    ("button", "topic"), [("No more about “New products”", "products"), ("Stop all offers and news", None)]
)
def test_unsubscribing_from_a_topic_or_from_all(
    site: Site, page: Page, button: str, topic: str | None
) -> None:
    page.goto(site.unsubscribe("products"))
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert said(site) == {("marketing", "email", topic, False)}
