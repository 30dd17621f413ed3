"""The one door of the gate: send now, look again later, or not at all."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.followup.domain.gate.hours import clear_at
from services.followup.domain.gate.mates import MOST_TOGETHER, in_order, mates_of, others_come
from services.followup.domain.gate.question import Question, ask
from services.followup.domain.gate.steps import STEPS, looks
from services.followup.domain.gate.verdicts import Decision, Go, Hold, Mate, No, Refuse, Verdict, Wait
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import DEFAULT_CHANNEL
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import MILLISECOND, Micros


def decide(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Decision:
    """Whether to send. The steps after the first that does not let it pass are looked at only where that one
    refuses, for ``blocked_by``."""
    question = ask(state, policy, outreach, now)
    terms = question.terms
    asked = looks(terms.silent if question.way is None else terms.silent_reached)
    for place, look in enumerate(asked):
        said = look(question)
        if said is None:
            continue
        verdict = _as_it_ends(question, said)
        if isinstance(verdict, Hold):
            last = verdict.until == question.last_moment
            until = verdict.until if last else clear_at(question, verdict.until)
            return Wait(until, verdict.reason, verdict.detail)
        assert verdict is not None
        others = [said for look in asked[place + 1 :] if (said := look(question)) is not None]
        later = [_as_it_ends(question, one) for one in others]
        return _refusal(verdict, [one for one in later if one is not None])
    go = _go(question)
    if question.rule is None or not question.rule.bundle or not others_come(state, policy, outreach):
        return go
    there = _together(question, go)
    waits = _for_others(question, there)
    if waits is not None:
        return Wait(waits.until, waits.reason, waits.detail)
    mine = there[:MOST_TOGETHER] if _is_in(question, there[:MOST_TOGETHER]) else there[: MOST_TOGETHER - 1]
    return replace(go, mates=tuple(one for one in mine if one.outreach is not question.outreach))


def _go(question: Question) -> Go:
    """Of one that every step lets pass."""
    way = question.way
    assert way is not None
    return Go(way.to or "", way.channel, way.word.event if way.word is not None else None)


def _passes(question: Question) -> Go | None:
    """Whether every step lets it go now, whatever else would be in its mail."""
    if any(_as_it_ends(question, step.look(question)) for step in STEPS):
        return None
    return _go(question)


def _together(question: Question, go: Go) -> list[Mate]:
    """What is due as well, may go now, and would go in one mail with it; itself among them, in the order of
    the mail, and more than go in one."""
    mine = Mate(question.outreach, go)
    if go.channel != DEFAULT_CHANNEL:
        return [mine]
    due = [
        other
        for other in mates_of(question.state, question.policy, question.outreach)
        if other.outreach_id and other.due_at <= question.now
    ]
    found = {question.outreach.outreach_id: mine}
    alone = {question.outreach.rule} if _once(question.policy, question.outreach) else set()
    for other in in_order(question.policy, due):
        its = _passes(ask(question.state, question.policy, other, question.now))
        if its is None or (its.channel, its.to) != (go.channel, go.to):
            continue
        if _once(question.policy, other):
            if other.rule in alone:
                continue
            alone.add(other.rule)
        found[other.outreach_id] = Mate(other, its)
    order = in_order(question.policy, [one.outreach for one in found.values()])
    return [found[one.outreach_id] for one in order]


def _once(policy: Policy, outreach: Planned) -> bool:
    """Whether ``at_most_one_in`` lets no other of its rule go beside it."""
    rule = policy.rules.rule(outreach.rule)
    return rule is not None and rule.at_most_one_in is not None and outreach.journey is None


def _is_in(question: Question, mail: Iterable[Mate]) -> bool:
    return any(one.outreach is question.outreach for one in mail)


def _for_others(question: Question, there: Sequence[Mate]) -> Hold | None:
    """It waits for others that fall due within ``bundle_within`` of the first in its mail, until the last of
    them that comes before half its time is over for any in it; and for a full mail of what matters more.
    ``there``: its mail."""
    rule, policy, now = question.rule, question.policy, question.now
    channel = next(one.go.channel for one in there if one.outreach is question.outreach)
    if rule is None or not rule.bundle or channel != DEFAULT_CHANNEL:
        return None
    if not _is_in(question, there[:MOST_TOGETHER]):
        goes = max(now, min(one.outreach.wakes for one in there[:MOST_TOGETHER])) + MILLISECOND
        full = f"{MOST_TOGETHER} that matter more go in one mail before it"
        return Hold("bundle", goes, full) if goes <= question.last_moment else None
    waiting = [ask(question.state, policy, one.outreach, now) for one in there]
    close = min(one.outreach.due_at for one in waiting) + span(question.rules.bundle_within)
    # Half of its time is left to the sender, which may have to hold it.
    close = min(close, *((one.outreach.due_at + one.last_moment) // 2 for one in waiting))
    alone = {one.outreach.rule for one in there if _once(policy, one.outreach)}
    mates = mates_of(question.state, policy, question.outreach)
    coming = [(at, other) for other in mates if (at := _comes_at(question, other)) is not None]
    joins: list[tuple[Micros, str]] = []
    for at, other in sorted(coming, key=lambda one: one[0]):
        if not now < at <= close or (_once(policy, other) and other.rule in alone):
            continue
        if _once(policy, other):
            alone.add(other.rule)
        joins.append((at, other.rule))
    if not joins or len(waiting) >= MOST_TOGETHER:
        return None
    names = ", ".join(dict.fromkeys(name for _, name in sorted(joins)))
    return Hold("bundle", max(at for at, _ in joins), f"to go in one mail with {names}")


def _comes_at(question: Question, other: Planned) -> Micros | None:
    """When the other may go at the earliest; None where it is due already, or could not go as things are."""
    now = question.now
    if other.outreach_id and other.due_at <= now:
        return None
    asked = ask(question.state, question.policy, other, max(now, other.wakes))
    early = ask(question.state, question.policy, other, now)
    if any(isinstance(step.look(early), Refuse) for step in STEPS):
        return None
    at = clear_at(asked, asked.now)
    # What has no id yet is decided after this one, if at the same instant.
    return at if other.outreach_id else max(at, now) + MILLISECOND


def explain(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> list[tuple[str, Verdict]]:
    """Each step by name and what it says, in order; the last, of rules that say so, whether it waits for
    others in its mail. A hold that ends too late is a refusal."""
    question = ask(state, policy, outreach, now)
    told = _each(question)
    if question.rule is None or not question.rule.bundle or any(said is not None for _, said in told):
        return told
    return [*told, ("bundle", _for_others(question, _together(question, _go(question))))]


def blocked_by(steps: Iterable[tuple[str, Verdict]]) -> tuple[SuppressionReason, ...]:
    """What stands in the way, by ``explain``, in the gate's order; but not that others are waited for."""
    said = (one for _, one in steps if one is not None and one.reason != "bundle")
    return tuple(dict.fromkeys(_reason(one) for one in said))


