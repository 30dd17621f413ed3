"""Runs rules over recorded events as followup's worker would, in memory and in virtual time. What is handed
to a channel counts as sent at that instant; nothing is sent."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial

from rapport.simulate.memory import MemoryRun
from services.followup.domain.apply import KINDS, apply
from services.followup.domain.policy import Policy
from services.followup.domain.rows import COLLECTION
from services.followup.domain.state import Customer, initial
from shared.domain import Effects, Put
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.commands.products import ProductCountRequested, ProductSuggestRequested
from shared.schemas.event import Event

LOOPS_BACK = (ProductCountRequested, ProductSuggestRequested)
Watcher = Callable[[datetime, Event, Customer, Effects[Customer]], None]
"""Is told of each event that took effect: when, the event, the state before, the effects."""


class Run(MemoryRun[Customer]):
    """One rules file over a recording."""

    def __init__(self, policy: Policy, watch: Watcher = lambda *_: None) -> None:
        super().__init__("followup", partial(apply, policy), initial, LOOPS_BACK, KINDS)
        self._watch = watch
        self._handed: deque[Event] = deque()
        """What the sender says, of messages that the domain has just handed over."""
        self.refusals = 0
        self.fault: str | None = None
        """The first error that no rule foresaw."""

    def handle(self, now: datetime, event: Event) -> None:
        super().handle(now, event)
        while self._handed:
            super().handle(now, self._handed.popleft())

    def applied(self, event: Event, before: Customer, effects: Effects[Customer]) -> None:
        for row in effects.rows:
            # What goes in the mail of another has no time of its own.
            if isinstance(row, Put) and row.collection == COLLECTION and "not_before" in row.document:
                self._handed.append(self._sent_at_once(event.subject, row.document["_id"]))
        self._watch(self.now, event, before, effects)

    def refused(self, event: Event, code: str, bug: Exception | None) -> None:
        self.refusals += 1
        if bug is not None:
            self.fault = self.fault or f"{type(bug).__name__}: {bug}"

    def _sent_at_once(self, customer: str, outreach_id: str) -> Event:
        data = DeliveryReported(outreach_id=outreach_id, status="sent", attempt=1, error=None)
        return Event(f"{outreach_id}-1", f"{self.source}/sender", customer, self.now, data)
