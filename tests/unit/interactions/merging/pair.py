"""Two ids, and a worker that is told of both."""

from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from services.interactions.config import load_desk, parse
from services.interactions.domain.apply import apply_at_desk
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Customer
from shared.domain import Handler
from shared.journal.testing import Handled, InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import PurchaseMade

from ..told import HANDLER, HASH_OF, SETTINGS, START

OLD, HERE = "cust-old", "cust-here"
TIERED = """
name: by-tier
versions:
  - effective: 2020-01-01
    calendars: {always: {timezone: UTC, hours: all}}
    policies:
      - {name: gold, when: {tier: [gold]}, calendar: always, first_response: 1h, resolution: 8h,
         warn_before: 15m, escalate: [{after: 30m, to: lead}]}
      - {name: rest, calendar: always, first_response: 10h, resolution: 50h}
"""


DESK = load_desk()


@cache
def policy(text: str) -> Sla:
    """Read once: with each worker anew it was most of what a history took."""
    return parse(text)


def worker(text: str = TIERED, now: datetime = START) -> InMemoryWorker[Customer]:
    """With teams and agents."""
    handler: Handler[Customer] = Handler(
        service="interactions",
        consumes=HANDLER.consumes,
        state=HANDLER.state,
        initial=HANDLER.initial,
        apply=partial(apply_at_desk, policy(text), DESK, SETTINGS.identity, HASH_OF),
        collections=HANDLER.collections,
        kinds=HANDLER.kinds,
        of_erased=HANDLER.of_erased,
    )
    return InMemoryWorker(handler, now=now, secret_key=SETTINGS.oldest_key)


def merge(worker: InMemoryWorker[Customer], old: str = OLD, into: str = HERE) -> Handled:
    return worker.tell(old, CustomerMerged(into=into, reason="one phone"))


def unmerge(worker: InMemoryWorker[Customer], old: str = OLD, survivor: str = HERE) -> Handled:
    return worker.tell(old, CustomerUnmerged.model_validate({"from": survivor, "reason": "a brother"}))


def complaint(id: str, **more: Any) -> ComplaintOpened:
    said = {"channel": "email", "category": "delivery", "severity": "high", "description": "late"}
    return ComplaintOpened.model_validate({"complaint_id": id, **said, **more})


def order(id: str, cents: int = 1_000, sku: str = "mug", channel: str = "web") -> PurchaseMade:
    return PurchaseMade.model_validate(
        {
            "order_id": id,
            "items": [{"sku": sku, "quantity": 1, "unit_price": {"amount": cents, "currency": "EUR"}}],
            "total": {"amount": cents, "currency": "EUR"},
            "channel": channel,
        }
    )


def wrote(conversation_id: str | None = None, text: str = "hello", **more: Any) -> InteractionLogged:
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": text}
    named = {} if conversation_id is None else {"conversation_id": conversation_id}
    return InteractionLogged.model_validate(said | named | more)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def told_of(worker: InMemoryWorker[Customer], kind: type[Data]) -> list[tuple[str, datetime]]:
    """Of the facts of a type that were emitted: whom they are about, and when."""
    return [(event.subject, event.time) for event in worker.emitted if isinstance(event.data, kind)]
