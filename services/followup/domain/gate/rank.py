"""A due message yields to one that matters more and falls due soon, where one cap counts both."""

from collections.abc import Iterator

from services.followup.domain.gate.caps import caps_counting
from services.followup.domain.gate.mates import joins_it
from services.followup.domain.gate.question import Question
from services.followup.domain.gate.reach import reaches
from services.followup.domain.gate.verdicts import Hold, Verdict
from services.followup.domain.journeys.silence import broken_at
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.terms import sort_of
from services.followup.domain.rules.times import span
from shared.schemas.times import MILLISECOND, Micros


def outranked(question: Question) -> Verdict:
    """It is held until that one is decided."""
    state = question.state
    if not (state.planned or state.anchors or state.occasions):
        return None
    rules, mine = question.rules, 0 if question.rule is None else question.rule.priority
    soon = question.now + span(rules.outranked_within)
    others = [one for one in _others(question) if one[0].priority > mine and one[2] <= soon]
    if others and question.rule is not None and question.rule.bundle:
        # What goes in one mail with it does not go before it.
        others = [one for one in others if not joins_it(question, one[0].name, one[2])]
    if not others:
        return None
    wishes, terms = question.state.wishes, question.terms
    caps = caps_counting(terms.sort, terms.caps, wishes)
    before: tuple[Micros, str] | None = None
    for rule, purpose, wakes in others:
        its = caps_counting(sort_of(rule, purpose), rules.all_caps, wishes)
        shared = any(cap in caps for cap in its)
        if shared and reaches(question.state, question.policy, rule, purpose, question.now):
            before = min(before or (wakes, rule.name), (wakes, rule.name))
    if before is None:
        return None
    wakes, name = before
    # Its timer of the same instant might fire before that one is decided.
    return Hold("outranked", max(wakes, question.now) + MILLISECOND, f"{name} matters more")


def _others(question: Question) -> Iterator[tuple[Rule, str, Micros]]:
    """The rule and purpose of what else is planned, and when it is decided."""
    state, rules, mine = question.state, question.rules, question.outreach
    for planned in state.planned:
        rule = question.policy.named(planned.rule)
        if rule is not None and planned.outreach_id != mine.outreach_id:
            yield rule, planned.purpose, planned.wakes
    for anchor in state.anchors:
        rule = question.policy.named(anchor.rule)
        if rule is not None and anchor.armed and rule.name != mine.rule:
            ends = broken_at(rule, anchor.at, anchor.days)
            if ends is not None:
                yield rule, rules.purpose(rule.template), ends
    for one in state.occasions:
        rule = question.policy.named(one.rule)
        if rule is not None and one.due_at is not None and rule.name != mine.rule:
            yield rule, rules.purpose(rule.template), one.due_at
