"""``rapport check`` in memory: the order of its steps, and what it says when one does not come."""

from typing import Any

import pytest

from rapport.check import Clock, run
from rapport.client import Client
from rapport.trouble import TroubleError

PROGRAM = {"currency": "EUR", "earn": {"points": 1, "per": 100}}


class Platform(Client):
    """Answers as the two APIs do; points come at the ``after``-th look."""

    def __init__(self, *, after: int = 2, refuse: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        self._left = after
        self._refuse = refuse

    def get(self, service: str, path: str) -> Any:
        if path == self._refuse:
            raise TroubleError(f"{service} does not answer")
        return PROGRAM

    def call(
        self, method: str, service: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        if path == self._refuse:
            return 503, {"code": "broker_away"}
        if path == "/events":
            self.sent.append(body)
            return 202, {"accepted": 1}
        if method == "POST":
            return 201, {}
        made = any(event["type"].startswith("rapport.purchase.made") for event in self.sent)
        self._left -= made
        return 200, {"balance": 10 if made and self._left <= 0 else 0, "pending": 0}

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.sent]


def patient() -> Clock:
    """Time passes only by waiting."""
    now = [0.0]
    return Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))


WHOLE = ["rapport.purchase.made.v1", "rapport.purchase.returned.v1", "rapport.customer.erased.v1"]


def test_a_purchase_goes_in_its_points_are_read_and_both_are_taken_away() -> None:
    platform = Platform(after=3)
    found = run(platform, seconds=10, clock=patient(), name="check-1")
    assert (found.customer_id, found.points, found.balance) == ("check-1", 10, 10)
    assert platform.kinds() == WHOLE
    assert {event["subject"] for event in platform.sent} == {"check-1"}


def test_a_worker_that_books_nothing_is_named_and_the_purchase_taken_away() -> None:
    platform = Platform(after=1000)
    with pytest.raises(
        TroubleError, match="Waited 10 s in vain until loyalty's worker has booked its points"
    ):
        run(platform, seconds=10, clock=patient(), name="check-1")
    assert platform.kinds() == WHOLE


@pytest.mark.parametrize(
    ("refuse", "step"),
    [("/program", "loyalty's API is ready"), ("/events", "interactions' API takes the purchase")],
)
def test_a_step_that_does_not_come_is_named(refuse: str, step: str) -> None:
    with pytest.raises(TroubleError, match=step):
        run(Platform(refuse=refuse), seconds=5, clock=patient())
