"""The program, its rewards and its liability as answers."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from services.loyalty.domain.program.catalogue import EarlyAccess, Reward
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.liability import Liability, Source
from shared.schemas.base import Frozen, Money


class VersionAnswer(Frozen):
    """A version of the program; it holds until the next one does."""

    version: Annotated[str, Field(description="What names it: its name and the date from which it holds.")]
    name: str
    effective_from: Annotated[datetime | None, Field(description="Null: from the beginning.")]


class RewardAnswer(Frozen):
    """Something that points buy, in [from, until)."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    reward_id: str
    name: str
    cost: int
    validity_days: int
    tier: Annotated[str | None, Field(description="The least tier that may have it; null: every member.")]
    starts_at: Annotated[datetime | None, Field(alias="from")]
    ends_at: Annotated[datetime | None, Field(alias="until")]
    early_access: Annotated[
        EarlyAccess | None, Field(description="This tier and above, so many days before `from`.")
    ]
    amount_off: Annotated[
        int | None, Field(description="What a voucher takes off, in minor units of the program's currency.")
    ]
    percent_off: Annotated[int | None, Field(description="Likewise, in percent of what is to be paid.")]
    stock: Annotated[int | None, Field(description="How many there are in all; null: no end of them.")]
    left: Annotated[int | None, Field(description="How many there are still; null: no end of them.")]


class MonthAnswer(Frozen):
    """Points that expire in a month."""

    month: str
    points: int
    pending: int
    money: Annotated[Money, Field(description="Of `points`, rounded down.")]


class BreakageAnswer(Frozen):
    """What is expected never to be redeemed."""

    rate: Annotated[float, Field(description="0 to 1, to six decimals; what follows is counted exactly.")]
    source: Annotated[Source, Field(description="The ledger's history, or the program's assumption.")]
    settled: Annotated[int, Field(description="Points redeemed for good or expired so far.")]
    points: int
    money: Money


class LiabilityAnswer(Frozen):
    """What points outstanding may cost, as of now."""

    currency: str
    point_value: Annotated[float, Field(description="Minor units that a point costs when redeemed.")]
    outstanding: Annotated[int, Field(description="Points that members can spend.")]
    pending: Annotated[int, Field(description="Points earned but not to be spent yet.")]
    owed: Annotated[int, Field(description="Points owed after returns, by other members: not netted.")]
    months: Annotated[list[MonthAnswer], Field(description="By month of expiry (UTC).")]
    money: Annotated[Money, Field(description="Of all that is outstanding, rounded down once.")]
    breakage: BreakageAnswer
    expected_cost: Annotated[Money, Field(description="`money` less the breakage's.")]


def version_answer(program: Program) -> VersionAnswer:
    return VersionAnswer(version=program.version, name=program.name, effective_from=program.effective_from)


def reward_answer(reward: Reward, used: int) -> RewardAnswer:
    """``used``: how many were given out."""
    return RewardAnswer(
        reward_id=reward.id,
        name=reward.name,
        cost=reward.cost,
        validity_days=reward.validity_days,
        tier=reward.tier,
        starts_at=reward.starts_at,
        ends_at=reward.ends_at,
        early_access=reward.early_access,
        amount_off=reward.amount_off,
        percent_off=reward.percent_off,
        stock=reward.stock,
        left=None if reward.stock is None else max(reward.stock - used, 0),
    )


def liability_answer(found: Liability, program: Program) -> LiabilityAnswer:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=program.currency)

    return LiabilityAnswer(
        currency=program.currency,
        point_value=float(program.point_value),
        outstanding=found.outstanding,
        pending=found.pending,
        owed=found.owed,
        months=[
            MonthAnswer(month=m.month, points=m.points, pending=m.pending, money=money(m.money))
            for m in found.months
        ],
        money=money(found.money),
        breakage=BreakageAnswer(
            rate=round(float(found.breakage.rate), 6),
            source=found.breakage.source,
            settled=found.breakage.settled,
            points=found.breakage.points,
            money=money(found.breakage.money),
        ),
        expected_cost=money(found.expected_cost),
    )
