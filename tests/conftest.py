"""Marks each test with its tier, by the folder it is in; and starts the platform for those that ask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.embedded.stack import PARTS
from rapport.home import Home, read_env
from rapport.launch import StartFailed, fetch, launch, stop
from tests.stack import Stack

TIERS = ("integration", "faults", "browser", "bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in TIERS:
            item.add_marker(folder)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole platform, started once a session; ``RAPPORT_TEST_HOME`` names one that runs already."""
    running = os.environ.get("RAPPORT_TEST_HOME")
    if running:
        home = Home(Path(running))
        yield Stack(home, read_env(home))
        return
    home = Home(tmp_path_factory.mktemp("stack"))
    try:
        fetch(PARTS)
        launch(home)
    except StartFailed as failed:
        pytest.fail(f"{failed}\n" + "\n".join(failed.failure.tail))
    try:
        yield Stack(home, read_env(home))
    finally:
        stop(home)
