"""The results of a rule."""

from collections.abc import Mapping
from datetime import date

from services.followup.domain.results.report import Arm, Funnel, Lift, Report
from services.followup.domain.results.statistics import Interval, Split
from shared.schemas.base import Frozen


class FunnelAnswer(Frozen):
    """What became of messages: ``planned`` + ``overtaken`` = ``sent`` + ``failed`` + ``in_doubt`` + all
    ``suppressed`` + all ``cancelled`` + ``waiting``."""

    step: str | None
    """Null where the rule has one message."""
    variant: str | None
    """Null where the rule has none."""
    planned: int
    waiting: int
    """Not decided yet, or with the sender."""
    sent: int
    failed: int
    in_doubt: int
    """Nobody knows whether they were sent."""
    suppressed: Mapping[str, int]
    """By reason."""
    cancelled: Mapping[str, int]
    """By reason."""
    overtaken: int
    """Cancelled, and sent all the same: the sender was faster."""
    delivered: int
    bounced: Mapping[str, int]
    """``hard`` and ``soft``."""
    complained: int
    answered: int
    """By a reply, or in the survey that they ask for."""
    goal_reached: int


class IntervalAnswer(Frozen):
    """An estimate, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class ArmAnswer(Frozen):
    """People to whom the rule applied for the first time, whether anything was sent to them or not."""

    name: str
    """A variant, or ``holdout``; ``all`` where the rule has no variants."""
    share: float
    """How many were meant to be in it, from 0 to 1."""
    assigned: int
    reached: int
    """The goal, in time."""
    rate: IntervalAnswer | None
    """By Wilson's interval; null of nobody."""


class LiftAnswer(Frozen):
    """By how much an arm reached the goal more often than another."""

    arm: str
    against: str
    difference: IntervalAnswer
    """Of the rates, by Newcombe's method 10."""
    certain: bool
    """Whether the interval leaves 0 out."""


class SampleRatio(Frozen):
    """Whether people fell to the arms as they were meant to: a chi-square test."""

    chi_square: float | None
    """Null where somebody is in an arm that was to have nobody."""
    degrees: int
    p: float
    mismatch: bool
    """``p`` is below 0.001: something is wrong with the split, and no lift is to be believed."""


class ResultsAnswer(Frozen):
    """What became of a rule's messages that are due in a time, and of the people whom it applied to."""

    rule: str
    since: date
    """The first day, in UTC."""
    until: date
    """The day after the last."""
    total: FunnelAnswer
    parts: tuple[FunnelAnswer, ...]
    """By step and variant."""
    arms: tuple[ArmAnswer, ...]
    lifts: tuple[LiftAnswer, ...]
    sample_ratio: SampleRatio | None


def results_answer(rule: str, since: date, until: date, found: Report) -> ResultsAnswer:
    return ResultsAnswer(
        rule=rule,
        since=since,
        until=until,
        total=_funnel(found.total),
        parts=tuple(map(_funnel, found.parts)),
        arms=tuple(map(_arm, found.arms)),
        lifts=tuple(map(_lift, found.lifts)),
        sample_ratio=_ratio(found.split),
    )


def _funnel(found: Funnel) -> FunnelAnswer:
    return FunnelAnswer.model_validate({name: getattr(found, name) for name in FunnelAnswer.model_fields})


def _interval(found: Interval) -> IntervalAnswer:
    return IntervalAnswer(value=found.value, low=found.low, high=found.high)


def _arm(found: Arm) -> ArmAnswer:
    rate = None if found.rate is None else _interval(found.rate)
    return ArmAnswer(
        name=found.name, share=found.share, assigned=found.assigned, reached=found.reached, rate=rate
    )


def _lift(found: Lift) -> LiftAnswer:
    certain = found.interval.excludes_zero
    return LiftAnswer(
        arm=found.arm, against=found.against, difference=_interval(found.interval), certain=certain
    )


def _ratio(found: Split | None) -> SampleRatio | None:
    if found is None:
        return None
    chi_square = None if found.chi_square == float("inf") else found.chi_square
    return SampleRatio(chi_square=chi_square, degrees=found.degrees, p=found.p, mismatch=found.mismatch)
