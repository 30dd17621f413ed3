"""Whether a condition holds of a customer now: for the gate, and for a rule's steps."""

from collections.abc import Mapping
from typing import Any

from services.followup.domain.conditions.expression import Expression, compiled
from services.followup.domain.conditions.views import Scope
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Customer
from shared.expressions.program import Verdict
from shared.schemas.times import Micros

MOST_SAID = 300


def holds(
    policy: Policy, rule: Rule, state: Customer, expression: str, now: Micros, trigger: Mapping[str, Any]
) -> Verdict:
    """Whether an expression of ``rule`` holds. ``trigger`` is what ``Rule.kept`` has kept of what started
    it."""
    where = zone(state.timezone, policy.rules.timezone)
    return compiled(expression, rule.asked_events).verdict(Scope(state, now, where, trigger))


def unmet(condition: Expression, scope: Scope) -> str | None:
    """What a rule's condition says against a message, for people; None where it is met."""
    verdict = condition.verdict(scope)
    if verdict.met:
        return None
    said = f"if: {' '.join(condition.text.split())}"[:MOST_SAID]
    return said if verdict.why is None else f"{said} ({verdict.why})"
