"""Messages as the sender needs them, from rows that may be anything."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError

from services.followup import telemetry
from services.followup.channels.base import Channel
from services.followup.domain.reports import UNWANTED
from services.followup.domain.rows import Delivery, Known
from services.followup.sending.marks import Marks
from services.followup.sending.ready import Ready
from services.followup.sending.reports import Reports
from services.followup.sending.unwanted import Unwanted
from shared.runtime.words import unreadable

log = structlog.get_logger(__name__)


class Supply:
    """Of one channel."""

    def __init__(
        self,
        channel: Channel,
        ready: Ready,
        marks: Marks,
        reports: Reports,
        *,
        owns: Callable[[str], bool],
        now: Callable[[str], datetime],
        unwanted: Unwanted | None,
    ) -> None:
        """``now``: the time of what is reported of a customer's message that cannot be read."""
        self._channel = channel
        self._ready = ready
        self._marks = marks
        self._reports = reports
        self._owns = owns
        self._now = now
        self._unwanted = unwanted

    async def take(self, most: int) -> list[Delivery] | None:
        """Those whose turn it is; None when nothing is ready."""
        rows = await self._ready.take(most)
        if not rows:
            return None
        found = [await self._read(row) for row in rows]
        return await self._wanted([one for one in found if one is not None])

    async def left_behind(self, most: int) -> list[Delivery]:
        """What was marked long ago and never reported: by another process, or by this one when the store
        broke at the mark. A report that is merely on its way has the same id and comes first."""
        rows = await self._marks.left_behind(self._channel.name, self._channel.patience, most)
        found = [await self._read(row) for row in rows]
        return [one for one in found if one is not None]

    async def _wanted(self, found: Sequence[Delivery]) -> list[Delivery]:
        """Without what goes to addresses that nothing is sent to: it failed, and why is told."""
        why = await self._unwanted.among(found) if self._unwanted is not None else {}
        for one in found:
            if one.outreach_id in why:
                attempt, at = one.attempt + 1, self._now(one.customer)
                await self._marks.claim_one({"_id": one.outreach_id, "status": "ready"}, attempt)
                told = (attempt, at, "failed", UNWANTED + why[one.outreach_id])
                self._reports.add(one.outreach_id, one.customer, *told)
        return [one for one in found if one.outreach_id not in why]

    async def _read(self, row: Mapping[str, Any]) -> Delivery | None:
        """The row's message, if it is to a customer served here and can be read."""
        customer = row.get("customer")
        if isinstance(customer, str) and not self._owns(customer):
            return None
        try:
            return Delivery.model_validate(row)
        except ValidationError as error:
            await self._set_aside(row, error)
            return None

    async def _set_aside(self, row: Mapping[str, Any], error: ValidationError) -> None:
        """A row that nobody can read must not hold up the others: it failed, and it says why. It is marked as
        any other is before it is reported; where not even that can be done, that is all."""
        reason = f"unreadable: {unreadable(error)}"
        log.error("a message cannot be read", outreach_id=str(row["_id"]), error=reason)
        try:
            known = Known.model_validate(row)
        except ValidationError:
            telemetry.DELIVERIES.labels(self._channel.name, "failed").inc()
            await self._marks.fail(row, reason)
            return
        attempt = max(1, known.attempt + (row["status"] == "ready"))
        await self._marks.claim_one(row, attempt)
        at = self._now(known.customer)
        self._reports.add(known.outreach_id, known.customer, attempt, at, "failed", reason)
