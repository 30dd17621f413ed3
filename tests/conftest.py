"""Marks each test with its tier, by the folder it is in."""

from pathlib import Path

import pytest

TIERS = ("integration", "faults", "browser", "bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in TIERS:
            item.add_marker(folder)
