"""What becomes of messages: how many reach customers, why others do not go, and what they bring."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import date

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.intervals import Z95, newcombe
from services.metrics.domain.kpis.kpi import Counts, Kind, Kpi, Result
from services.metrics.domain.kpis.shares import WILSON, share_result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.parts import Message, Trial
from services.metrics.domain.places import escape
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachBounced, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY

SENT, FAILED, RETURNED, REFUSED = "sent", "failed", "came_back", "refused:"
ASKED, ANSWERED = "asked", "asked_answered"
TREATED, TREATED_BOUGHT, HELD, HELD_BOUGHT = "treated:", "treated_bought:", "held:", "held_bought:"
HOLDOUT = "holdout"
ANSWER_DAYS = 7
"""Nearly all who answer a message have done so by then."""
BOUGHT_DAYS = 30
BOUGHT_WITHIN = BOUGHT_DAYS * DAY


def message_counts(message: Message) -> Iterator[Change]:
    """A message when it went, with what is heard of it since; else when it failed."""
    if message.sent is not None:
        yield message.sent, SENT, 1
        if message.returned:
            yield message.sent, RETURNED, 1
        if message.asks or message.answered:
            yield message.sent, ASKED, 1
            if message.answered:
                yield message.sent, ANSWERED, 1
    elif message.failed is not None:
        yield message.failed, FAILED, 1


def trial_counts(rule: str, trial: Trial) -> Iterator[Change]:
    """A customer among those who a rule was for, when it was for the first time."""
    name = escape(rule)
    yield trial.start, (HELD if trial.held else TREATED) + name, 1
    if trial.bought:
        yield trial.start, (HELD_BOUGHT if trial.held else TREATED_BOUGHT) + name, 1


MESSAGES = Counts(
    fields=(SENT, FAILED, RETURNED, REFUSED, ASKED, ANSWERED),
    events=(OutreachSent, OutreachFailed, OutreachSuppressed, OutreachBounced, SurveyAnswered),
)
"""Counted by the record itself, as what is heard of a message counts when the message went."""
TRIALS = Counts(
    fields=(TREATED, TREATED_BOUGHT, HELD, HELD_BOUGHT),
    events=(OutreachSent, OutreachSuppressed, PurchaseMade, PurchaseReturned),
)
"""Counted by the record itself, as orders come and go."""


def _sent(w: Window) -> Result:
    return Result(w.total(SENT), w.total(SENT))


def _reach(w: Window) -> Result:
    refused = sum(n for reason, n in w.buckets(REFUSED).items() if reason != HOLDOUT)
    return share_result(w.total(SENT) - w.total(RETURNED), w.total(SENT) + w.total(FAILED) + refused)


def _refusals(w: Window) -> Result:
    reasons = Counter(w.buckets(REFUSED))
    return Result(dict(reasons.most_common()), reasons.total())


def _response_rate(w: Window) -> Result:
    return share_result(w.total(ANSWERED), w.total(ASKED))


def _lift(w: Window) -> Result:
    """Each rule is compared with itself, and the differences are weighed as Mantel and Haenszel do."""
    held = w.buckets(HELD)
    rules = [
        (w.total(TREATED_BOUGHT + rule), w.total(TREATED + rule), w.total(HELD_BOUGHT + rule), none)
        for rule, none in held.items()
        if none > 0 and w.total(TREATED + rule) > 0
    ]
    if not rules:
        return Result(None, 0)
    people = sum(treated + none for _, treated, _, none in rules)
    if len(rules) == 1:
        a, treated, b, none = rules[0]
        return Result(a / treated - b / none, people, newcombe(a, treated, b, none))
    weights = [treated * none / (treated + none) for _, treated, _, none in rules]
    total, spread = 0.0, 0.0
    for weight, (a, treated, b, none) in zip(weights, rules, strict=True):
        p, q = a / treated, b / none
        total += weight * (p - q)
        spread += weight**2 * (p * (1 - p) / treated + q * (1 - q) / none)
    lift, half = total / sum(weights), Z95 * math.sqrt(spread) / sum(weights)
    return Result(lift, people, (max(-1.0, lift - half), min(1.0, lift + half)))


_SINCE = date(2026, 11, 26)

RESPONSE_RATE = Kpi(
    name="response_rate",
    title="Response rate",
    description="How many customers who were asked answered",
    formula="Messages with a survey that were answered / messages with a survey that were sent, on the day "
    f"on which they were sent; an answer counts that says which message asked; {WILSON}",
    unit="0 to 1",
    effective=_SINCE,
    ripe_days=ANSWER_DAYS,
    counts=(MESSAGES,),
    compute=_response_rate,
)
OUTREACH_SENT = Kpi(
    name="outreach_sent",
    title="Messages sent",
    description="Messages to customers that went",
    formula="Messages that were handed over, without what agents answer",
    unit="messages",
    kind=Kind.COUNT,
    effective=_SINCE,
    counts=(MESSAGES,),
    compute=_sent,
)
OUTREACH_REACH = Kpi(
    name="outreach_reach",
    title="Reach",
    description="How many of the messages that rules had for customers reached them",
    formula="Messages that went and did not come back / messages that went, failed or were refused, without "
    f"those that were held out for comparison; {WILSON}",
    unit="0 to 1",
    effective=_SINCE,
    counts=(MESSAGES,),
    compute=_reach,
)
REFUSALS = Kpi(
    name="outreach_refusals",
    title="Refused messages",
    description="Why messages that a rule had for a customer did not go",
    formula="Messages that were suppressed, by the reason",
    unit="messages by reason",
    kind=Kind.TALLY,
    effective=_SINCE,
    counts=(MESSAGES,),
    compute=_refusals,
)
LIFT = Kpi(
    name="outreach_lift",
    title="Lift",
    description="How much oftener customers buy who get a rule's messages than those who are held out of it",
    formula=f"Share of customers who bought within {BOUGHT_DAYS} days from when a rule was first for them, "
    "of those who get its messages less that of those held out, on the day of that first time; of rules that "
    "hold out, each compared with itself; 95 % interval: Newcombe, method 10, or, of several rules, the "
    "normal one of Mantel and Haenszel's weighted difference",
    unit="-1 to 1",
    source="Newcombe, Statistics in Medicine 17, 1998; Greenland and Robins, Biometrics 41, 1985",
    effective=_SINCE,
    ripe_days=BOUGHT_DAYS,
    counts=(TRIALS,),
    compute=_lift,
)
