"""Hours that hold a message, where the customer lives: quiet hours, and the windows in which it may go."""

from services.followup.domain.gate.question import Question, ask
from services.followup.domain.gate.verdicts import Hold, Verdict
from services.followup.domain.rules.quiet import is_quiet, quiet_until
from shared.schemas.times import Micros, micros, moment, timer_instant

MOST_HOPS = 20
"""How often one kind of hours may end within the other, before it is looked at again by a timer."""


def quiet_hours(question: Question) -> Verdict:
    hours = question.terms.quiet
    if hours is None or not is_quiet(question.local.time(), hours):
        return None
    until = quiet_until(moment(question.now), question.where, hours)
    return None if until is None else Hold("quiet_hours", micros(until))


def send_window(question: Question) -> Verdict:
    window = question.terms.window
    if window is None:
        return None
    until = window.opens_at(moment(question.now), question.where)
    return None if until is None else Hold("send_window", micros(until), window.words)


def clear_at(question: Question, until: Micros) -> Micros:
    """The first time from ``until`` on that no hours hold it; as far as that is not too late for it."""
    for _ in range(MOST_HOPS):
        then = ask(question.state, question.policy, question.outreach, until)
        hold = quiet_hours(then) or send_window(then)
        if not isinstance(hold, Hold) or hold.until > question.last_moment:
            break
        until = hold.until
    return timer_instant(until)
