"""A team's agents as its record keeps them: when each was at work. That record is of no customer."""

from bisect import insort

from services.metrics.domain.cells import Delta
from services.metrics.domain.places import Where
from services.metrics.domain.state import Agent, Ids
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.teams import AgentChanged
from shared.schemas.times import Micros

KEEP_STEPS = 100
"""Of one agent, those that may still be told apart: the latest."""
MOST_AGENTS = 2_000
"""Of one team: those heard first."""


def changed(tracked: Tracked, event: Event, at: Micros, _: Micros, delta: Delta, id: int) -> Ids:
    """An agent is at work from then on, or not: off shift, or on a break."""
    data, agents = event.data, tracked.data.agents
    assert isinstance(data, AgentChanged)
    agent = agents.get(data.agent_id)
    if agent is None:
        if len(agents) >= MOST_AGENTS:
            return (id,)
        agent = agents[data.agent_id] = Agent()
    step = (at, data.on_shift and not data.on_break)
    if at < agent.floor or step in agent.steps:
        return (id,)
    where = Where(team=event.subject)
    tracked.count_agent(delta, where, agent, -1)
    insort(agent.steps, step)
    tracked.count_agent(delta, where, agent)
    while len(agent.steps) > KEEP_STEPS:
        agent.floor, agent.before = agent.steps.pop(0)
    return (id,)
