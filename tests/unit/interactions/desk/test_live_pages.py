"""What a page says of how new it is: as old as the first thing that it read."""

import re
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.interactions.desk.live import Live
from services.interactions.store import InteractionsStore
from shared.runtime.mongo import Document

from .test_forms import browser, tell, token_of, writes
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


@pytest.mark.parametrize("doing", ["reading", "answering", "gone"])
def test_a_page_that_is_open_still_keeps_nothing_of_somebody_erased(
    browser: TestClient, customer: str, mongo: str, doing: str
) -> None:
    place, whose = writes(browser, customer), {"customer_id": customer}
    fields = {"csrf": token_of(browser.get(place, params=whose).text)}

    def says(doing: str) -> int:
        answer = browser.post(f"{place}/presence", params=whose, data={**fields, "doing": doing})
        with MongoClient[Document](mongo) as client:
            kept = client["rapport_interactions"]["presence"].count_documents({"customer": customer})
        assert answer.status_code == 204
        return kept

    assert says("reading") == 1
    tell(browser, customer, "customer.erased")
    assert says(doing) == 0
