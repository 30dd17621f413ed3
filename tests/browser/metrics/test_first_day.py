"""The live page of a shop on its first day."""

import pytest
from playwright.sync_api import Page, Route, expect

from shared.schemas.event import Event
from tests.browser.looks import look
from tests.unit.metrics.story import answered

from .conftest import NOW, OPEN_LOOKED, OPENED, Figures


@pytest.mark.parametrize("context", [OPEN_LOOKED], indirect=True)
def test_a_first_day(nothing: Figures, page: Page) -> None:
    page.goto(f"{nothing.url}/dashboard")
    assert look(page, "figures-nothing") == []
    expect(page.locator("#moved")).to_contain_text("Nothing yet")
    assert page.locator(".figure").count() == 0


@pytest.mark.parametrize("context", [OPENED], indirect=True)
def test_the_page_asks_again_where_something_else_has_answered(nothing: Figures, page: Page) -> None:
    """For its stream, and for itself: as while the service is started anew."""
    refused = {"eventsource": 0, "fetch": 0}

    def refuse_the_first(route: Route) -> None:
        kind = route.request.resource_type
        if refused.get(kind, 1):
            route.continue_()
        else:
            refused[kind] += 1
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")

    page.route(f"{nothing.url}/dashboard**", refuse_the_first)
    page.goto(f"{nothing.url}/dashboard")
    nothing.count([Event(f"e-{n}", "/test", f"c{n}", NOW, answered("nps", 0, f"e-{n}")) for n in range(9)])
    expect(page.locator("#nps .number-of b")).to_be_visible(timeout=15_000)
    expect(page.locator("[data-live=on]")).to_be_visible()
    assert refused == {"eventsource": 1, "fetch": 1}
