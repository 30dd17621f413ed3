"""From facts and timers to due outreach: what each rule plans, moves and cancels."""

from functools import partial
from typing import TypeAlias

from services.followup.domain import answers
from services.followup.domain.delivery import settle
from services.followup.domain.effects import NewId, Step, nothing, then
from services.followup.domain.gate.verdicts import Refuse
from services.followup.domain.journeys import walk
from services.followup.domain.journeys.occasions import PREFIX, on_occasion
from services.followup.domain.journeys.versions import former, start_of
from services.followup.domain.policy import Policy
from services.followup.domain.quiet_time import on_quiet_time, rearm, restart
from services.followup.domain.rules.rule import Rule
from services.followup.domain.standing import arrange, refuse, said_already
from services.followup.domain.state import Customer, Moment, Outreach, Planned
from services.followup.domain.triggers import Fact, trigger, with_undone
from shared.domain import Effects
from shared.schemas.outreach import OutreachCancelled
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros


def on_fact(state: Customer, policy: Policy, fact: Fact, new_id: NewId) -> Effects[Customer]:
    """What a fact means to every rule."""
    gone = [one for one in state.waiting if policy.rule(one.rule, one.at) is None]
    if gone:
        before = _without_rule(state, policy, gone, fact.now, new_id)
        return then(before, lambda s: on_fact(s, policy, fact, new_id))
    current = policy.at(fact.at)
    starting = None if fact.answer is None else answers.starting(state, current, fact)
    effects = nothing(state) if fact.answer is None else answers.correct(state, current, fact, fact.now)
    for rule in current.rules.rules:
        effects = _meant(effects, policy, rule, fact, starting, new_id)
    for rule in former(policy.versions, current.rules):
        effects = _meant(effects, policy, rule, fact, frozenset(), new_id)
    return effects


def _without_rule(
    state: Customer, policy: Policy, gone: list[Planned], now: Micros, new_id: NewId
) -> Effects[Customer]:
    """What waits of rules that are gone since does not go."""
    left = state.model_copy(update={"waiting": tuple(one for one in state.waiting if one not in gone)})
    told = [(one, Refuse("condition_unmet", f"there is no rule {one.rule} any more")) for one in gone]
    return refuse(left, policy, [one for one in told if state.counts(one[0].of)], now, new_id)


def _meant(
    effects: Effects[Customer],
    policy: Policy,
    rule: Rule,
    fact: Fact,
    starting: frozenset[str] | None,
    new_id: NewId,
) -> Effects[Customer]:
    """What the fact means to a rule: it undoes what came of the rule, by whichever version, it starts it, or
    it is a reason to look at what waits. ``starting`` are the only rules that it may start."""
    undoing = _undoing(policy, rule, fact)
    if undoing:
        effects = then(effects, partial(_undo, policy=policy, undoing=undoing, fact=fact))
    if not fact.again and _starts(rule, fact, starting):
        step: Step = partial(_trigger, policy=policy, rule=rule, fact=fact, new_id=new_id)
    elif undoing or _concerned(effects.state, rule, fact):
        step = partial(_see_anew, policy=policy, rule=rule, now=fact.now, new_id=new_id)
    else:
        return effects
    return then(effects, step)


def _starts(rule: Rule, fact: Fact, starting: frozenset[str] | None) -> bool:
    wanted = fact.name in rule.events and (starting is None or rule.name in starting)
    return wanted and rule.holds(fact.data) and (rule.restart or rule.starts_at(fact.at))


Undoing: TypeAlias = list[tuple[Micros | None, Rule]]
"""Rules that are undone, each with its version."""


def _undoing(policy: Policy, rule: Rule, fact: Fact) -> Undoing:
    """The versions of a rule that the fact undoes; where all versions say the same, as one."""
    if not policy.versions:
        return [(None, rule)] if rule.cancels(fact.name, fact.data) else []
    known = [(start_of(rules), found) for rules in policy.versions if (found := rules.rule(rule.name))]
    undone = [(start, found) for start, found in known if found.cancels(fact.name, fact.data)]
    if len(undone) == len(known) and len({found.for_each for _, found in undone}) == 1:
        return [(None, rule)]
    return [*undone]


