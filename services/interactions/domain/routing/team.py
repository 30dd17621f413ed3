"""A team's events, one by one: state in, effects out. Pure. After each: who gets what now."""

from collections.abc import Iterable

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.agents import changed, given_back, joined, left
from services.interactions.domain.routing.asked import asked_agent
from services.interactions.domain.routing.calm import easier_at
from services.interactions.domain.routing.decide import Assigned, decide, may_go, overflowing
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.rows import agent_rows
from services.interactions.domain.routing.state import LATE, Carried, Team, Waiting, key_of, mark_of
from services.interactions.errors import UNKNOWN_TEAM
from shared.domain import CancelTimer, Context, Effects, Emit, Outcome, SetTimer
from shared.schemas.commands.routing import (
    AgentJoinRequested,
    AgentLeaveRequested,
    RoutingAssignRequested,
    RoutingNewsRequested,
    RoutingOfferRequested,
    RoutingOverflowRequested,
)
from shared.schemas.commands.teams import AgentChangeRequested
from shared.schemas.event import Event
from shared.schemas.teams import AgentChanged
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros, moment, timer_instant

TIMER = "routing"
LOOK: Micros = 3_600_000_000
"""So often what waits is looked at, whatever happens: the desk's file may be another by then."""


def apply(desk: Desk, team: Team, event: Event, context: Context) -> Effects[Team]:
    """Raises ``unknown_team`` for whatever puts an agent into one that may not be; such a fact is a dead
    letter. Of one that the file has no more whoever is there may go home."""
    data = event.data
    now = micros(context.now)
    there = desk.is_team(team.team_id)
    if isinstance(data, AgentChanged | AgentChangeRequested) and not there and not is_in(team, data.agent_id):
        raise UNKNOWN_TEAM(team=team.team_id)
    if isinstance(data, TimerFired):
        now = max(now, micros(event.time))
    floor = Floor(desk, team, now)
    outcome = Outcome()
    keys: Iterable[str] | None = None
    among: Iterable[str] | None = None
    emits: list[Emit] = []
    match data:
        case AgentChanged():
            emits = changed(floor, data, micros(event.time))
        case AgentChangeRequested():
            fact, at, outcome = asked_agent(team, data, micros(event.time))
            emits = [Emit(fact, moment(at)), *changed(floor, fact, at, asked=True)]
        case AgentJoinRequested():
            emits = joined(floor, data)
        case AgentLeaveRequested():
            emits = left(floor, data)
        case RoutingOfferRequested():
            keys = _offered(floor, data)
        case RoutingNewsRequested():
            among, emits = _told(floor, data, late=now - micros(event.time) > LATE)
    # What has become due by time alone is looked at whole, at its timer or by whatever comes first.
    if not there or (team.next_at is not None and now >= team.next_at):
        keys = among = None
    emits += _decided(floor, keys, among)
    if isinstance(data, RoutingOfferRequested) and now - micros(event.time) > LATE:
        emits += _asked(floor, data)
    return _effects(floor, emits, outcome, keys, among)


def is_in(team: Team, agent_id: str) -> bool:
    """Whether an agent is in the team, or was told to be."""
    agent = team.agents.get(agent_id)
    return agent is not None and not agent.left


def _asked(floor: Floor, told: RoutingOfferRequested) -> list[Emit]:
    """Of an offer that is late the customer is asked: it may be over, and that forgotten. A choice asks too;
    where nobody can take it, it would wait for ever."""
    waiting = floor.waiting.get(key_of(told.customer_id, told.conversation_id))
    if waiting is None or waiting.leaving or waiting.revision != told.revision:
        return []
    return [_overflow(floor, waiting, floor.before.team_id)]


def _offered(floor: Floor, told: RoutingOfferRequested) -> list[str]:
    """A conversation waits, or what it needs is another by now; its place stays."""
    floor.renamed(told.was, told.customer_id, told.conversation_id)
    key = key_of(told.customer_id, told.conversation_id)
    revision = floor.revision(key)
    if told.revision < revision or (told.revision == revision and mark_of(key) not in floor.gone):
        return []
    known = floor.waiting.get(key)
    again = known is not None and not known.leaving
    waiting = Waiting(
        customer_id=told.customer_id,
        conversation_id=told.conversation_id,
        revision=told.revision,
        since=micros(told.since),
        asked_at=known.asked_at if known is not None and again else floor.now,
        priority=told.priority,
        skills=told.skills,
        preferred=told.preferred_skills,
        language=told.language,
        channel=told.channel,
        takes=told.takes,
        difficult=told.difficult,
        knows=told.knows,
        gave_back=told.gave_back,
        been=told.been,
    )
    holder = floor.holders.get(key)
    floor.queue(key, waiting)
    if holder is not None:  # what they had makes room for others
        return list(floor.waiting)
    return [key]


