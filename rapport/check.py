"""Whether a platform works from end to end: one purchase goes in, and its points are read back."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rapport.client import Client
from rapport.trouble import TroubleError

SOURCE = "/rapport-check"
PAUSE_SECONDS = 0.5
LEAST_TOTAL = 1000
"""Minor units: a purchase that gives points under any program that gives some for ten times what counts."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read back."""

    customer_id: str
    points: int
    balance: int
    seconds: float
    """From the purchase being accepted to its points being there."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What waiting needs; tests have their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def run(client: Client, *, seconds: float, clock: Clock | None = None, name: str | None = None) -> Checked:
    """Enrol a customer of its own, send a purchase of theirs, wait for the points, and take both away again.
    Raises TroubleError, which names the step that did not come in so many seconds."""
    customer = name or f"check-{secrets.token_hex(8)}"
    steps = _Steps(client, clock or Clock(), seconds, customer)
    program = steps.until("loyalty's API is ready", lambda: client.get("loyalty", "/program"))
    before = steps.until("the customer is a member", steps.enrolled)
    with steps.taken_away(program):
        steps.until("interactions' API takes the purchase", lambda: steps.send(_purchase(customer, program)))
        accepted = steps.clock.monotonic()
        points = steps.until("loyalty's worker has booked its points", lambda: steps.more_than(before))
        return Checked(customer, points, before + points, steps.clock.monotonic() - accepted)


class _Steps:
    """One thing after the other, each tried until it comes or the time is over."""

    def __init__(self, client: Client, clock: Clock, seconds: float, customer: str) -> None:
        self.clock = clock
        self._client = client
        self._seconds = seconds
        self._end = clock.monotonic() + seconds
        self._customer = customer

    def until(self, what: str, attempt: Callable[[], Any]) -> Any:
        """What ``attempt`` gives, once it gives something. A part that starts refuses, or does not answer."""
        said = "nothing yet"
        while True:
            try:
                found = attempt()
            except TroubleError as error:
                said, found = str(error), None
            if found is not None:
                return found
            if self.clock.monotonic() > self._end:
                raise TroubleError(f"Waited {self._seconds:.0f} s in vain until {what}: {said}")
            self.clock.sleep(PAUSE_SECONDS)

    def enrolled(self) -> int | None:
        """The points that the customer begins with."""
        status, body = self._client.call(
            "POST", "loyalty", f"/members/{quote(self._customer)}", {}, f"{self._customer}-enrol"
        )
        if status in (401, 403):
            raise TroubleError(f"loyalty answered {status}: RAPPORT_API_KEY is not a key with every scope.")
        if status not in (200, 201, 202):
            raise TroubleError(f"loyalty answered {status}: {str(body)[:200]}")
        return self._points()

    def send(self, event: dict[str, Any]) -> bool:
        """Sent again, it is the same event: once accepted, it has one effect."""
        status, body = self._client.call("POST", "interactions", "/events", event, event["id"])
        if status != 202:
            raise TroubleError(f"interactions answered {status}: {str(body)[:300]}")
        return True

    def more_than(self, before: int) -> int | None:
        points = self._points()
        return points - before if points is not None and points > before else None

    def _points(self) -> int | None:
        status, body = self._client.call("GET", "loyalty", f"/members/{quote(self._customer)}")
        if status != 200:
            raise TroubleError(f"loyalty answered {status}: {str(body)[:200]}")
        return int(body["balance"]) + int(body["pending"])

    @contextmanager
    def taken_away(self, program: Any) -> Iterator[None]:
        """Whatever became of it: the purchase is returned, so that no figure counts it, and the customer
        erased. The program has no member more."""
        try:
            yield
        finally:
            for event in (_return(self._customer, program), _erasure(self._customer)):
                try:
                    self.send(event)
                except TroubleError:
                    break


def _total(program: Any) -> dict[str, Any]:
    per = int(program["earn"]["per"]) if "per" in program.get("earn", {}) else 100
    return {"amount": max(LEAST_TOTAL, 10 * per), "currency": program["currency"]}


def _event(customer: str, kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{customer}-{name}",
        "source": SOURCE,
        "type": f"rapport.{kind}.v1",
        "subject": customer,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def _purchase(customer: str, program: Any) -> dict[str, Any]:
    total = _total(program)
    items = [{"sku": "check", "quantity": 1, "unit_price": total}]
    said = {"order_id": f"{customer}-order", "channel": "check", "total": total, "items": items}
    return _event(customer, "purchase.made", "purchase", said)


def _return(customer: str, program: Any) -> dict[str, Any]:
    said = {
        "order_id": f"{customer}-order",
        "return_id": f"{customer}-return",
        "items": [{"sku": "check", "quantity": 1}],
        "refund": _total(program),
    }
    return _event(customer, "purchase.returned", "return", said)


def _erasure(customer: str) -> dict[str, Any]:
    return _event(customer, "customer.erased", "erasure", {})
