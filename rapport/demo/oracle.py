"""What every member must have at the end, recomputed from the program's text alone.

Nothing of the platform is imported here: the parquet files and the written rules of the default program
are read a second time, so that one misreading cannot hide in both. The rules: a point per whole unit of
the total times the multiplier of the tier held before; points can be spent in [start, start + 365 days); a
tier is held for 365 days from the upgrade and is renewed or falls at its end by the net spend of the last
365 days; an end comes before a purchase at the same instant; a return keeps what the rest of the purchase
would have earned, and reverses the difference; a refund of up to a cent a line more than what is left
counts as what is left; returns heard of before their purchase apply before it raises a tier; each
anniversary of the first purchase gives 100 points times the years.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

YEAR = timedelta(days=365)
TIERS: tuple[tuple[str, int, Fraction], ...] = (
    ("bronze", 0, Fraction(1)),
    ("silver", 300_00, Fraction(5, 4)),
    ("gold", 1_000_00, Fraction(3, 2)),
    ("vip", 3_000_00, Fraction(2)),
)
"""Name, net spend in cents that reaches it, multiplier; lowest first."""
ANNIVERSARY = 100
"""Points for each year."""


@dataclass(frozen=True, slots=True)
class Purchase:
    at: datetime
    order: str
    cents: int


@dataclass(frozen=True, slots=True)
class Return:
    """``at`` is when the log got it; ``lines``: how many it names, or else its order has."""

    at: datetime
    order: str
    cents: int
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Redemption:
    at: datetime
    points: int


Movement = Purchase | Return | Redemption


@dataclass(frozen=True, slots=True)
class Expected:
    """One member's points and tier; balance = earned - reversed - redeemed - expired, each positive."""

    balance: int
    tier: str
    earned: int
    reversed: int
    redeemed: int
    expired: int


@dataclass(slots=True)
class _Award:
    """A purchase or an anniversary (of nothing spent), what it earned and what is left of that."""

    at: datetime
    cents: int
    multiplier: Fraction
    kept: int
    remaining: int
    refunded: int = 0
    ended: bool = False

    @property
    def expires(self) -> datetime:
        return self.at + YEAR


@dataclass(slots=True)
class _Member:
    awards: dict[str, _Award] = field(default_factory=dict)
    waiting: dict[str, list[Return]] = field(default_factory=dict)
    joined: datetime | None = None
    years: int = 0
    """Anniversaries so far."""
    tier: int = 0
    tier_ends: datetime | None = None
    debt: int = 0
    earned: int = 0
    reversed: int = 0
    redeemed: int = 0
    expired: int = 0

    def pass_time(self, to: datetime) -> None:
        """Everything that ends up to and including ``to``, in the order of time."""
        while self.tier_ends is not None and self.tier_ends <= to:
            end = self.tier_ends
            self.tier = min(self.tier, self.supported(end))
            self.tier_ends = end + YEAR if self.tier else None
        while self.joined is not None and anniversary(self.joined, self.years + 1) <= to:
            self.years += 1
            at = anniversary(self.joined, self.years)
            self.award(f"anniversary {self.years}", at, 0, Fraction(0), ANNIVERSARY * self.years)
        for award in self.awards.values():
            if not award.ended and award.expires <= to:
                self.expired += award.remaining
                award.remaining, award.ended = 0, True

    def supported(self, at: datetime) -> int:
        """The highest tier that the net spend of (at - 365 days, at] reaches."""
        spend = sum(
            award.cents - award.refunded for award in self.awards.values() if at - YEAR < award.at <= at
        )
        return max(number for number, (_, needed, _) in enumerate(TIERS) if spend >= needed)

    def buy(self, purchase: Purchase) -> None:
        if self.joined is None:
            self.joined = purchase.at
        multiplier = TIERS[self.tier][2]
        points = floor(Fraction(purchase.cents, 100) * multiplier)
        self.award(purchase.order, purchase.at, purchase.cents, multiplier, points)
        for back in self.waiting.pop(purchase.order, []):
            self.give_back(back)
        reached = self.supported(purchase.at)
        if reached > self.tier:
            self.tier, self.tier_ends = reached, purchase.at + YEAR

    def award(self, name: str, at: datetime, cents: int, multiplier: Fraction, points: int) -> None:
        paid = min(self.debt, points)
        self.debt -= paid
        self.earned += points
        self.awards[name] = _Award(at, cents, multiplier, points, points - paid)

    def give_back(self, back: Return) -> None:
        award = self.awards.get(back.order)
        if award is None:
            self.waiting.setdefault(back.order, []).append(back)
            return
        left = award.cents - award.refunded
        if back.cents > left + max(back.lines, 1):
            return  # More than was paid, and more than tax rounded line by line explains: a dead letter.
        award.refunded += min(back.cents, left)
        keep = floor(Fraction(award.cents - award.refunded, 100) * award.multiplier)
        lost, award.kept = award.kept - keep, keep
        self.reversed += lost
        own = min(lost, award.remaining)
        award.remaining -= own
        self.debt += self._take(lost - own)

    def redeem(self, redemption: Redemption) -> None:
        """Raises ValueError if the points do not suffice: the platform must have refused it."""
        if redemption.points > self.balance:
            raise ValueError(f"{redemption.points} points redeemed of {self.balance}")
        self.redeemed += redemption.points
        self._take(redemption.points)

    @property
    def balance(self) -> int:
        return sum(award.remaining for award in self.awards.values()) - self.debt

    def _take(self, points: int) -> int:
        """Takes from the lots by earliest expiry; what they lack is returned."""
        for award in sorted(self.awards.values(), key=lambda award: award.expires):
            part = min(points, award.remaining)
            award.remaining -= part
            points -= part
        return points


