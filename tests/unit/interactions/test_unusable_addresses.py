"""Addresses that messages no longer reach: on the 360, until another one is told."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions.person_store import PersonStore
from shared.journal.derived import record_of
from shared.schemas.base import Data
from shared.schemas.customers import CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachBounced, OutreachComplained, OutreachSent

from .inline_worker import InlineWorker
from .test_service import NOW

SENT = OutreachSent(outreach_id="o-1", rule="news", channel="email", due_at=NOW, attempt=1)
HARD = OutreachBounced(outreach_id="o-1", rule="news", kind="hard", code="5.1.1")
SOFT = OutreachBounced(outreach_id="o-1", rule="news", kind="soft", code="4.2.2")
UNWANTED = OutreachComplained(outreach_id="o-1", rule="news")


def lives_at(email: str) -> CustomerUpdated:
    return CustomerUpdated(name="Ann", email=email)


def tell(api: TestClient, worker: InlineWorker, customer: str, *told: tuple[Data, float]) -> None:
    """These, by their minutes."""
    assert api.portal is not None
    for data, minutes in told:
        at = NOW - timedelta(days=1) + timedelta(minutes=minutes)
        event = Event(uuid.uuid4().hex, "/test", customer, at, data)
        api.portal.call(worker.publish, [record_of(event)])


def page(
    api: TestClient, worker: InlineWorker, customer: str, *told: tuple[Data, float]
) -> list[tuple[str, str]]:
    """What the 360 says after these."""
    tell(api, worker, customer, *told)
    unusable = api.get(f"/customers/{customer}").json()["unusable"]
    return [(one["channel"], one["why"]) for one in unusable]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (HARD, [("email", "came_back")]),
        (UNWANTED, [("email", "called_unwanted")]),
        (SOFT, []),
        (HARD.model_copy(update={"outreach_id": "o-9"}), []),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_the_360_says_so_in_whatever_order_it_was_heard(
    api: TestClient, worker: InlineWorker, customer: str, heard: Data, said: Any, order: tuple[int, ...]
) -> None:
    told = [(lives_at("ann@old.example"), 0), (SENT, 5), (heard, 6)]
    assert page(api, worker, customer, *(told[n] for n in order)) == said


def test_another_address_is_free_and_the_same_told_again_is_not(
    api: TestClient, worker: InlineWorker, customer: str
) -> None:
    told = [(lives_at("ann@old.example"), 0), (SENT, 5), (lives_at("ann@new.example"), 6), (HARD, 7)]
    assert page(api, worker, customer, *told) == [], "of the old one it was heard after the change"
    again = f"{customer}x"
    same = [(lives_at("ann@old.example"), 0), (SENT, 5), (HARD, 6), (lives_at("ann@old.example"), 9)]
    assert page(api, worker, again, *same) == [("email", "came_back")]


def test_nobodys_past_is_read_whole_for_it(
    api: TestClient, worker: InlineWorker, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member's ledger has thousands of rows. The profile's are read where it was told since."""
    read: list[set[str]] = []
    told = PersonStore._told

    def noted(self: PersonStore, ids: Any, at: Any, types: Any) -> Any:
        read.append(set(types))
        return told(self, ids, at, types)

    monkeypatch.setattr(PersonStore, "_told", noted)
    first = [(lives_at("ann@old.example"), 0), (SENT, 5), (HARD, 6), (UNWANTED, 7)]
    assert len(page(api, worker, customer, *first)) == 2
    assert read == []
    assert len(page(api, worker, customer, (lives_at("ann@old.example"), 9))) == 2
    assert read == [{CustomerRegistered.event_type, CustomerUpdated.event_type}], "once for both"