def _each(question: Question) -> list[tuple[str, Verdict]]:
    return [(step.name, _as_it_ends(question, step.look(question))) for step in STEPS]


def refused_by(state: Customer, policy: Policy, outreach: Planned, why: Refuse, now: Micros) -> No:
    """The refusal of one that is not asked about when it is due, since what is against it is known before:
    with all else that stands in its way now. ``why`` is what the step of its reason says, whatever it would
    say by itself. A goal that is reached is no step: nothing else is looked at."""
    if why.reason == "goal_reached":
        return No(why.reason, why.detail)
    steps = _each(ask(state, policy, outreach, now))
    told = [why if name == why.reason else said for name, said in steps]
    place = next(number for number, said in enumerate(told) if isinstance(said, Refuse))
    first = told[place]
    assert isinstance(first, Refuse)
    return _refusal(first, [one for one in told[place + 1 :] if one is not None])


def _as_it_ends(question: Question, verdict: Verdict) -> Verdict:
    """A hold that ends too late is a refusal; but one that yields to another is held as long as it can be,
    since that one may not go."""
    if not isinstance(verdict, Hold) or verdict.until <= question.last_moment:
        return verdict
    if verdict.reason == "outranked" and question.now < question.last_moment:
        return replace(verdict, until=question.last_moment)
    return Refuse(verdict.refuses_as, verdict.detail, verdict.until)


def _refusal(first: Refuse, later: Sequence[Refuse | Hold]) -> No:
    """What the first step that refuses says, with all that stands in the way beside it. The reason is over
    when each step that has it is."""
    same = [first.next_at]
    same += [
        one.until if isinstance(one, Hold) else one.next_at for one in later if one.reason == first.reason
    ]
    ends = [end for end in same if end is not None]
    also = tuple(dict.fromkeys(_reason(one) for one in later if one.reason != first.reason))
    return No(first.reason, first.detail, max(ends) if len(ends) == len(same) else None, also)


def _reason(verdict: Refuse | Hold) -> SuppressionReason:
    return verdict.refuses_as if isinstance(verdict, Hold) else verdict.reason
