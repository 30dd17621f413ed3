"""What a customer's health is made of: each driver is a function of the history, which says how well it is,
0 to 1, and why in words; None where nothing is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt

from services.metrics.domain.health.history import History
from services.metrics.domain.health.models import Models, weeks
from services.metrics.domain.health.policy import HealthPolicy
from services.metrics.domain.kpis.loyalty import EARNED, REDEEMED
from services.metrics.domain.kpis.outreach import FAILED, REFUSED, RETURNED, SENT
from services.metrics.domain.kpis.sentiment import HUNDREDTHS, SENTIMENT_SUM, SENTIMENTS
from services.metrics.domain.kpis.surveys import (
    CES_ANSWERS,
    CES_SUM,
    CSAT_REST,
    CSAT_TOP,
    DETRACTORS,
    PASSIVES,
    PROMOTERS,
)
from shared.facts.complaints import REOPENED
from shared.schemas.money import written
from shared.schemas.times import day_of

UNBOUGHT = 0.5
"""Recency of who has not bought yet."""
HALF_AT = 1 / 9
"""Odds of not buying at which recency gives half of its points: one in ten does not."""
STEADY = 0.75
"""Of a trend that neither rises nor falls; each doubling gives a quarter more, each halving one less."""
PSEUDO = 2.0
"""Purchases, or their worth, that both sides of a trend are given: one more or less says little."""
NO_CONSENT = "no_consent"
"""Of the reasons why a message does not go the one that is the customer's."""
_PASSIVE = 0.6
_OPEN_HARM, _OVER_HARM, _REOPENED_HARM = 0.5, 0.15, 0.15
_MOST_HARM = 0.8
_LEAST = 0.05
"""What has faded to less than this is as good as unknown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a driver sees."""

    value: float
    """0 (could not be worse) to 1."""
    why: str


Look = Callable[[History, Models, HealthPolicy], Seen | None]


def buys_again(history: History, models: Models, policy: HealthPolicy) -> float | None:
    """The probability to buy within the time ahead, by the own rhythm; None of who has not bought yet."""
    if not history.buying.days:
        return None
    return models.buying(history.buying.repeats).returns(weeks(policy.ahead), *history.bought)


def recency(history: History, models: Models, policy: HealthPolicy) -> Seen:
    """The silence against the own rhythm. By the odds not to buy within the time ahead, half in logarithms:
    of one in a hundred is more than of one in ten, which the probability itself hardly shows."""
    again, buying = buys_again(history, models, policy), history.buying
    if again is None:
        return Seen(UNBOUGHT, "no purchase yet")
    value = sqrt(again) / (sqrt(again) + sqrt((1 - again) / HALF_AT))
    usual = f", usually every {_gap(buying.lasted / buying.repeats)}" if buying.repeats else ""
    return Seen(
        value, f"last purchase {_ago(history.silence)}{usual}; buys in {policy.ahead} days: {again:.0%}"
    )


def frequency(history: History, _: Models, policy: HealthPolicy) -> Seen | None:
    """Purchases of late against those before."""
    trend = _trend(history, policy.trend, [1.0] * len(history.buying.days))
    if trend is None:
        return None
    late, usual = trend
    return Seen(_ratio(late, usual, PSEUDO), f"{late:.0f} in {policy.trend} days, {usual:.1f} usual")


def spend(history: History, _: Models, policy: HealthPolicy) -> Seen | None:
    """What was paid of late against before."""
    buying = history.buying
    paid = [float(amount) for amount in buying.paid]
    mean = sum(paid) / len(paid) if paid else 0.0
    trend = _trend(history, policy.trend, paid)
    if trend is None or mean <= 0:
        return None
    late, usual = (written(round(amount), buying.currency) for amount in trend)
    return Seen(_ratio(*trend, PSEUDO * mean), f"{late} in {policy.trend} days, {usual} usual")


