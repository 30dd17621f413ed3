"""The steps of the gate, in its order. Each is a small pure function of the question.

The first that does not let the message pass decides: what refuses is told as the reason, what holds is looked
at again when it ends, unless that is too late, and then it is the reason.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

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
from services.followup.domain.state import person_of

Look: TypeAlias = Callable[[Question], Verdict]


class Step(NamedTuple):
    """One question that the gate asks."""

    name: str
    """As previews call it: what it refuses for, but for ``address``, where that is ``condition_unmet``,
    and ``paused``, where that is ``frequency_cap``."""
    look: Look


def stale(question: Question) -> Verdict:
    return Refuse("stale") if question.now > question.last_moment else None


def condition_unmet(question: Question) -> Verdict:
    """What it is made of was taken out of the rules since it was planned, or its rule asks what is not so."""
    outreach, terms = question.outreach, question.terms
    if terms.gone is not None:
        return Refuse("condition_unmet", terms.gone)
    if terms.rule is None:
        return None
    if outreach.offers is not None and had(question.state.history, outreach.offers):
        return Refuse("condition_unmet", f"the customer has bought {outreach.offers} before")
    if terms.condition is None:
        return None
    scope = Scope(question.state, question.now, question.where, outreach.trigger)
    against = unmet(terms.condition, scope)
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


@lru_cache(maxsize=1_000)
def looks(silent: frozenset[str]) -> tuple[Look, ...]:
    """All but those that say nothing."""
    return tuple(step.look for step in STEPS if step.name not in silent)
