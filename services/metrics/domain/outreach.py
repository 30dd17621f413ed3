"""Messages to a customer as the record keeps them: what became of each, and whether the customer bought then.

What agents answer (the rule ``reply``) is no outreach, and counts nowhere here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from services.metrics.domain.cells import Delta
from services.metrics.domain.kpis.outreach import BOUGHT_WITHIN, REFUSED, message_counts
from services.metrics.domain.parts import Message, Trial
from services.metrics.domain.places import Where
from services.metrics.domain.state import Customer, Ids
from services.metrics.domain.tracked import Tracked
from shared.facts.names import key
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachBounced, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.times import Micros

NO_OUTREACH = "reply"
NO_TRIALS = frozenset({NO_OUTREACH, "manual"})
"""Rules that are no campaign: what one person writes to another."""
MOST_TRIALS = 200
"""Rules of which a customer is in the comparison: those heard first."""


def went(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A message was handed over, or could not be; one that was in doubt may go after all."""
    data = event.data
    assert isinstance(data, OutreachSent | OutreachFailed)
    if data.rule == NO_OUTREACH:
        return (id,)
    with _changing(tracked, data.outreach_id, at, now, delta) as message:
        message.rule = data.rule
        if isinstance(data, OutreachFailed):
            message.failed = at if message.failed is None else min(at, message.failed)
        else:
            message.sent = at if message.sent is None else min(at, message.sent)
            message.asks = message.asks or data.asks is not None
    if isinstance(data, OutreachSent):
        _tried(tracked, data.rule, at, delta, held=False)
    return (id,)


def refused(tracked: Tracked, event: Event, at: Micros, _: Micros, delta: Delta, id: int) -> Ids:
    """A message must not go."""
    data = event.data
    assert isinstance(data, OutreachSuppressed)
    if data.rule == NO_OUTREACH:
        return (id,)
    tracked.count_event(delta, at, {REFUSED + data.reason: 1}, Where(rule=data.rule))
    if data.reason == "holdout":
        _tried(tracked, data.rule, at, delta, held=True)
    return (id,)


def came_back(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A message that went did not arrive."""
    data = event.data
    assert isinstance(data, OutreachBounced)
    with _changing(tracked, data.outreach_id, at, now, delta) as message:
        message.returned = True
    return (id,)


def answered(tracked: Tracked, data: SurveyAnswered, at: Micros, now: Micros, delta: Delta) -> None:
    """A survey was answered that a message had asked for."""
    if data.outreach_id is not None:
        with _changing(tracked, data.outreach_id, at, now, delta) as message:
            message.answered = True


def bought(tracked: Tracked, at: Micros | None, delta: Delta) -> None:
    """An order of that time was made, or paid back in full."""
    if at is None or not tracked.data.trials:
        return
    for rule, trial in [*tracked.data.trials.items()]:
        if trial.start < at <= trial.start + BOUGHT_WITHIN:
            _put(tracked, rule, replace(trial, bought=has_bought(tracked.data, trial.start)), delta)


@contextmanager
def _changing(tracked: Tracked, name: str, at: Micros, now: Micros, delta: Delta) -> Iterator[Message]:
    """The message, which counts anew when it is changed."""
    messages, short = tracked.data.messages, int.from_bytes(key("outreach", name))
    message = messages.get(short)
    if message is None:
        message = messages[short] = Message()
    before = {*message_counts(message)}
    yield message
    message.latest = max(message.latest, min(at, now))
    after, where = {*message_counts(message)}, Where(rule=message.rule)
    for changes, sign in ((before - after, -1), (after - before, 1)):
        for time, field, n in changes:
            tracked.count_event(delta, time, {field: sign * n}, where)


def _tried(tracked: Tracked, rule: str, at: Micros, delta: Delta, *, held: bool) -> None:
    """The rule was for the customer, who gets its messages or, for comparison, none: that which was first
    counts, for good."""
    trials = tracked.data.trials
    trial = trials.get(rule)
    if rule in NO_TRIALS or (trial is None and len(trials) >= MOST_TRIALS):
        return
    if trial is None or (at, not held) < (trial.start, not trial.held):
        _put(tracked, rule, Trial(at, held, has_bought(tracked.data, at)), delta)


def _put(tracked: Tracked, rule: str, new: Trial, delta: Delta) -> None:
    old = tracked.data.trials.get(rule)
    if new == old:
        return
    if old is not None:
        tracked.count_trial(delta, rule, old, -1)
    tracked.data.trials[rule] = new
    tracked.count_trial(delta, rule, new)


def has_bought(record: Customer, start: Micros) -> bool:
    """Whether there is an order in time after ``start``."""
    until = start + BOUGHT_WITHIN
    return any(
        order.made is not None and start < order.made <= until and order.day is not None
        for order in record.orders.values()
    )
