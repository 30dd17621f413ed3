"""The steps of the gate, in its order. Each is a small pure function of the question.

The first that does not let the message pass decides: what refuses is told as the reason, what holds is looked
at again when it ends, unless that is too late, and then it is the reason.
"""

from collections.abc import Callable
from typing import NamedTuple

from services.followup.domain.conditions.holding import unmet
from services.followup.domain.conditions.views import Scope
from services.followup.domain.gate.caps import duplicate, frequency_cap
from services.followup.domain.gate.complaint import open_complaint
from services.followup.domain.gate.consent import address_suppressed, no_address, no_consent
from services.followup.domain.gate.hours import quiet_hours, send_window
from services.followup.domain.gate.question import Question
from services.followup.domain.gate.rank import outranked
from services.followup.domain.gate.verdicts import Refuse, Verdict
from services.followup.domain.history.baskets import had
from services.followup.domain.journeys.arms import held_out
from services.followup.domain.preferences.pause import paused
from services.followup.domain.rules.rule import MANUAL
from services.followup.domain.state import person_of


class Step(NamedTuple):
    """One question that the gate asks."""

    name: str
    """As previews call it: what it refuses for, but for ``address``, where that is ``condition_unmet``,
    and ``paused``, where that is ``frequency_cap``."""
    look: Callable[[Question], Verdict]


def stale(question: Question) -> Verdict:
    return Refuse("stale") if question.now > question.last_moment else None


def condition_unmet(question: Question) -> Verdict:
    """What it is made of was taken out of the rules since it was planned, or its rule asks what is not so."""
    outreach, rule = question.outreach, question.rule
    if rule is None and outreach.rule != MANUAL:
        return Refuse("condition_unmet", f"there is no rule {outreach.rule} any more")
    if outreach.template not in question.rules.templates:
        return Refuse("condition_unmet", f"there is no template {outreach.template} any more")
    if rule is None:
        return None
    if outreach.offers is not None and had(question.state.history, outreach.offers):
        return Refuse("condition_unmet", f"the customer has bought {outreach.offers} before")
    if rule.if_ is None:
        return None
    against = unmet(
        question.policy, rule, Scope(question.state, question.now, question.where, outreach.trigger)
    )
    return None if against is None else Refuse("condition_unmet", against)


def holdout(question: Question) -> Verdict:
    """The customer is one of those who get no such messages, for comparison."""
    if question.rule is None:
        return None
    why = held_out(question.rules, question.rule, person_of(question.state, question.outreach))
    return None if why is None else Refuse("holdout", why)


STEPS: tuple[Step, ...] = (
    Step("no_consent", no_consent),
    Step("address", no_address),
    Step("address_suppressed", address_suppressed),
    Step("stale", stale),
    Step("condition_unmet", condition_unmet),
    Step("open_complaint", open_complaint),
    Step("holdout", holdout),
    Step("outranked", outranked),
    Step("duplicate", duplicate),
    Step("paused", paused),
    Step("frequency_cap", frequency_cap),
    Step("quiet_hours", quiet_hours),
    Step("send_window", send_window),
)
LOOKS = tuple(step.look for step in STEPS)
