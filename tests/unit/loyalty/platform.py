"""A store in memory and a worker that is a function call, for the routes."""

from collections.abc import Sequence
from datetime import datetime

from services.loyalty.config import load
from services.loyalty.domain.rows import LedgerRow, Sums, ledger_row
from services.loyalty.store import Member
from shared.domain import RefusedError
from shared.http.auth import Principal
from shared.http.commands import Answer
from shared.http.problems import ProblemError
from shared.schemas.base import Data

from .account import Account, day

KEY = {"X-API-Key": "all-scopes-key"}
MEMBER = "cust-1"


class Platform:
    """Store, clock and commands of one customer's account."""

    def __init__(self) -> None:
        self.account = Account(load())
        self.now = day(0)
        self.asked: list[tuple[str, str, str | None]] = []

    async def member(self, customer_id: str) -> Member | None:
        known = customer_id == MEMBER and self.account.state.enrolled_at is not None
        return Member(customer_id, self.account.state) if known else None

    async def customer(self, customer_id: str) -> Member | None:
        return Member(customer_id, self.account.state) if customer_id == MEMBER else None

    async def ledger(self, customer_id: str, before: int | None, limit: int) -> list[LedgerRow]:
        rows = [row for row in reversed(self._rows()) if before is None or row.seq < before]
        return rows[:limit]

    async def entries(self, customer_id: str, through: int) -> list[LedgerRow]:
        return self._rows()[:through]

    async def booked_in(
        self, customer_id: str, through: int, start: datetime, end: datetime
    ) -> list[LedgerRow]:
        rows = self._rows()[:through]
        before = [row for row in rows if row.booked_at < start]
        return before[-1:] + [row for row in rows if start <= row.booked_at < end]

    def _rows(self) -> list[LedgerRow]:
        return [ledger_row(document) for document in self.account.ledger]

    async def used(self, counters: Sequence[str]) -> dict[str, int]:
        return {name: self.account.counters[name] for name in counters if self.account.counters[name]}

    async def liability(self) -> Sums:
        return self._sums("liability")

    async def totals(self) -> Sums:
        return self._sums("totals")

    def _sums(self, wanted: str) -> Sums:
        found: Sums = {}
        for (collection, key, name), amount in self.account.sums.items():
            if collection == wanted:
                found.setdefault(key, {})[name] = amount
        return found

    async def voucher_owner(self, code: str) -> str | None:
        row = self.account.rows.get(("vouchers", code))
        return row["member"] if row else None

    async def submit(
        self, principal: Principal, route: str, subject: str, data: Data, key: str | None
    ) -> Answer:
        self.asked.append((route, subject, key))
        try:
            outcome = self.account.apply(self.now, data)
        except RefusedError as refusal:
            raise ProblemError(refusal.status, refusal.code, refusal.detail) from None
        return Answer(outcome.status, outcome.body)


class FixedClock:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def now(self, subject: str | None = None) -> datetime:
        assert subject in (MEMBER, None)
        return self._platform.now
