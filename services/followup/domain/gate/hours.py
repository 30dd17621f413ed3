"""Hours that hold a message, where the customer lives: quiet hours, and the windows in which it may go."""

from services.followup.domain.gate.question import Question, ask
from services.followup.domain.gate.verdicts import Hold, Verdict
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.quiet import QuietHours, is_quiet, quiet_until
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from shared.schemas.times import Micros, micros, moment, timer_instant

MOST_HOPS = 20
"""How often one kind of hours may end within the other, before it is looked at again by a timer."""


def quiet_hours_of(rules: Rules, rule: Rule | None) -> QuietHours | None:
    """Those that hold what the rule, or a person, sends: service messages too, but nothing that is urgent."""
    return None if rule is not None and rule.urgent else rules.quiet_hours


def send_window_of(rules: Rules, rule: Rule | None, purpose: str) -> Window | None:
    """The rule's own, else that of the purpose, which does not hold what is urgent."""
    if rule is not None and (rule.window is not None or rule.urgent):
        return rule.window
    return rules.send_window(purpose)


def quiet_hours(question: Question) -> Verdict:
    hours = quiet_hours_of(question.rules, question.rule)
    if hours is None:
        return None
    if not is_quiet(question.local.time(), hours):
        return None
    until = quiet_until(moment(question.now), question.where, hours)
    return None if until is None else Hold("quiet_hours", micros(until))


def send_window(question: Question) -> Verdict:
    window = send_window_of(question.rules, question.rule, question.outreach.purpose)
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
