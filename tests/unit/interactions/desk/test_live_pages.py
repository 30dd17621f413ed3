"""What a page says of how new it is: as old as the first thing that it read."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions.desk.live import Live
from services.interactions.store import InteractionsStore

from .test_forms import browser
from .watching import Database

__all__ = ["browser"]


def looks(mark: str) -> int:
    return int(mark.rpartition(".")[2])


def test_what_is_found_while_a_page_is_read_is_newer_than_its_mark(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = browser.app
    live: Live = app.state.pages.live
    before, found = InteractionsStore.agent, list[int]()

    async def read_and_then_looked(store: InteractionsStore, agent_id: str) -> Any:
        agent = await before(store, agent_id)
        with live.page(["c-1"], ""):
            database: Any = Database()
            await live.look(database, 0.0)
        found.append(looks(live.mark))
        return agent

    monkeypatch.setattr(InteractionsStore, "agent", read_and_then_looked)
    answer = browser.get("/desk")
    [mark] = re.findall(r'data-mark="([^"]+)"', answer.text)
    assert looks(mark) < found[0]
    assert answer.headers["Desk-Mark"] == mark


def test_a_mark_that_is_too_long_is_refused(browser: TestClient) -> None:
    answer = browser.get("/desk/live", params={"watch": "c-1", "mark": "1" * 65})
    assert answer.status_code == 422
