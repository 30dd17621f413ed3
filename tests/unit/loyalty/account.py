"""Drives one member's state as a worker does, and checks the books after every step."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.loyalty.config import load
from services.loyalty.domain.apply import apply_event
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.reports.view import MemberView, view
from services.loyalty.domain.state import MemberState
from shared.domain import (
    Append,
    CancelTimer,
    Context,
    Effects,
    Increment,
    Outcome,
    Put,
    Reject,
    SetTimer,
)
from shared.schemas.base import Data
from shared.schemas.commands import (
    AdjustmentRequested,
    RedemptionRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.complaints import CompensationGranted
from shared.schemas.event import Event
from shared.schemas.loyalty import TierAtRisk, TierChanged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros, moment

RETAIL = load().versions[0]
PLAIN = RETAIL.model_copy(update={"anniversary": None})
"""Points come from purchases alone."""
START = datetime(2025, 1, 1, tzinfo=UTC)


def day(days: float) -> datetime:
    """So many days after the start, to the microsecond."""
    return START + timedelta(microseconds=round(days * 86_400_000_000))


@dataclass
class Account:
    """One customer. ``day`` counts from 2025-01-01; ``timers`` say whether due timers fire first."""

    program: Program | Programs = PLAIN
    timers: bool = True
    customer: str = "cust-1"
    state: MemberState = field(default_factory=MemberState)
    due: dict[str, datetime] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[datetime, Data]] = field(default_factory=list)
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    sums: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(collection, document, field) -> sum of the increments."""
    counters: Counter[str] = field(default_factory=Counter)
    """What all accounts of a test may share."""
    rejects: list[Reject] = field(default_factory=list)
    passed_on: list[tuple[str, datetime, Data]] = field(default_factory=list)
    """(customer, time, command) sent about others."""
    count: int = 0

    @property
    def programs(self) -> Programs:
        return self.program if isinstance(self.program, Programs) else Programs([self.program])

    def buy(self, at: float, cents: int, order: str = "", **more: Any) -> None:
        money = {"amount": cents, "currency": more.pop("currency", "EUR")}
        order_id = order or f"o-{self.count}"
        data = {"order_id": order_id, "channel": "web", "total": money, "items": [], **more}
        self.apply(day(at), PurchaseMade.model_validate(data))

    def give_back(
        self,
        at: float,
        order: str,
        cents: int,
        return_id: str = "",
        currency: str = "EUR",
        items: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        data = {
            "order_id": order,
            "return_id": return_id or f"r-{self.count}",
            "refund": {"amount": cents, "currency": currency},
            "items": items,
        }
        self.apply(day(at), PurchaseReturned.model_validate(data))

    def redeem(self, at: float, reward: str = "free-delivery") -> str:
        return str(self.apply(day(at), RedemptionRequested(reward_id=reward)).body["voucher_code"])

    def cancel(self, at: float, code: str) -> Outcome:
        return self.apply(day(at), VoucherCancelRequested(voucher_code=code))

    def use(self, at: float, code: str) -> Outcome:
        return self.apply(day(at), VoucherRedeemRequested(voucher_code=code))

    def adjust(self, at: float, points: int) -> Outcome:
        return self.apply(day(at), AdjustmentRequested(points=points, reason="by hand"))

    def compensate(self, at: float, points: int) -> None:
        data = CompensationGranted(complaint_id="c-1", kind="points", points=points)
        self.apply(day(at), data)

    def advance(self, at: float) -> None:
        """Fire the timers due by then."""
        self.fire(day(at))

    def view(self, at: float) -> MemberView:
        return view(self.state, self.programs, micros(day(at)))

    @property
    def balance(self) -> int:
        return sum(lot.remaining for lot in self.state.lots) - self.state.debt

    @property
    def tier(self) -> str:
        return self.state.periods[-1].tier

    def tier_history(self) -> list[tuple[datetime, Data]]:
        """Every fact about tiers, with its time."""
        return [(time, data) for time, data in self.facts if isinstance(data, TierChanged | TierAtRisk)]

    def entries(self) -> list[tuple[str, int]]:
        """(kind, points) of the whole ledger."""
        return [(row["kind"], row["points"]) for row in self.ledger]

    def emitted(self, kind: type[Data]) -> list[Any]:
        return [data for _, data in self.facts if isinstance(data, kind)]

    def apply(self, time: datetime, data: Data) -> Outcome:
        """One event, after the timers due by its time. Raises ``Refused``, nothing changed."""
        if self.timers:
            self.fire(time)
        self.count += 1
        event = Event(f"e-{self.count}", "/test", self.customer, time, data)
        return self._take(apply_event(self.programs, self.state, event, self._context(event))).outcome

    def fire(self, until: datetime) -> None:
        """Fire the timers due by then, the earliest first."""
        while self.due and min(self.due.values()) <= until:
            name = min(self.due, key=lambda timer: (self.due[timer], timer))
            due_at = self.due.pop(name)
            event = Event(
                f"{name}|{due_at}", "/timers", self.customer, due_at, TimerFired(name=name, due_at=due_at)
            )
            self._take(apply_event(self.programs, self.state, event, self._context(event)))

    def _context(self, event: Event) -> Context:
        def token(tag: str) -> str:
            return hashlib.sha256(f"{event.uid} {tag}".encode()).hexdigest()[:24]

        return Context(
            event.time,
            token,
            lambda tag: token("secret " + tag).upper(),
            lambda counter: self.counters[counter],
            f"purchases/0/{self.count}",
        )

    def _take(self, effects: Effects[MemberState]) -> Effects[MemberState]:
        # Through the store's form and back: the state must survive it unchanged.
        self.state = MemberState.model_validate_json(effects.state.model_dump_json())
        assert self.state == effects.state
        for timer in effects.timers:
            match timer:
                case SetTimer():
                    assert timer.due_at.microsecond % 1000 == 0
                    self.due[timer.name] = timer.due_at
                case CancelTimer():
                    del self.due[timer.name]
        for row in effects.rows:
            match row:
                case Append("ledger", document):
                    self.ledger.append(dict(document))
                case Append(collection, document) | Put(collection, document):
                    self.rows[collection, document["_id"]] = dict(document)
                case Increment(collection, key, fields):
                    for name, by in fields.items():
                        self.sums[collection, key, name] += by
        for take in effects.takes:
            self.counters[take.counter] += take.amount
            assert take.limit is None or self.counters[take.counter] <= take.limit
        self.rejects += effects.rejects
        self.facts += [(emit.time, emit.data) for emit in effects.emits if emit.subject is None]
        self.passed_on += [(e.subject, e.time, e.data) for e in effects.emits if e.subject is not None]
        self.check()
        return effects

    def check(self) -> None:
        """Ledger sum = balance = active remainders - debt, lot by lot too."""
        lots: dict[str, int] = defaultdict(int)
        running = 0
        for number, row in enumerate(self.ledger, start=1):
            running += row["points"]
            assert row["points"] != 0
            assert row["balance"] == running
            assert row["seq"] == number
            assert row["points"] == sum(lot["points"] for lot in row["lots"]) - row["debt"]
            for lot in row["lots"]:
                lots[lot["entry_id"]] += lot["points"]
                assert lots[lot["entry_id"]] >= 0
        assert len({row["_id"] for row in self.ledger}) == len(self.ledger)
        assert running == self.balance
        assert {lot.entry_id: lot.remaining for lot in self.state.lots} == {
            k: v for k, v in lots.items() if v
        }
        assert all(lot.remaining > 0 for lot in self.state.lots)
        assert self.state.debt >= 0
        assert not (self.state.debt and self.state.lots)
        assert all(lot.expires_at > self.state.at for lot in self.state.lots)
        expiries = [lot.expires_at for lot in self.state.lots]
        assert expiries == sorted(expiries)
        due = self.due.get("due")
        assert (None if due is None else micros(due)) == self.state.due
        self._check_sums()
        self._check_orders()

    def _check_orders(self) -> None:
        """Every purchase has what its tier and campaigns give for what is left of it, no more, no less."""
        has: Counter[str | None] = Counter()
        for row in self.ledger:
            has[row.get("order_id")] += row["points"]
        for pending in self.state.pending:
            has[pending.lot.order_id] += pending.lot.remaining
        for order in self.state.orders:
            kept = sum(bonus.kept for bonus in self.state.bonuses if bonus.order_id == order.order_id)
            assert has[order.order_id] == order.points() + kept
        for bonus in self.state.bonuses:
            assert 0 <= bonus.kept <= bonus.points
            assert bonus.points > 0

    def _check_sums(self) -> None:
        """What is counted over all members is what this one has."""
        wanted: Counter[tuple[str, str, str]] = Counter()
        for lot in self.state.lots:
            wanted["liability", f"{moment(lot.expires_at):%Y-%m}", "outstanding"] += lot.remaining
        for pending in self.state.pending:
            month = f"{moment(pending.lot.expires_at):%Y-%m}"
            wanted["liability", month, "pending"] += pending.lot.remaining
        for row in self.ledger:
            wanted["totals", "points", row["kind"]] += row["points"]
        wanted["totals", "points", "debt"] = self.state.debt
        if self.state.periods:
            wanted["totals", f"tier {self.tier}", "members"] = 1
        assert +self.sums == +wanted
        assert -self.sums == -wanted