def _undo(state: Customer, policy: Policy, undoing: Undoing, fact: Fact) -> Effects[Customer]:
    for version, rule in undoing:
        state = with_undone(state, policy, rule, fact, version)
    return nothing(state)


def _trigger(state: Customer, policy: Policy, rule: Rule, fact: Fact, new_id: NewId) -> Effects[Customer]:
    if fact.of is None and rule.restart:
        return restart(state, policy, rule, Moment(fact.by, fact.at), fact.now)
    new = trigger(policy.at(fact.at), rule, fact, state.customer_id, new_id)
    return _see_anew(state, policy, rule, fact.now, new_id, new)


def _see_anew(
    state: Customer, policy: Policy, rule: Rule, now: Micros, new_id: NewId, new: Planned | None = None
) -> Effects[Customer]:
    """See what of a rule is planned, now that more is known."""
    if rule.restart:
        return rearm(state, policy, rule, now, new)
    effects = arrange(state, policy, rule, now, new_id, new)
    return then(effects, partial(walk.leave_undone, policy=policy, rule=rule.name, now=now))


def _concerned(state: Customer, rule: Rule, fact: Fact) -> bool:
    """Whether what the fact says beside being a trigger may change what the rule does: something waits for
    that, or the life of a complaint has changed."""
    if state.waiting and any(one.rule == rule.name for one in state.waiting):
        return True
    names = (*rule.events, *rule.cancel_on) if fact.of is not None else ()
    return any(name.startswith("complaint.") for name in names)


def on_timer(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A timer fell due: decide about its outreach, or about a quiet time. What goes in the mail of another
    was decided with it: its way goes on too, and what stood behind it has its turn."""
    effects = _fired(state, policy, data, now, new_id)
    left = {one.outreach_id for one in effects.state.planned}
    left |= {e.data.outreach_id for e in effects.emits if isinstance(e.data, OutreachCancelled)}
    for one in state.planned:
        if one.outreach_id not in left and one.timer != data.name:
            decided = partial(walk.decided, policy=policy, planned=one, now=now, new_id=new_id)
            effects = then(effects, decided)
            behind = partial(after_one, policy=policy, one=one, decided_at=now)
            effects = then(effects, partial(behind, now=now, new_id=new_id))
    return effects


def _fired(
    state: Customer, policy: Policy, data: TimerFired, now: Micros, new_id: NewId
) -> Effects[Customer]:
    planned = next((p for p in state.planned if p.timer == data.name), None)
    if planned is not None:
        effects = _decide(state, policy, planned, now, new_id)
        return then(effects, lambda s: after_one(s, policy, planned, now, now, new_id))
    if data.name.startswith(walk.PREFIX):
        return walk.on_step(state, policy, data, now, new_id)
    if data.name.startswith(PREFIX):
        return on_occasion(state, policy, data, now, new_id)
    return on_quiet_time(state, policy, data, now, new_id)


def _decide(
    state: Customer, policy: Policy, planned: Planned, now: Micros, new_id: NewId
) -> Effects[Customer]:
    if planned.journey is None:
        return walk.begin(state, policy, planned, now, new_id)
    effects = settle(state, policy.at(planned.at), planned, now)
    return then(effects, lambda s: walk.decided(s, policy, planned, now, new_id))


def after_one(
    state: Customer, policy: Policy, one: Outreach, decided_at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """A message, decided then, went or does not go: what stood behind it has its turn, or has it no more."""
    effects = nothing(state)
    if not any(waiting.rule == one.rule for waiting in state.waiting):
        return effects
    if any(trace.outreach_id == one.outreach_id for trace in state.traces):
        effects = said_already(state, policy, one, decided_at, now, new_id)
    rule = policy.rule(one.rule, now)
    if rule is None or rule.restart or not any(w.rule == one.rule for w in effects.state.waiting):
        return effects
    return then(effects, partial(arrange, policy=policy, rule=rule, now=now, new_id=new_id, announce=False))