def _told(floor: Floor, told: RoutingNewsRequested, *, late: bool) -> tuple[list[str], list[Emit]]:
    """Who has a conversation by now, if anybody; whose capacity may be free. A yes that is ``late`` counts,
    and its customer is asked: it may be over, and that forgotten."""
    floor.renamed(told.was, told.customer_id, told.conversation_id)
    key = key_of(told.customer_id, told.conversation_id)
    revision = floor.revision(key)
    if told.revision < revision or (told.revision == revision and key in floor.waiting):
        return [], []
    agent = None if told.agent_id is None else floor.agents.get(told.agent_id)
    before = floor.holders.get(key)
    if told.no_more is not None and (key in floor.waiting or before not in (None, told.no_more)):
        return [], []  # somebody else has it, or is to have it
    if told.offered and before is not None and told.revision == revision:
        return [], []  # they are chosen anew
    if agent is None or agent.left:
        floor.over(key, told.revision)
    else:
        had = agent.carries.get(key)
        carried = Carried(
            customer_id=told.customer_id,
            conversation_id=told.conversation_id,
            revision=told.revision,
            at=floor.now if had is None else had.at,
            channel=told.channel,
            takes=told.takes,
            difficult=told.difficult,
            manual=told.manual,
        )
        floor.give(agent.agent_id, key, carried)
        if not agent.on_shift and not told.manual and (had is None or had.reserved):
            # They went home while it was on its way.
            return _free(before), [given_back(floor, agent.agent_id, carried)]
        if late:
            return _free(before), [given_back(floor, agent.agent_id, carried, asks=True)]
    return _free(before), []


def _free(agent_id: str | None) -> list[str]:
    return [] if agent_id is None else [agent_id]


def _decided(floor: Floor, keys: Iterable[str] | None, among: Iterable[str] | None) -> list[Emit]:
    """Assignments, for the customers to say yes to; then what goes on to another team."""
    chosen = decide(floor, keys, among) if floor.desk.is_team(floor.before.team_id) else []
    emits = [_assignment(floor, one) for one in chosen]
    if keys is None and among is None:
        emits += [_overflow(floor, floor.waiting[key], to) for key, to in overflowing(floor)]
    return emits


def _overflow(floor: Floor, waiting: Waiting, to: str) -> Emit:
    data = RoutingOverflowRequested(
        conversation_id=waiting.conversation_id,
        team=floor.before.team_id,
        revision=waiting.revision,
        to=to,
    )
    return Emit(data, moment(floor.now), waiting.customer_id)


def _assignment(floor: Floor, one: Assigned) -> Emit:
    data = RoutingAssignRequested(
        conversation_id=one.waiting.conversation_id,
        team=floor.before.team_id,
        revision=one.waiting.revision,
        agent_id=one.agent_id,
        why=one.why,
    )
    return Emit(data, moment(floor.now), one.waiting.customer_id)


def _effects(
    floor: Floor,
    emits: list[Emit],
    outcome: Outcome,
    keys: Iterable[str] | None,
    among: Iterable[str] | None,
) -> Effects[Team]:
    before = floor.before
    whole = keys is None and among is None
    looked = floor.waiting if whole else keys or ()
    times = _next_times(floor, [floor.waiting[key] for key in looked if key in floor.waiting], whole)
    if not whole and before.next_at is not None:
        times.append(before.next_at)
    next_at = min(times, default=None)
    team = floor.team(next_at)
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    if next_at is None and before.next_at is not None:
        timers = (CancelTimer(TIMER),)
    elif next_at is not None and next_at != before.next_at:
        timers = (SetTimer(TIMER, moment(timer_instant(next_at))),)
    return Effects(team, tuple(emits), timers, agent_rows(before, team, floor.desk), outcome)


def _next_times(floor: Floor, waiting: Iterable[Waiting], whole: bool) -> list[Micros]:
    """When something of these changes by time alone."""
    desk, now = floor.desk, floor.now
    overflow = desk.overflow_of(floor.before.team_id)
    times = [now + LOOK] if floor.waiting else []
    for one in waiting:
        if one.leaving:
            continue
        if one.preferred or one.gave_back is not None:
            times.append(one.asked_at + desk.preferred_for)
        if one.knows is not None:
            times.append(one.asked_at + desk.sticky_for)
        if overflow is not None and may_go(floor, one, overflow[0]):
            times.append(one.asked_at + overflow[1])
    if floor.waiting:
        before = floor.before.agents if floor.before.waiting and not whole else {}
        agents = (agent for id, agent in floor.agents.items() if before.get(id) is not agent)
        easier = (easier_at(desk.calm, agent, now) for agent in agents)
        times += [at for at in easier if at is not None]
    return [at for at in times if at > now]
