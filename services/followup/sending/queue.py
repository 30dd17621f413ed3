"""What is next to be sent by one channel: read ahead a little, claimed where room and pace allow it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from services.followup.domain.rows import Delivery
from services.followup.sending.brakes import Brakes
from services.followup.sending.marks import Marks, Wait
from services.followup.sending.pace import Pace
from services.followup.sending.supply import Supply

BATCH = 100
"""So many are read at a time,"""
LOW = 60
"""once fewer than these are left."""
AGAIN_SECONDS = 1.0
"""Where nothing was ready, others may be after this."""


class Claimed(NamedTuple):
    """What is marked as ours now, each try counted."""

    to_send: list[Delivery]
    too_late: list[Delivery]
    """Past its time: it is not sent."""


class Queue:
    """Of one channel. ``held`` is filled here: the ids of what is next or under way; who is done with a
    message takes it out."""

    def __init__(
        self,
        supply: Supply,
        marks: Marks,
        pace: Pace,
        held: set[str],
        brakes: Brakes | None,
        *,
        owns: Callable[[str], bool],
        now: Callable[[str], datetime] | None,
    ) -> None:
        """``now``: by a customer's clock; None where nothing gets late or meets the night while it waits."""
        self._supply = supply
        self._marks = marks
        self._pace = pace
        self._held = held
        self._brakes = brakes
        self._owns = owns
        self._now = now
        self._next: deque[Delivery] = deque()
        self._read_at = 0.0
        self._claim_at = 0.0

    def __len__(self) -> int:
        return len(self._next)

    @property
    def is_low(self) -> bool:
        """Whether more should be read."""
        return len(self._next) < LOW and time.monotonic() >= self._read_at

    @property
    def wait_seconds(self) -> float:
        """Until the pace lets one go; 0 where it does."""
        return max(self._claim_at - time.monotonic(), 0.0)

    def look_again(self) -> None:
        """What was not ready may be by now."""
        self._read_at = 0.0

    async def fill(self) -> bool:
        """Read more. Whether there was any."""
        found = await self._supply.take(BATCH)
        self._read_at = time.monotonic() + AGAIN_SECONDS if found is None else 0.0
        for one in found or ():
            self._held.add(one.outreach_id)
            self._next.append(one)
        return found is not None

    async def claim(self, room: int) -> Claimed:
        """Mark as many as there is room for. What it has become night for waits on. Under the stream clock
        the time of sending is the time of the decision, where it was neither night nor too late."""
        chosen: list[Delivery] = []
        late: list[Delivery] = []
        nights: dict[Wait, list[str]] = {}
        while self._next and len(chosen) + len(late) < room:
            one = self._next.popleft()
            now = self._now(one.customer) if self._now else None
            night = one.held(now) if now else None
            if now is not None and now > one.expires_at:
                late.append(one)
            elif night is not None:
                nights.setdefault(Wait(*night), []).append(one.outreach_id)
                self._held.discard(one.outreach_id)
            elif self._owns(one.customer):
                chosen.append(one)
            else:
                self._held.discard(one.outreach_id)
        going: list[Delivery] = []
        ours: list[Delivery] = []
        try:
            going = await self._let_go(chosen, nights)
            if going or late:
                ours = await self._marks.claim([*going, *late])
        finally:  # what the store breaks under is read again
            self._held.difference_update(one.outreach_id for one in (*going, *late))
            self._held.update(one.outreach_id for one in ours)
        past = {one.outreach_id for one in late}
        return Claimed(
            [one for one in ours if one.outreach_id not in past],
            [one for one in ours if one.outreach_id in past],
        )

    async def _let_go(self, chosen: list[Delivery], waits: dict[Wait, list[str]]) -> list[Delivery]:
        """Those that nothing else holds back. What waits, or what the store breaks under, is read again."""
        left = {one.outreach_id for one in chosen}
        try:
            free = chosen if self._brakes is None else await self._brakes.unpaused(chosen, waits)
            granted = await self._pace.grant(len(free))
            self._claim_at = time.monotonic() + self._pace.wait_seconds
            going = free[:granted]
            if self._brakes is not None:
                going = await self._brakes.below_ceiling(going, waits)
            await self._marks.defer(waits)
            self._next.extendleft(reversed(free[granted:]))
            left -= {one.outreach_id for one in (*going, *free[granted:])}
        finally:
            self._held.difference_update(left)
        return going
