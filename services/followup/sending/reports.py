"""What the sender tells the domain: what became of each try, kept until the broker has it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from services.followup import telemetry
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event

SOURCE = "/rapport/followup/sender"
REMEMBERED = 10_000


class Reports:
    """Of one channel's sender. Each try is reported once, by whoever comes first."""

    def __init__(self, channel: str, publish: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        self._channel = channel
        self._publish = publish
        self._unreported: dict[str, Event] = {}
        self._reported: dict[str, None] = {}
        """The latest reports made, by id, the oldest first."""

    def add(
        self,
        outreach_id: str,
        customer: str,
        attempt: int,
        at: datetime,
        status: str,
        error: str | None,
        *,
        code: str | None = None,
        result: str | None = None,
    ) -> None:
        """A try has come to this. Its id is the try's: whoever reports first on a try is heard, once.
        ``result`` is what it counts as, by default its ``status``."""
        told = {
            "outreach_id": outreach_id,
            "status": status,
            "attempt": attempt,
            "error": error,
            "code": code,
        }
        data = DeliveryReported.model_validate(told)
        event = Event(f"{outreach_id}-{attempt}", SOURCE, customer, at, data)
        if event.id in self._reported:
            return
        telemetry.DELIVERIES.labels(self._channel, result or status).inc()
        self._unreported[event.id] = event
        self._reported[event.id] = None
        if len(self._reported) > REMEMBERED:
            del self._reported[next(iter(self._reported))]

    @property
    def untold(self) -> int:
        """How many the broker has not acknowledged."""
        return len(self._unreported)

    async def publish(self) -> None:
        """Publish those that are not acknowledged yet, together. Raises ``BrokerAwayError``."""
        told = list(self._unreported.values())
        if told:
            await self._publish(told)
            for event in told:
                self._unreported.pop(event.id, None)
