"""The pages of customers, complaints and teams: light and dark, wide and narrow."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from services.interactions.desk.preferences import PREFERENCES
from tests.browser.looks import LOOKED, SIZES, look

from .conftest import DeskSite
from .people import ann_of, complains, full_life, full_team


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_customers_and_complaints(desk: DeskSite, page: Page) -> None:
    full_life(desk)
    for n, (minutes, severity) in enumerate(((700, "high"), (20, "critical"), (5, "low"), (240, "normal"))):
        complains(desk, f"x{n}", minutes, severity=severity, description=f"{n}. " + "It broke again. " * 9)
    waits = complains(desk, "waits", 300)
    desk.tell("complaint.acknowledged", 290, complaint_id=waits, assignee="ann")
    desk.tell("complaint.waiting", 280, complaint_id=waits, reason="a photo")
    desk.sign_in(page, "ann", f"/desk/customers/{desk.customer}")
    faults = look(page, "customer")
    pages = {
        "complaint": f"/desk/complaints/{desk.customer}-leak",
        "board": "/desk/complaints",
        "board-mine": "/desk/complaints?whose=mine",
        "search": "/desk/search",
        "search-found": "/desk/search?q=am",
        "search-nobody": "/desk/search?q=nobody-at-all",
        "trouble": "/desk/customers/none-such",
    }
    for name, path in pages.items():
        page.goto(desk.url + path)
        faults += look(page, name)
    page.goto(f"{desk.url}/desk/complaints/{desk.customer}-leak")
    page.keyboard.press("v")
    faults += look(page, "complaint-solve")
    page.goto(f"{desk.url}/desk/complaints/{desk.customer}-leak")
    page.keyboard.press("m")
    page.get_by_label("Money back").check()
    page.get_by_label("Amount").fill("a lot")
    page.get_by_role("button", name="Make good").click()
    expect(page.get_by_label("Amount")).to_be_focused()
    faults += look(page, "complaint-wrong")
    page.goto(f"{desk.url}/desk/customers/{desk.customer}")
    page.keyboard.press("n")
    page.get_by_label("What it is about").fill("The lid")
    page.get_by_label("In their words").fill("It does not close.")
    page.get_by_label("Order, if it is about one").fill("order no. 7")
    page.get_by_role("button", name="Open the complaint").click()
    expect(page.get_by_label("Order, if it is about one")).to_be_focused()
    expect(page.get_by_label("In their words")).to_have_value("It does not close.")
    faults += look(page, "customer-wrong")
    assert faults == []


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_teams(desk: DeskSite, page: Page) -> None:
    desk, team = replace(desk, customer="evening"), "evening"  # its pictures are shown
    desk.tell("customer.registered", 900, name="Selma Brandt")
    full_team(desk, team)
    complains(desk, "late", 700, severity="critical")
    desk.sign_in(page, ann_of(desk), f"/desk/team?team={team}")
    faults = look(page, "team")
    for name, path in {"wall": f"/desk/wall?team={team}", "me": "/desk/me"}.items():
        page.goto(desk.url + path)
        faults += look(page, name)
    page.goto(f"{desk.url}/desk/team?team=none-here")
    faults += look(page, "team-empty")
    page.goto(f"{desk.url}/desk/wall?team=none-here")
    faults += look(page, "wall-empty")
    assert faults == []


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_in_other_languages(desk: DeskSite, page: Page, language: str) -> None:
    """Words are longer there: nothing is wider than a phone."""
    team = f"team-{desk.customer}"
    full_life(desk)
    full_team(desk, team)
    desk.sign_in(page, ann_of(desk))
    cookie = {"name": PREFERENCES, "value": f"language={language}", "url": f"{desk.url}/desk"}
    page.context.add_cookies([cookie])
    faults, narrow = [], {"narrow": SIZES["narrow"]}
    for name, path in {
        "customer": f"/desk/customers/{desk.customer}",
        "complaint": f"/desk/complaints/{desk.customer}-leak",
        "board": "/desk/complaints",
        "search": "/desk/search?q=am",
        "team": f"/desk/team?team={team}",
        "wall": f"/desk/wall?team={team}",
        "me": "/desk/me",
    }.items():
        page.goto(desk.url + path)
        assert page.locator("html").get_attribute("lang") == language
        faults += look(page, f"{name}-{language}", narrow)
    assert faults == []
