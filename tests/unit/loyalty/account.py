"""One member's account in an ``InMemoryWorker``: its vocabulary, and the books checked after every step."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.loyalty.config import load
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.program.program import Birthday, Program, Programs
from services.loyalty.domain.reports.view import MemberView, view
from services.loyalty.domain.rows import COLLECTIONS
from services.loyalty.domain.state import MemberState
from shared.domain import Context, Effects, Handler, Outcome, Retract, SetTimer
from shared.journal.plan import Plan
from shared.journal.testing import LONG_AGO, InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import (
    AdjustmentRequested,
    RedemptionRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.complaints import CompensationGranted
from shared.schemas.event import Event
from shared.schemas.loyalty import TierAtRisk, TierChanged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import micros, moment
from shared.worker.processing import Origin

RETAIL = load().versions[0]
PLAIN = RETAIL.model_copy(update={"anniversary": None, "birthday": Birthday(points=50)})
"""Points come from purchases alone."""
_NEW = MemberState()
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
    counters: Counter[str] = field(default_factory=Counter)
    """What all accounts of a test may share."""
    retracts: list[Retract] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Codes that a test noted."""
    passed_on: list[tuple[str, datetime, Data]] = field(default_factory=list)
    """(customer, time, command) sent about others."""
    count: int = 0
    worker: InMemoryWorker[MemberState] = field(init=False)
    _read: int = 0
    _clock: datetime = LONG_AGO

    def __post_init__(self) -> None:
        self.worker = InMemoryWorker(
            Handler("loyalty", CONSUMES, MemberState, lambda customer: _NEW, self._decide, COLLECTIONS),
            now=LONG_AGO,
            counters=self.counters,
            loopback=False,
            observe=self._observe,
        )

    @property
    def state(self) -> MemberState:
        return self.worker.state(self.customer)

    @property
    def due(self) -> dict[str, datetime]:
        """When the timers are due, by name."""
        return {timer.name: timer.due_at for timer in self.worker.timers()}

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return self.worker.rows("ledger")

    @property
    def facts(self) -> list[tuple[datetime, Data]]:
        """(time, fact) of all that was said about this customer."""
        return [(e.time, e.data) for e in self.worker.emitted if e.subject == self.customer]

    @property
    def rows(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """By collection and ``_id``."""
        found = self.worker.store.rows
        return {(name, id): row for name, rows in found.items() for id, row in rows.items()}

    @property
    def sums(self) -> Counter[tuple[str, str, str]]:
        """(collection, document, field) -> sum of the increments."""
        found: Counter[tuple[str, str, str]] = Counter()
        for (collection, id), fields in self.worker.store.sums.items():
            found.update({(collection, id.partition("|")[2], name): n for name, n in fields.items()})
        return found

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
        """One event, after the timers due by its time. Raises ``RefusedError``, nothing changed."""
        if self.timers:
            self.fire(time)
        self.count += 1
        event = Event(f"e-{self.count}", "/test", self.customer, time, data)
        handled = self.worker.send(event, origin=Origin(data.topic, 0, self.count))
        return handled.accepted().outcome or Outcome()

    def hear(self, now: float, at: float, data: Data) -> Outcome:
        """An event of the time ``at`` that is heard at ``now``: late, or from a clock that is ahead."""
        self.advance(now)
        self.count += 1
        event = Event(f"e-{self.count}", "/test", self.customer, day(at), data)
        handled = self.worker.send(event, origin=Origin(data.topic, 0, self.count))
        return handled.accepted().outcome or Outcome()

    def fire(self, until: datetime) -> None:
        """Fire the timers due by then, the earliest first."""
        self.worker.advance(until)

    def _decide(self, state: MemberState, event: Event, context: Context) -> Effects[MemberState]:
        if not self.timers:  # the clock goes on, but for the worker time stands still
            self._clock = max(self._clock, event.time)
            context = replace(context, now=self._clock)
        effects = apply(self.programs, state, event, context)
        due = [timer.due_at for timer in effects.timers if isinstance(timer, SetTimer)]
        assert all(time.microsecond % 1000 == 0 for time in due)
        return effects

    def _observe(self, plan: Plan[MemberState]) -> None:
        self.retracts += plan.retracted
        emitted = self.worker.emitted[self._read :]
        self._read += len(emitted)
        self.passed_on += [(e.subject, e.time, e.data) for e in emitted if e.subject != self.customer]
        self.check()

    def check(self) -> None:
        """Ledger sum = balance = active remainders - debt, lot by lot too."""
        state, ledger = self.state, self.ledger
        lots: dict[str, int] = defaultdict(int)
        running = 0
        for number, row in enumerate(ledger, start=1):
            running += row["points"]
            assert row["points"] != 0
            assert row["balance"] == running
            assert row["seq"] == number
            assert row["points"] == sum(lot["points"] for lot in row["lots"]) - row["debt"]
            for lot in row["lots"]:
                lots[lot["entry_id"]] += lot["points"]
                assert lots[lot["entry_id"]] >= 0
        assert running == self.balance
        assert {lot.entry_id: lot.remaining for lot in state.lots} == {k: v for k, v in lots.items() if v}
        assert all(lot.remaining > 0 for lot in state.lots)
        assert state.debt >= 0
        assert not (state.debt and state.lots)
        assert all(lot.expires_at > state.at for lot in state.lots)
        expiries = [lot.expires_at for lot in state.lots]
        assert expiries == sorted(expiries)
        due = self.due.get("due")
        assert (None if due is None else micros(due)) == state.due
        self._check_sums(ledger)
        self._check_orders(ledger)

    def _check_orders(self, ledger: Sequence[Mapping[str, Any]]) -> None:
        """Every purchase has what its tier and campaigns give for what is left of it, no more, no less."""
        has: Counter[str | None] = Counter()
        for row in ledger:
            has[row.get("order_id")] += row["points"]
        for pending in self.state.pending:
            has[pending.lot.order_id] += pending.lot.remaining
        for order in self.state.orders:
            kept = sum(bonus.kept for bonus in self.state.bonuses if bonus.order_id == order.order_id)
            assert has[order.order_id] == order.points() + kept
        for bonus in self.state.bonuses:
            assert 0 <= bonus.kept <= bonus.points
            assert bonus.points > 0

    def _check_sums(self, ledger: Sequence[Mapping[str, Any]]) -> None:
        """What is counted over all members is what this one has."""
        wanted: Counter[tuple[str, str, str]] = Counter()
        for lot in self.state.lots:
            wanted["liability", f"{moment(lot.expires_at):%Y-%m}", "outstanding"] += lot.remaining
        for pending in self.state.pending:
            month = f"{moment(pending.lot.expires_at):%Y-%m}"
            wanted["liability", month, "pending"] += pending.lot.remaining
        for row in ledger:
            wanted["totals", "points", row["kind"]] += row["points"]
        wanted["totals", "points", "debt"] = self.state.debt
        if self.state.periods:
            wanted["totals", f"tier {self.tier}", "members"] = 1
        sums = self.sums
        assert (+sums, -sums) == (+wanted, -wanted)
