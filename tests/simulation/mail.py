"""The world's letter box, a channel to it, and what must be true of the mails that arrived."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.followup.channels.base import Attempt, ChannelAwayError, Result
from services.followup.channels.email import Email, EmailSettings
from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import RESERVED
from services.followup.sender import DOUBT
from tests.simulation.scenario import MAIL_LINE
from tests.simulation.scheduler import Node, VirtualLoop

FINAL = ("sent", "failed", "in_doubt", "suppressed", "cancelled")
MANY = frozenset({*RESERVED, "complaint-acknowledged", "complaint-update"})
"""Rules that may say the same several times."""
WAIT_SECONDS = 5.0
"""Until the sender gives up a server that does not answer."""


@dataclass(frozen=True, slots=True)
class MailFault:
    """What befalls one mail: it is lost, or its answer is; it is refused for now or for good; it arrives
    so much later; nobody is there for so long; something nobody foresaw is raised."""

    kind: Literal["lose_request", "lose_reply", "later", "refused", "hang", "away", "breaks"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail was taken, and the process that sent it was told so."""

    outreach_id: str
    node: Node
    at: float


class LetterBox:
    """All mails that arrived."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.arrived: list[Delivery] = []
        self.answers: list[Answer] = []
        self.sends = 0
        self.faults: dict[int, MailFault] = {}
        """By the number of the mail, from 1."""
        self.disturbed: set[str] = set()
        """Those of which nobody can know whether they arrived."""
        self.away_until = 0.0

    @property
    def away(self) -> bool:
        return self.loop.time() < self.away_until


class SimChannel(Email):
    """E-mail, without a server."""

    def __init__(self, box: LetterBox, node: Node) -> None:
        super().__init__(EmailSettings())
        self._box = box
        self._node = node

    async def open(self, wanted: int = 1) -> None:
        await asyncio.sleep(self._latency())
        if self._box.away:
            raise ChannelAwayError("connection refused")

    @property
    def is_open(self) -> bool:
        return not self._box.away

    @property
    def lanes(self) -> int:
        return self.connections if self.is_open else 0

    def _latency(self) -> float:
        return self._box.loop.random.uniform(0.0005, 0.01)

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        box, node = self._box, self._node
        box.sends += 1
        fault = box.faults.get(box.sends)
        kind = fault.kind if fault is not None else ""
        box.loop.note(f"{node.name} mails {delivery.outreach_id}{f': {kind}' if kind else ''}")
        if kind:
            box.loop.hits[f"mail {kind}"] += 1
        before = node.at
        node.reach(MAIL_LINE)
        try:
            return await self._hand_over(delivery, kind, fault.seconds if fault else 0.0)
        finally:
            node.at = before

    async def _hand_over(self, delivery: Delivery, kind: str, seconds: float) -> Attempt:  # type: ignore[override]
        box = self._box
        if kind == "away":
            box.away_until = box.loop.time() + seconds
        if box.away:
            return Attempt(Result.LATER, "connection refused")
        if kind in ("later", "refused"):
            await asyncio.sleep(self._latency())
            return Attempt(
                Result.LATER if kind == "later" else Result.FAILED, "45x" if kind == "later" else "55x"
            )
        if kind in ("lose_request", "lose_reply", "breaks"):
            box.disturbed.add(delivery.outreach_id)
        if kind not in ("lose_request", "breaks"):
            arrived = box.loop.create_future()
            box.loop.call_later(seconds + self._latency(), self._arrive, delivery, arrived, context=Context())
            await arrived
        if kind == "breaks":
            raise RuntimeError("nobody thought of this")
        if kind in ("lose_request", "lose_reply"):
            await asyncio.sleep(WAIT_SECONDS)
            return Attempt(Result.IN_DOUBT, "timed out")
        await asyncio.sleep(self._latency())
        box.answers.append(Answer(delivery.outreach_id, self._node, box.loop.time()))
        return Attempt(Result.SENT)

    def _arrive(self, delivery: Delivery, arrived: "asyncio.Future[None]") -> None:
        self._box.arrived.append(delivery)
        if not arrived.done():
            arrived.set_result(None)

    async def close(self) -> None:
        """Nothing is open."""


def wrong(
    box: LetterBox, rows: Iterable[Mapping[str, Any]], erased: Collection[str], *, calm: bool
) -> list[str]:
    """What is not right with the mails, given the rows of all outreach; those of customers who were
    ``erased`` have gone. ``calm``: no process died, slept or left, and the store always answered, so that
    only the channel can have left a mail in doubt."""
    by_id = {row["_id"]: row for row in rows}
    gone = {d.outreach_id for d in box.arrived if d.customer in erased} - by_id.keys()
    arrived = Counter(delivery.outreach_id for delivery in box.arrived)
    # A service message goes again after each try that was in doubt, under the same name, and no other does.
    again = {id: row.get("doubts", 0) for id, row in by_id.items() if row["purpose"] == "service"}
    times = Counter({id: n - min(again.get(id, 0), n - 1) for id, n in arrived.items()})
    firsts = {d.outreach_id: d for d in box.arrived}.values()
    # No rule decides the same twice; a person may ask for the same text twice, as manual or as a reply, and
    # tell it twice of a complaint.
    ruled = Counter((d.customer, d.rule, d.decided_at, d.text) for d in firsts if d.rule not in MANY)
    problems = [f"{what} came {n} times" for what, n in ruled.items() if n > 1]
    problems += [f"{id} came {n} times" for id, n in times.items() if n > 1]
    problems += [f"{id} came, and nobody knows of it" for id in arrived if id not in by_id.keys() | gone]
    for id, row in by_id.items():
        status, error = row["status"], row.get("error") or ""
        mail = row.get("mail", id)  # in which it went with others
        if status not in FINAL:
            problems.append(f"{id} never ends: {status}")
        if status == "sent" and not arrived[mail]:
            problems.append(f"{id} was never sent")
        if status == "suppressed" and arrived[mail]:
            problems.append(f"{id} was to be suppressed, and came")
        if status == "in_doubt" and error == DOUBT and calm and mail not in box.disturbed:
            problems.append(f"{id} is in doubt for no reason")
    for answer in box.answers:
        lived = not answer.node.dead and answer.node.asleep_until == 0.0
        status = by_id.get(answer.outreach_id, {}).get("status")
        told = status in ("sent", "cancelled") or answer.outreach_id in gone
        if lived and calm and not told:
            problems.append(f"{answer.outreach_id} came and was answered, and is {status}")
    return problems