def complaints(history: History, _: Models, __: HealthPolicy) -> Seen:
    """What was complained of: open and reopened ones weigh most, those that are over fade."""
    value, number, still_open, reopened = 1.0, 0, 0, 0
    for life in history.complaints():
        again = sum(step.kind == REOPENED for step in life.taken)
        number, still_open, reopened = number + 1, still_open + life.is_open, reopened + (again > 0)
        harm = min(_MOST_HARM, (_OPEN_HARM if life.is_open else _OVER_HARM) + _REOPENED_HARM * again)
        value *= 1 - harm * (1.0 if life.is_open else history.fade(day_of(life.taken[-1].at)))
    if not number:
        return Seen(1.0, "no complaint")
    parts = [f"{number} complaint{'s' if number > 1 else ''}", f"{still_open} open"]
    return Seen(value, ", ".join([*parts, *([f"{reopened} reopened"] if reopened else [])]))


def answers(history: History, _: Models, __: HealthPolicy) -> Seen | None:
    """Answers to surveys, whatever was asked, on one scale; older ones weigh less."""
    n = history.faded
    good = n.get(PROMOTERS, 0.0) + _PASSIVE * n.get(PASSIVES, 0.0) + n.get(CSAT_TOP, 0.0)
    number = sum(n.get(name, 0.0) for name in (PROMOTERS, PASSIVES, DETRACTORS, CSAT_TOP, CSAT_REST))
    good += (n.get(CES_SUM, 0.0) - n.get(CES_ANSWERS, 0.0)) / 6
    number += n.get(CES_ANSWERS, 0.0)
    if number < _LEAST:
        return None
    share = _within(good / number)
    return Seen(share, f"answers to surveys are {share:.0%} satisfied")


def loyalty(history: History, _: Models, __: HealthPolicy) -> Seen | None:
    """Points: that some are earned, and more that some are used."""
    n = history.faded
    earned, redeemed = n.get(EARNED, 0.0) > 0, n.get(REDEEMED, 0.0) > 0
    if not (history.member or EARNED in n or REDEEMED in n):
        return None
    did = " and ".join(word for word, done in (("earned", earned), ("used", redeemed)) if done)
    return Seen(0.6 * earned + 0.4 * redeemed, f"points {did} of late" if did else "no points of late")


def sentiment(history: History, _: Models, __: HealthPolicy) -> Seen | None:
    """How they spoke to us, -1 to 1, where that is told; older contacts weigh less."""
    n = history.faded.get(SENTIMENTS, 0.0)
    if n < _LEAST:
        return None
    mean = history.faded.get(SENTIMENT_SUM, 0.0) / n / HUNDREDTHS
    return Seen(_within((mean + 1) / 2), f"sentiment of contacts is {mean:+.1f}")


def reach(history: History, _: Models, __: HealthPolicy) -> Seen | None:
    """Whether messages arrive: of those that went, or that the customer does not consent to."""
    n = history.faded
    came = n.get(SENT, 0.0) - n.get(RETURNED, 0.0)
    tried = n.get(SENT, 0.0) + n.get(FAILED, 0.0) + n.get(f"{REFUSED}{NO_CONSENT}", 0.0)
    if tried < _LEAST:
        return None
    share = _within(came / tried)
    return Seen(share, f"{share:.0%} of messages reach them")


DRIVERS: Mapping[str, Look] = {
    "recency": recency,
    "frequency": frequency,
    "spend": spend,
    "complaints": complaints,
    "answers": answers,
    "sentiment": sentiment,
    "loyalty": loyalty,
    "reach": reach,
}
"""By name, which is that of its weight."""


def _trend(history: History, days: int, amounts: Sequence[float]) -> tuple[float, float] | None:
    """What the latest ``days`` brought, and what as many brought before, in the mean; None where what came
    before is shorter."""
    buying = history.buying
    if not buying.days or history.age < 2 * days:
        return None
    late = sum(n for day, n in zip(buying.days, amounts, strict=True) if day > history.today - days)
    return late, (sum(amounts) - late) * days / (history.age - days)


def _ratio(late: float, usual: float, pseudo: float) -> float:
    return _within(STEADY + log2((late + pseudo) / (usual + pseudo)) / 4)


def _within(value: float) -> float:
    return min(1.0, max(0.0, value))


def _ago(days: int) -> str:
    return "today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} ago"


def _gap(days: float) -> str:
    return f"{days:.0f} days" if days >= 1.5 else "day"
