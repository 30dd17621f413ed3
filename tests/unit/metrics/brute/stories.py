"""Random histories in which all that is counted happens: late, twice, and told again under other ids."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.schemas.base import Data, Money
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintSlaBreached,
    ComplaintSlaMet,
    ComplaintUpdated,
)
from shared.schemas.customers import CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import About, SurveyAnswered
from shared.schemas.interactions import (
    ConversationAssigned,
    ConversationClosed,
    ConversationEscalated,
    ConversationReturned,
    InteractionLogged,
)
from shared.schemas.loyalty import (
    Cause,
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
    TierChanged,
)
from shared.schemas.outreach import OutreachBounced, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned, ReturnItem
from shared.schemas.teams import AgentChanged

from ..story import START

CUSTOMERS, TEAMS = [f"c{n}" for n in range(6)], ["service", "sales"]
DAYS = 60


class Story:
    """Facts of one seed."""

    def __init__(self, seed: int, days: int = DAYS, latest: float = 40.0) -> None:
        """Of so many days, told at most so many days late."""
        self.r = random.Random(seed)
        self.days, self.latest = days, latest

    def log(self, size: int) -> list[Event]:
        """Events in the order in which they arrive."""
        told = [self._event(n) for n in range(size)]
        copies = [msgspec.structs.replace(e, id=f"again-{e.id}") for e in self.r.sample(told, size // 15)]
        twice = self.r.sample(told, size // 10)
        arrival = {id(e): self._arrival(e) for e in told}
        rows = [(arrival[id(e)], e) for e in told]
        rows += [(self._arrival(e) + timedelta(days=1), e) for e in (*copies, *twice)]
        return [e for _, e in sorted(rows, key=lambda row: (row[0], row[1].id))]

    def _arrival(self, event: Event) -> datetime:
        late = self.r.choice([0.0, 0.0, 0.0, 0.2, self.latest]) * self.r.random()
        return event.time + timedelta(days=late)

    def _event(self, n: int) -> Event:
        minutes = self.r.randrange(self.days * 48) * 30  # often at one instant
        subject, data, source = self.r.choice(CUSTOMERS), self._data(n), "/test"
        if isinstance(data, AgentChanged):
            subject = self.r.choice(TEAMS)
        if isinstance(data, MemberEnrolled) and self.r.random() < 0.7:
            source = "/rapport/loyalty"
        return Event(
            id=f"e{n}", source=source, subject=subject, time=START + timedelta(minutes=minutes), data=data
        )

    def _data(self, n: int) -> Data:
        kinds = [self._purchase, self._return, self._complaint, self._answer, self._points, self._customer]
        kinds += [self._talk, self._message, self._promise, self._agent, self._purchase, self._complaint]
        return self.r.choice(kinds)(n)

    def _one(self, prefix: str, among: int = 5) -> str:
        return f"{prefix}{self.r.randrange(among)}"

    def _money(self) -> Money:
        return Money(
            amount=self.r.choice([0, 50, 99, 100, 101, 200]), currency=self.r.choice(["EUR", "EUR", "USD"])
        )

    def _purchase(self, _: int) -> Data:
        price = self._money()
        items = (PurchaseItem(sku="s", quantity=1, unit_price=price),) * self.r.randrange(1, 4)
        return PurchaseMade(
            order_id=self._one("o", 12), channel=self.r.choice(["web", "store"]), total=price, items=items,
            store_id=self.r.choice([None, "s.1", "s2"]),
        )  # fmt: skip

    def _return(self, _: int) -> Data:
        items = tuple(ReturnItem(sku="s", quantity=1) for _ in range(self.r.randrange(3)))
        return PurchaseReturned(
            order_id=self._one("o", 12), return_id=self._one("r", 3), refund=self._money(), items=items
        )

    def _complaint(self, _: int) -> Data:
        name, r = self._one("k", 3), self.r
        match r.randrange(7):
            case 0 | 1:
                return ComplaintOpened(
                    complaint_id=name, channel=r.choice(["email", "chat"]), category="late",
                    severity="normal", description="Late.", conversation_id=r.choice([None, "t1", "t2"]),
                )  # fmt: skip
            case 2:
                return ComplaintAcknowledged(complaint_id=name, message=".")
            case 3:
                return ComplaintUpdated(complaint_id=name, message=".")
            case 4:
                cause = r.choice([None, "carrier", "new.$|%", "x" * 80])
                return ComplaintResolved(complaint_id=name, resolution=".", root_cause=cause)
            case 5:
                return ComplaintReopened(complaint_id=name, reason=".")
        return ComplaintClosed(complaint_id=name)

    def _answer(self, _: int) -> Data:
        survey, most = self.r.choice([("nps", 10), ("csat", 5), ("ces", 7)])
        kind, prefix = self.r.choice([("order", "o"), ("complaint", "k"), ("conversation", "t")])
        about = None if self.r.random() < 0.4 else About(kind=kind, id=self._one(prefix, 3))
        asked = self._one("m", 6) if self.r.random() < 0.3 else None
        score = self.r.randrange(0 if survey == "nps" else 1, most + 1)
        return SurveyAnswered(survey=survey, score=score, about=about, outreach_id=asked)

    def _points(self, n: int) -> Data:
        kind, sign = self.r.choice(
            [(PointsEarned, 1), (PointsEarned, 1), (PointsReversed, -1), (PointsRedeemed, -1),
             (PointsRestored, 1), (PointsExpired, -1), (PointsAdjusted, 1)]
        )  # fmt: skip
        cause = Cause(source="/s", id="i")
        return kind(entry_id=f"p{n}", points=sign * self.r.randrange(300), balance=0, reason="", cause=cause)

    def _customer(self, _: int) -> Data:
        r = self.r
        match r.randrange(5):
            case 0:
                return CustomerRegistered(name="Ann", segment=r.choice([None, "gold"]))
            case 1:
                return CustomerUpdated(segment=r.choice([None, "gold", "new.$|%"]))
            case 2:
                return CustomerUpdated(name="Anne")
            case 3:
                return MemberEnrolled(tier=r.choice([None, "bronze"]))
        return TierChanged(from_="bronze", to=r.choice(["silver", "bronze"]))

    def _talk(self, _: int) -> Data:
        name, r = self._one("t", 3), self.r
        match r.randrange(7):
            case 0 | 1 | 2:
                return InteractionLogged(
                    channel=r.choice(["chat", "email"]), direction=r.choice(["inbound", "outbound"]),
                    kind="x", summary="", conversation_id=r.choice([name, name, None]),
                    author=r.choice([None, "customer", "agent", "bot"]),
                    sentiment=r.choice([None, -1.0, -0.25, 0.5]),
                )  # fmt: skip
            case 3:
                team = r.choice([None, *TEAMS])
                return ConversationEscalated(conversation_id=name, from_="bot", reason=".", team=team)
            case 4 | 5:
                return ConversationAssigned(
                    conversation_id=name, agent_id="a1", team=r.choice([None, *TEAMS])
                )
            case _:
                if r.random() < 0.5:
                    return ConversationReturned(conversation_id=name, to="queue", reason=".")
        return ConversationClosed(conversation_id=name, outcome="solved")

    def _message(self, _: int) -> Data:
        number = self.r.randrange(9)
        name, rule = f"m{number}", ("win-back", "v1.2", "reply")[number % 3]
        match self.r.randrange(6):
            case 0 | 1 | 2:
                return OutreachSent(
                    outreach_id=name, rule=rule, channel="email", due_at=START, attempt=1,
                    asks="nps" if number % 2 else None,
                )  # fmt: skip
            case 3:
                return OutreachFailed(outreach_id=name, rule=rule, channel="email", due_at=START, attempt=1)
            case 4:
                return OutreachBounced(outreach_id=name, rule=rule, kind="hard")
        reason = self.r.choice(["holdout", "holdout", "no_consent", "quiet_hours"])
        return OutreachSuppressed(outreach_id=name, rule=rule, reason=reason)

    def _promise(self, _: int) -> Data:
        clock = self.r.choice(["first_response", "next_response", "update", "resolution"])
        kind = self.r.choice([ComplaintSlaMet, ComplaintSlaBreached])
        return kind(
            complaint_id=self._one("k", 3), clock=clock, due_at=START + timedelta(days=self.r.randrange(2))
        )

    def _agent(self, _: int) -> Data:
        return AgentChanged(
            agent_id=self._one("a", 3), name="Ann", capacity={"total": 3}, on_shift=self.r.random() < 0.6,
            on_break=self.r.random() < 0.2,
        )  # fmt: skip


def arrived(log: Sequence[Event]) -> list[Event]:
    """Each event once, as it was first heard."""
    return list({e.uid: e for e in log}.values())
