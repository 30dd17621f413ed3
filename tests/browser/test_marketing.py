"""The pages for marketers in a browser: without scripts, light and dark, wide and narrow, by the API key."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.looks import looks
from tests.unit.followup.apiworker import DAYTIME, KEY
from tests.unit.followup.driver import granted, purchase

from .conftest import Site

CHECKS = (Path(__file__).parent / "access.js").read_text(encoding="utf-8")
OPENED = {"http_credentials": {"username": "anybody", "password": KEY["X-API-Key"]}}
SIZES = {"wide": (1280, 800), "narrow": (320, 800)}


@pytest.fixture
def counted(site: Site) -> Iterator[Site]:
    """A message that went, one that was refused, and one that waits, among results of a comparison."""
    site.worker.event(granted())
    site.worker.event(purchase())
    site.worker.after(timedelta(hours=3))
    site.worker.event(granted(word=False))
    site.worker.event(purchase("o-2"))
    results = site.worker.store["results"]
    results.delete_many({})
    for row in site.worker.worker.rows("results"):
        results.insert_one({**row, "_id": f"0|{row['key']}"})
    today = f"{DAYTIME:%Y-%m-%d}"
    for arm, assigned, reached in (("all", 950, 300), ("holdout", 50, 5)):
        key = f"win-back|{today}|@|{arm}"
        results.insert_one({"_id": f"0|{key}", "key": key, "assigned": assigned, "reached": reached})
    yield site
    results.delete_many({})


def test_without_the_key_there_is_no_page(site: Site, page: Page) -> None:
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):  # the browser would ask for it
        page.goto(f"{site.url}/marketing")


@pytest.mark.parametrize("context", [OPENED], indirect=True)
def test_everybody_can_read_them(counted: Site, page: Page) -> None:
    last = f"{DAYTIME + timedelta(days=3):%Y-%m-%d}"
    for path in ("", "/rules/thank-you", "/rules/win-back", "/rules/manual"):
        page.goto(f"{counted.url}/marketing{path}?from=2020-01-01&to={last}")
        for look in looks(page, SIZES):
            # Names in tables are as high as their line, as links in a text are.
            faults = [fault for fault in page.evaluate(CHECKS) if not fault.startswith("a target of")]
            assert faults == [], look


@pytest.mark.parametrize("context", [{**OPENED, "java_script_enabled": False}], indirect=True)
def test_they_work_without_scripts(counted: Site, page: Page) -> None:
    last = f"{DAYTIME + timedelta(days=3):%Y-%m-%d}"
    page.goto(f"{counted.url}/marketing?from=2020-01-01&to={last}")
    page.get_by_role("link", name="thank-you").first.click()
    expect(page.locator("h1")).to_have_text("thank-you")
    labels = page.locator(".stages").first.locator(".label")
    expect(labels.nth(0)).to_have_text("planned")
    expect(labels.nth(1)).to_have_text("sent")
    page.get_by_role("link", name="All rules").click()
    expect(page.locator("h1")).to_have_text("Outreach")
