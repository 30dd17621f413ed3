"""The live page of a shop on its first day."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import look

from .conftest import OPEN_LOOKS, Figures


@pytest.mark.parametrize("context", OPEN_LOOKS, indirect=True)
def test_a_first_day(nothing: Figures, page: Page, request: pytest.FixtureRequest) -> None:
    page.goto(f"{nothing.url}/dashboard")
    assert look(page, "figures-nothing", request) == []
    expect(page.locator("#moved")).to_contain_text("Nothing yet")
    assert page.locator(".figure").count() == 0
