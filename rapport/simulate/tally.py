"""What is counted while a program runs over a recording, and what it comes to at the end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.reports.liability import Liability, liability
from services.loyalty.domain.rows import LEDGER
from services.loyalty.domain.state import MemberState, times
from shared.domain import Append, Effects, RefusedError
from shared.schemas.base import Money
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import micros


@dataclass(slots=True)
class Tally:
    """Counts over all customers so far. Points are positive, money is in minor units of the program's
    currency, months are (year, month) in UTC."""

    purchases: int = 0
    """Those that were not refused, of members or not."""
    sales: int = 0
    """Net: these purchases less the refunds that were not refused."""
    issued: Counter[str] = field(default_factory=Counter)
    """Points earned, by the rule that gave them: ``purchase``, ``campaign``, ``referral``..."""
    campaigns: Counter[str] = field(default_factory=Counter)
    """Points earned, by campaign."""
    months: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Points earned, by the month that they are booked at."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Points by kind of ledger entry: ``earned``, ``reversed``, ``expired``..."""
    refused: Counter[str] = field(default_factory=Counter)
    """Facts that would be dead letters, by code."""
    declined: Counter[str] = field(default_factory=Counter)
    """Commands of the program itself that were refused, such as a referral's, by code."""
    fault: str | None = None
    """The first error that no rule foresaw; its event counts as refused, ``unhandled``."""

    def count(self, programs: Programs, event: Event, effects: Effects[MemberState]) -> None:
        """An event that took effect."""
        data = event.data
        if isinstance(data, PurchaseMade):
            self.purchases += 1
            self.sales += _worth(programs, event.time, data.total)
        elif isinstance(data, PurchaseReturned):
            self.sales -= _worth(programs, event.time, data.refund)
        for row in effects.rows:
            if isinstance(row, Append) and row.collection == LEDGER:
                self._count_entry(row.document)
        for retract in effects.retracts:
            # What waited was counted when it came.
            self.refused[retract.code] += 1
            told = retract.event.data
            if isinstance(told, PurchaseReturned):
                self.sales += _worth(programs, retract.event.time, told.refund)
            elif isinstance(told, PurchaseMade):
                self.purchases -= 1
                self.sales -= _worth(programs, retract.event.time, told.total)

    def _count_entry(self, entry: Mapping[str, Any]) -> None:
        points, at = abs(entry["points"]), entry["at"]
        self.kinds[entry["kind"]] += points
        if entry["kind"] != "earned":
            return
        why = entry["why"]
        self.issued[why["rule"]] += points
        self.months[at.year, at.month] += points
        if why["rule"] == "campaign":
            self.campaigns[why["campaign"]] += points


@dataclass(frozen=True, slots=True)
class Result:
    """What a program came to. Points are 0 or more, money is in minor units of the program's currency."""

    programs: Programs
    program: Program
    """The version in force at the end."""
    tally: Tally
    members: int
    tiers: Mapping[str, int]
    """Members by the tier they hold at the end."""
    liability: Liability
    """Of the points in members' hands at the end. Its breakage is the share that the program assumes: a
    simulation has no redemptions to learn from."""
    used: Mapping[str, int]
    """What is taken of the shared counters, such as ``budget:<campaign>``."""

    @property
    def issued(self) -> int:
        return self.tally.issued.total()

    @property
    def cost(self) -> Decimal:
        """What the issued points cost if all of them are redeemed."""
        return self.issued * self.program.point_value

    @property
    def cost_share(self) -> Decimal | None:
        """``cost`` as a share of the net sales; None without sales."""
        return self.cost / self.tally.sales if self.tally.sales > 0 else None


def conclude(
    programs: Programs, end: datetime, tally: Tally, states: Iterable[MemberState], used: Mapping[str, int]
) -> Result:
    """The result at ``end``, up to which all timers have fired."""
    members = [state for state in states if state.enrolled_at is not None]
    program = programs.at(micros(end))
    points = {
        "outstanding": sum(lot.remaining for state in members for lot in state.lots),
        "pending": sum(pending.lot.remaining for state in members for pending in state.pending),
    }
    owed = sum(state.debt for state in members)
    return Result(
        programs=programs,
        program=program,
        tally=tally,
        members=len(members),
        tiers=Counter(state.periods[-1].tier for state in members),
        liability=liability({"all": points}, {"debt": owed}, program),
        used=dict(used),
    )


def _worth(programs: Programs, at: datetime, money: Money) -> int:
    """An amount in the program's currency; 0 for one that the program does not take."""
    try:
        rate = programs.at(micros(at)).rate(money.currency)
    except RefusedError:
        return 0
    return times(max(money.amount, 0), rate)
