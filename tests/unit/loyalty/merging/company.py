"""Several members in one worker: what happens to them, and all their books checked."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.loyalty.config import parse
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.referrals import JUDGES
from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.reports.history import lots
from services.loyalty.domain.rows import COLLECTIONS, ledger_row
from services.loyalty.domain.state import MemberState
from shared.domain import Handler
from shared.journal.testing import Handled, InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import moment

from ..account import START, day

NEW = MemberState()

SIMPLE: Programs = parse(
    """
    name: simple
    currency: EUR
    rates: {EUR: 1}
    earn: {points: 1, per: 100, expire_days: 4000}
    tier_days: 365
    at_risk_days: 0
    tiers: [{name: low, spend: 0}, {name: gold, spend: 100000}]
    rewards: [{id: tea, name: Tea, cost: 40, validity_days: 400}]
    """
)


@dataclass
class Company:
    """``tell`` lets something happen to a member, on a day counted from 2025-01-01."""

    programs: Programs = SIMPLE
    worker: InMemoryWorker[MemberState] = field(init=False)
    count: int = 0
    loopback: bool = True
    now: datetime = START

    def __post_init__(self) -> None:
        programs = self.programs
        handler = Handler(
            "loyalty",
            CONSUMES,
            MemberState,
            lambda customer: NEW,
            lambda state, event, context: apply(programs, state, event, context),
            COLLECTIONS,
            judges=JUDGES,
        )
        self.worker = InMemoryWorker(handler, now=self.now, loopback=self.loopback)

    def event(self, who: str, at: float, data: Data) -> Event:
        self.count += 1
        return Event(f"e-{self.count}", "/test", who, day(at), data)

    def tell(self, who: str, at: float, data: Data) -> Handled:
        self.worker.advance(day(at))
        return self.worker.send(self.event(who, at, data))

    def buy(self, who: str, at: float, cents: int, order: str = "", **more: Any) -> Handled:
        return self.tell(who, at, bought(cents, order or f"o-{self.count}", **more))

    def give_back(self, who: str, at: float, order: str, cents: int) -> Handled:
        return self.tell(who, at, returned(order, f"r-{self.count}", cents))

    def merge(self, who: str, into: str, at: float) -> None:
        self.tell(who, at, CustomerMerged(into=into, reason="the same e-mail"))
        self.check()

    def unmerge(self, who: str, survivor: str, at: float) -> None:
        self.tell(who, at, CustomerUnmerged.model_validate({"from": survivor, "reason": "no"}))
        self.check()

    def state(self, who: str) -> MemberState:
        return self.worker.state(who)

    def ledger(self, who: str) -> list[dict[str, Any]]:
        rows = [row for row in self.worker.rows("ledger") if row["member"] == who]
        return sorted(rows, key=lambda row: int(row["seq"]))

    def entries(self, who: str) -> list[tuple[str, int]]:
        """(reason, points) of the whole ledger."""
        return [(row["reason"], row["points"]) for row in self.ledger(who)]

    def balance(self, who: str) -> int:
        state = self.state(who)
        return sum(lot.remaining for lot in state.lots) - state.debt

    def explained(self, who: str) -> list[str]:
        """Of each entry the sentence."""
        rows = [ledger_row(document) for document in self.ledger(who)]
        stories = {lot.key: lot for lot in lots(rows, self.state(who).pending)}
        return [explain(row, stories, self.programs).sentence for row in rows]

    def check(self) -> None:
        """Of everybody: ledger sum = balance = active remainders - debt, lot by lot too; and the sums."""
        check_books(self.worker)
        for who in self.worker.states:
            self.explained(who)


def check_books(worker: InMemoryWorker[MemberState]) -> None:
    wanted: Counter[tuple[str, str, str]] = Counter()
    ledgers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in sorted(worker.rows("ledger"), key=lambda row: int(row["seq"])):
        ledgers[row["member"]].append(row)
    for who, state in worker.states.items():
        _check_ledger(state, ledgers[who])
        for lot in state.lots:
            wanted["liability", f"{moment(lot.expires_at):%Y-%m}", "outstanding"] += lot.remaining
        for pending in state.pending:
            wanted["liability", f"{moment(pending.lot.expires_at):%Y-%m}", "pending"] += pending.lot.remaining
        for row in ledgers[who]:
            wanted["totals", "points", row["kind"]] += row["points"]
        wanted["totals", "points", "debt"] += state.debt
        if state.periods:
            wanted["totals", f"tier {state.periods[-1].tier}", "members"] += 1
        if state.merging is not None and state.merging.moved is not None:
            assert (state.lots, state.debt, state.pending, state.orders) == ((), 0, (), ())
            assert state.vouchers == ()
            assert state.due is None
            assert not [timer for timer in worker.timers() if timer.subject == who]
    found: Counter[tuple[str, str, str]] = Counter()
    for (collection, id), fields in worker.store.sums.items():
        for name, n in fields.items():
            found[collection, id.partition("|")[2], name] += n
    assert (+found, -found) == (+wanted, -wanted)


def _check_ledger(state: MemberState, ledger: Sequence[Mapping[str, Any]]) -> None:
    left: dict[str, int] = defaultdict(int)
    running = 0
    for number, row in enumerate(ledger, start=1):
        running += row["points"]
        assert row["balance"] == running
        assert row["seq"] == number
        assert row["points"] == sum(lot["points"] for lot in row["lots"]) - row["debt"]
        for lot in row["lots"]:
            left[lot["entry_id"]] += lot["points"]
            assert left[lot["entry_id"]] >= 0
    assert running == sum(lot.remaining for lot in state.lots) - state.debt
    assert {lot.entry_id: lot.remaining for lot in state.lots} == {k: v for k, v in left.items() if v}
    assert state.debt >= 0
    assert not (state.debt and state.lots)
    expiries = [lot.expires_at for lot in state.lots]
    assert expiries == sorted(expiries)


def bought(cents: int, order: str, **more: Any) -> PurchaseMade:
    money = {"amount": cents, "currency": "EUR"}
    return PurchaseMade.model_validate(
        {"order_id": order, "channel": "web", "total": money, "items": [], **more}
    )


def returned(order: str, return_id: str, cents: int) -> PurchaseReturned:
    refund = {"amount": cents, "currency": "EUR"}
    return PurchaseReturned.model_validate(
        {"order_id": order, "return_id": return_id, "refund": refund, "items": []}
    )
