"""How pages are looked at: pictures of them, and axe-core's word on each."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PICTURES = Path(__file__).parents[2] / ".screenshots"
"""Git-ignored."""
SIZES = {"wide": (1360, 900), "narrow": (360, 740)}
LOOKS = [
    pytest.param(
        {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "reduced_motion": "reduce"}
        | {"bypass_csp": True},
        id=f"{size}-{scheme}",
    )
    for size, (width, height) in SIZES.items()
    for scheme in ("light", "dark")
]
"""For ``context``."""
GRAVE = {"serious", "critical"}


def look(page: Page, name: str, request: pytest.FixtureRequest) -> list[str]:
    """A picture of the page as it is, and what axe-core has against it that is serious. A page wider than its
    window is a fault too."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{request.node.callspec.id}.png", full_page=True)
    found: dict[str, Any] = Axe().run(page).response
    faults = [
        f"{name}: {one['id']}: {one['help']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        faults.append(f"{name}: wider than its window")
    return faults