def anniversary(joined: datetime, years: int) -> datetime:
    """So many years later at the same time of day; 29 February is kept on 28 February in other years."""
    try:
        return joined.replace(year=joined.year + years)
    except ValueError:
        return joined.replace(year=joined.year + years, day=28)


def expect(movements: Iterable[Movement], end: datetime) -> Expected:
    """One member's points and tier at ``end``, from their movements in the order of the log.

    Raises ValueError where purchases go back in time (the replay sends none late).
    """
    member, now, last = _Member(), datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    for movement in movements:
        now = max(now, movement.at)
        member.pass_time(now)
        match movement:
            case Purchase(at=at, order=order):
                if at < last:
                    raise ValueError(f"purchase {order} comes after a later one")
                last = at
                member.buy(movement)
            case Return():
                member.give_back(movement)
            case Redemption():
                member.redeem(movement)
    member.pass_time(end)
    return Expected(
        balance=member.balance,
        tier=TIERS[member.tier][0],
        earned=member.earned,
        reversed=member.reversed,
        redeemed=member.redeemed,
        expired=member.expired,
    )


def recorded_purchases(folder: Path, households: int | None) -> dict[str, list[Purchase]]:
    """Customer id -> purchases in the order of the log, summed up from the lines of the parquet file."""
    import pyarrow.parquet as pq

    names = ("household_id", "basket_id", "transaction_timestamp", "sales_value")
    table = pq.read_table(folder / "transactions.parquet", columns=list(names))
    chosen = sorted(set(table["household_id"].to_pylist()))[:households]
    table = pq.read_table(
        folder / "transactions.parquet", columns=list(names), filters=[("household_id", "in", chosen)]
    )
    nanoseconds = table["transaction_timestamp"].cast("int64").to_pylist()
    totals: dict[tuple[int, int, int], Decimal] = {}
    columns = (table["household_id"].to_pylist(), nanoseconds, table["basket_id"].to_pylist())
    for *key, value in zip(*columns, table["sales_value"].to_pylist(), strict=True):
        household, at, basket = key
        cents = Decimal(repr(value)).quantize(Decimal("0.01")) * 100
        totals[household, at, basket] = totals.get((household, at, basket), Decimal()) + cents
    found: dict[str, list[Purchase]] = {}
    for (household, at, basket), cents in sorted(totals.items()):
        when = datetime.fromtimestamp(at // 10**9, UTC)
        found.setdefault(f"hh-{household}", []).append(Purchase(when, str(basket), int(cents)))
    return found


def expect_all(
    purchases: Mapping[str, Sequence[Purchase]],
    returns: Mapping[str, Sequence[Return]],
    redemptions: Mapping[str, Sequence[Redemption]],
    end: datetime,
) -> dict[str, Expected]:
    """Customer id -> what they must have at ``end``; each mapping in the order of the log."""
    return {
        customer: expect(
            # Sorting is stable: a purchase goes before a return of the same instant, as in the replay.
            sorted(
                [*bought, *returns.get(customer, ()), *redemptions.get(customer, ())],
                key=lambda movement: movement.at,
            ),
            end,
        )
        for customer, bought in purchases.items()
    }
