"""How pages are looked at: pictures of them, and axe-core's word on each."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

PICTURES = Path(__file__).parents[2] / ".screenshots"
"""Git-ignored; taken where the variable of this name is set, for people to look at."""
SIZES = {"wide": (1360, 900), "narrow": (360, 740)}
LOOKED = {"reduced_motion": "reduce", "bypass_csp": True}
"""For ``context``: what moves would be looked at on its way."""
GRAVE = {"serious", "critical"}
RULES = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}
"""Colours are all that is another in the dark."""
VIOLATIONS = "async rules => (await axe.run(rules)).violations"
"""What axe has looked at besides is some megabytes."""


def looks(page: Page, sizes: Mapping[str, tuple[int, int]] = SIZES) -> Iterator[tuple[str, str]]:
    """The page as it is in each size, light and dark; a size and a scheme at a time."""
    for size, (width, height) in sizes.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            yield size, scheme


def look(page: Page, name: str, sizes: Mapping[str, tuple[int, int]] = SIZES) -> list[str]:
    """What axe-core has against the page in each look that is serious; that it is wider than its window is a
    fault too. And a picture of each, where they are wanted."""
    page.evaluate(AXE_SCRIPT)
    faults = []
    for size, scheme in looks(page, sizes):
        shown = f"{name}-{size}-{scheme}"
        if "PICTURES" in os.environ:
            page.screenshot(path=PICTURES / f"{shown}.png", full_page=True)
        violations: list[Any] = page.evaluate(VIOLATIONS, RULES[scheme])
        faults += [
            f"{shown}: {one['id']}: {one['help']}: {node['html'][:160]}"
            for one in violations
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{shown}: wider than its window")
    return faults
