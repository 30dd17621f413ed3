"""Which messages may go in one mail: those of rules that say ``bundle`` of which all that decides about the
mail as a whole is the same (ADR 42). Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.followup.domain.gate.complaint import complaint_of
from services.followup.domain.gate.question import Question
from services.followup.domain.journeys.silence import broken_at
from services.followup.domain.policy import Policy
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.rule import DEFAULT_CHANNEL, Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from services.followup.domain.triggers import worded
from shared.schemas.times import Micros

MOST_TOGETHER = 10
"""So many messages are in a mail at most."""


class Kind(NamedTuple):
    """What must be the same: who may write it and who may stop it, its hours, its language."""

    purpose: str
    counts_as: str
    topic: str | None
    complaint: str | None
    window: Window | None
    language: str


def kind_of(state: Customer, policy: Policy, outreach: Planned, rule: Rule | None) -> Kind | None:
    """Of a message, by the rules of ``policy``; None where it goes by itself."""
    if rule is None or not rule.bundle or (rule.steps and outreach.journey is None):
        return None
    channel = policy.channels.get(DEFAULT_CHANNEL)
    if channel is None or DEFAULT_CHANNEL not in rule.ways:
        return None
    speech = policy.templates.speech(outreach.template, channel, state.locale, policy.rules.locale)
    if not policy.templates.divides(outreach.template, channel, speech.language):
        return None
    return Kind(
        outreach.purpose,
        rule.counts_as(outreach.purpose),
        rule.topic,
        complaint_of(outreach, rule),
        rule.window,
        speech.language,
    )


def others_come(state: Customer, policy: Policy, outreach: Planned) -> bool:
    """Whether anything else that would share its mail is planned or expected: most often nothing is, and
    nobody need ask what the mail would be like."""
    planned = [one.rule for one in state.planned if one.outreach_id != outreach.outreach_id]
    names = (*planned, *(one.rule for one in state.anchors), *(one.rule for one in state.occasions))
    rules = map(policy.rules.rule, names)
    return any(rule is not None and rule.bundle for rule in rules)


def mates_of(state: Customer, policy: Policy, outreach: Planned) -> Iterator[Planned]:
    """What else is of its kind: planned, or expected by a date or a silence, which have no id yet."""
    mine = kind_of(state, policy, outreach, policy.rules.rule(outreach.rule))
    if mine is None:
        return
    for other in (*state.planned, *_expected(state, policy, outreach)):
        if other.outreach_id and other.outreach_id == outreach.outreach_id:
            continue
        if policy.version(other.at) != policy.version(outreach.at):
            continue
        if kind_of(state, policy, other, policy.rules.rule(other.rule)) == mine:
            yield other


def in_order(policy: Policy, together: Iterable[Planned]) -> list[Planned]:
    """As they stand in one mail: the highest priority first, then what was due first."""

    def rank(outreach: Planned) -> tuple[int, Micros, str]:
        rule = policy.rules.rule(outreach.rule)
        return -(0 if rule is None else rule.priority), outreach.due_at, outreach.key

    return sorted(together, key=rank)


def joins_it(question: Question, rule: str, wakes: Micros) -> bool:
    """Whether a message of that rule which is decided then, or now, would go in one mail with this one,
    rather than before it."""
    state, policy, mine = question.state, question.policy, question.outreach
    if wakes > max(question.now, mine.due_at + span(policy.rules.bundle_within)):
        return False
    return any(one.rule == rule and one.wakes == wakes for one in mates_of(state, policy, mine))


def _expected(state: Customer, policy: Policy, mine: Planned) -> Iterator[Planned]:
    """What dates and silences that are awaited would say."""
    for anchor in state.anchors:
        rule = policy.rules.rule(anchor.rule)
        if rule is not None and rule.bundle and anchor.armed and rule.name != mine.rule:
            ends = broken_at(rule, anchor.at, anchor.days)
            if ends is not None:
                yield _supposed(state, policy, rule, anchor.at, ends)
    for one in state.occasions:
        rule = policy.rules.rule(one.rule)
        if rule is not None and rule.bundle and one.due_at is not None and rule.name != mine.rule:
            yield _supposed(state, policy, rule, one.due_at, one.due_at)


def _supposed(state: Customer, policy: Policy, rule: Rule, at: Micros, due_at: Micros) -> Planned:
    told = worded(policy.rules, rule, state.customer_id)
    return Planned(**told, at=at, by=at, outreach_id="", key=rule.name, due_at=due_at)
