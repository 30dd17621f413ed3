"""The live page and the report in a browser: for everybody, live, without scripts, on paper, from a file."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.schemas.event import Event
from tests.browser.looks import look, looks
from tests.unit.metrics.story import answered

from .conftest import NOW, OPEN_LOOKED, OPENED, Figures

CHECKS = (Path(__file__).parents[1] / "access.js").read_text(encoding="utf-8")
PAGES = {
    "dashboard": "/dashboard?days=30",
    "report-week": "/report?period=week",
    "report-month": "/report?period=month",
}


@pytest.mark.parametrize("context", [OPEN_LOOKED], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_it(figures: Figures, page: Page, name: str) -> None:
    page.goto(figures.url + PAGES[name])
    assert look(page, f"figures-{name}") == []
    # Names in tables are as high as their line; a page that is live has its script.
    borne = ("a target of", "what no page needs")
    faults = {one: page.evaluate(CHECKS) for one in looks(page)}
    assert {
        one: found for one in faults if (found := [f for f in faults[one] if not f.startswith(borne)])
    } == {}


@pytest.mark.parametrize("context", [OPENED], indirect=True)
def test_it_stays_as_it_should_be(figures: Figures, page: Page) -> None:
    page.goto(f"{figures.url}/dashboard?days=30")
    card = page.locator("#nps")
    expect(page.locator("[data-live=on]")).to_be_visible()
    expect(page.locator("[data-live=off]")).to_be_hidden()
    card.locator("summary").click()
    page.locator("#csat summary").focus()
    before = card.locator(".number-of b").inner_text()
    figures.count(
        [Event(f"late-{n}", "/test", f"c{n}", NOW, answered("nps", 0, f"late-{n}")) for n in range(60)]
    )
    expect(card.locator(".number-of b")).not_to_have_text(before)
    expect(card.locator("details")).to_have_attribute("open", "")
    expect(page.locator("#csat summary")).to_be_focused()
    page.reload()  # and it says the same
    assert page.locator("#nps .number-of b").inner_text() != before


@pytest.mark.parametrize("context", [{**OPENED, "java_script_enabled": False}], indirect=True)
def test_it_works_without_scripts(figures: Figures, page: Page) -> None:
    page.goto(f"{figures.url}/dashboard")
    page.get_by_role("link", name="7 days").click()
    expect(page.locator("h1")).to_have_text("The last 7 days")
    page.get_by_label("Whose figures").select_option("gold")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".note").first).to_have_text("Only of segment gold.")
    expect(page.locator("h1")).to_have_text("The last 7 days")
    page.locator("#nps summary").click()
    expect(page.locator("#nps tbody tr")).to_have_count(12)
    page.locator("#nps").get_by_role("link", name="What this means").click()
    expect(page.locator("#about-nps")).to_be_in_viewport()


def test_the_report_is_one_file(figures: Figures, browser: Browser, tmp_path: Path) -> None:
    """From a disk, without a network, on paper."""
    context = browser.new_context(**OPENED, viewport={"width": 794, "height": 1123})
    page = context.new_page()
    page.goto(f"{figures.url}/report?period=month")
    file = tmp_path / "report.html"
    file.write_text(page.content(), encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    context.set_offline(True)
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("details:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for box in [one.bounding_box() for one in page.locator(".chart svg").all()]:
        assert box is not None
        assert box["height"] > 40
        assert box["width"] > 150
    assert page.pdf(format="A4").count(b"/Type /Page\n") < 12
    context.close()
