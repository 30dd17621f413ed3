"""Whether everybody can use the pages: labels, contrast, sizes, the keyboard; light, dark, wide, narrow."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from shared.pages.readers import LANGUAGES
from tests.browser.looks import looks
from tests.unit.followup.driver import granted, profile

from .conftest import Site

CHECKS = (Path(__file__).parent / "access.js").read_text(encoding="utf-8")
SIZES = {"wide": (1280, 800), "narrow": (320, 800)}
LOOKS = [
    pytest.param(
        {"viewport": {"width": width, "height": height}, "color_scheme": scheme}, id=f"{name} {scheme}"
    )
    for name, (width, height) in SIZES.items()
    for scheme in ("light", "dark")
]


def sent(page: Page) -> None:
    """The page that answers the form is there: a click alone does not wait for it."""
    with page.expect_navigation():
        page.locator("button").first.click()


def visits(site: Site, page: Page) -> Iterator[str]:
    """Each kind of page there is, by name."""
    pages: dict[str, Callable[[], object]] = {
        "nps": lambda: page.goto(f"{site.survey()}?score=9"),
        "csat": lambda: page.goto(site.survey("csat", "complaint", "k-1")),
        "ces": lambda: page.goto(site.survey("ces")),
        "answered": lambda: (page.goto(f"{site.survey('csat')}?score=4"), sent(page)),
        "closed": lambda: page.goto(site.survey(days=-60)),
        "unknown": lambda: page.goto(f"{site.url}/s/x.y"),
        "preferences": lambda: page.goto(site.preferences),
        "saved": lambda: (page.goto(site.preferences), sent(page)),
        "unsubscribe": lambda: page.goto(site.unsubscribe()),
        "topic": lambda: page.goto(site.unsubscribe("events")),
        "unsubscribed": lambda: (page.goto(site.unsubscribe()), sent(page)),
    }
    for name, go in pages.items():
        go()
        yield name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page(site: Site, page: Page, language: str) -> None:
    site.worker.event(profile(locale=language, phone="+49301234567" if language in ("en", "de") else None))
    site.worker.event(granted())
    site.worker.save()
    faults = {
        (name, *one): found
        for name in visits(site, page)
        for one in looks(page, SIZES)
        if (found := page.evaluate(CHECKS))
    }
    assert faults == {}


@pytest.mark.parametrize("context", LOOKS, indirect=True)
def test_what_has_the_focus_is_seen(site: Site, page: Page) -> None:
    for name in visits(site, page):
        seen = 0
        for _ in range(30):
            page.keyboard.press("Tab")
            outline = page.evaluate(
                """() => {
                  const one = document.activeElement
                  if (!one || one === document.body) return null
                  const shown = one.closest('.scale') ? one.nextElementSibling : one
                  const style = getComputedStyle(shown)
                  return [one.outerHTML.slice(0, 80), style.outlineStyle, parseFloat(style.outlineWidth)]
                }"""
            )
            if outline is None:  # past the last; at first it may be where a click was before
                if seen:
                    break
                continue
            seen += 1
            assert outline[1] != "none", (name, outline)
            assert outline[2] >= 2, (name, outline)
        assert seen or name in ("closed", "unknown"), name


@pytest.mark.parametrize("context", [{"viewport": {"width": 640, "height": 400}}], indirect=True)
def test_text_at_twice_the_size(site: Site, page: Page) -> None:
    for name in visits(site, page):
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, name
