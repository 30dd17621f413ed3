"""Comparison by intention to treat: to which arm a person falls when a rule applies to them for the first
time, and whether they reach its goal in time, whatever they were sent. Pure."""

from collections.abc import Iterable, Iterator

from services.followup.domain.journeys.arms import arm_of
from services.followup.domain.journeys.goals import OF, tried, with_told
from services.followup.domain.policy import Policy
from services.followup.domain.results.arms import EVERYBODY
from services.followup.domain.results.cells import ARM, Cell, day_of
from services.followup.domain.results.trial import Trial
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Outreach, person_of
from shared.schemas.times import Micros


def begun(state: Customer, policy: Policy, told: Iterable[tuple[str, Micros]]) -> Customer:
    """The state with the trials that begin with messages of these rules, which are due then and are the first
    that is told of them."""
    known = {trial.rule for trial in state.trials}
    new: list[Trial] = []
    for name, due_at in told:
        if name not in known:
            known.add(name)
            new += _trial(state, policy, name, due_at)
    if not new:
        return state
    kept = tuple(trial for trial in state.trials if policy.rule(trial.rule, trial.start) is not None)
    return state.model_copy(update={"trials": (*kept, *new)})


def _trial(state: Customer, policy: Policy, name: str, due_at: Micros) -> Iterator[Trial]:
    held: Iterable[Outreach] = (*state.planned, *state.in_flight)
    message = next((one for one in held if (one.rule, one.due_at) == (name, due_at)), None)
    at = due_at if message is None else message.at
    rule = policy.rule(name, at)
    if rule is None:
        return
    arm = arm_of(policy.at(at).rules, rule, person_of(state, message))
    if arm is None and rule.goal is None:
        return
    until = due_at if rule.goal is None else due_at + span(rule.goal.within)
    key, whose = (name, "") if message is None else (message.key, message.whose)
    told = {} if message is None or rule.aim is None else dict(message.trigger)
    if policy.version(at) != policy.version(due_at):
        told[OF] = at  # by which ``tried`` finds the rule again
    if told:
        key = with_told(key, told)
    yield Trial(name, arm or EVERYBODY, key, due_at, until, whose=whose)


def reached(before: Customer, state: Customer, policy: Policy) -> Customer:
    """The state with the trials marked whose goal has been heard of."""
    if state.signals is before.signals and state.trials is before.trials:
        return state
    trials = tuple(
        trial._replace(reached=True) if tried(state, policy, trial) else trial for trial in state.trials
    )
    return state if trials == state.trials else state.model_copy(update={"trials": trials})


def counted(before: Customer, after: Customer) -> Iterator[tuple[Cell, str]]:
    """What has come of trials: the cell of each, and what is one more in it."""
    if after.trials is before.trials:
        return
    known = {(trial.rule, trial.whose): trial for trial in before.trials}
    for trial in after.trials:
        cell = Cell(trial.rule, day_of(trial.start), ARM, trial.arm)
        earlier = known.get((trial.rule, trial.whose))
        if earlier is None:
            yield cell, "assigned"
        if trial.reached and (earlier is None or not earlier.reached):
            yield cell, "reached"
