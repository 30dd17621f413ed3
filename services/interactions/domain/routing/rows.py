"""An agent as the API reads them."""

import msgspec

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.calm import paused_until
from services.interactions.domain.routing.matching import load
from services.interactions.domain.routing.state import Agent, Milli, Team
from services.interactions.domain.rows import AGENTS, Row
from shared.domain import Put
from shared.schemas.times import Micros


class AgentRow(Row, frozen=True):
    """An agent of a team. Who changes teams has a row in each: ``left`` in those that they are in no more."""

    key: str = msgspec.field(name="_id")
    agent_id: str
    team: str
    left: bool
    joined: bool
    """No other team has them any more: conversations come to them."""
    name: str
    skills: list[tuple[str, int]]
    """Names and how well; a name may hold what no field's name can."""
    languages: list[str]
    total: Milli
    weights: dict[str, Milli]
    load: Milli
    carries: int
    """How many conversations."""
    on_shift: bool
    on_break: bool
    paused_until: Micros
    at: Micros
    """When they were told so."""


def agent_row(desk: Desk, team_id: str, agent: Agent) -> AgentRow:
    return AgentRow(
        key=f"{agent.agent_id} {team_id}",
        agent_id=agent.agent_id,
        team=team_id,
        left=agent.left,
        joined=agent.lease is not None,
        name=agent.name,
        skills=sorted(agent.skills.items()),
        languages=list(agent.languages),
        total=agent.total,
        weights=dict(agent.weights),
        load=load(agent),
        carries=len(agent.carries),
        on_shift=agent.on_shift,
        on_break=agent.on_break,
        paused_until=paused_until(desk.calm, agent),
        at=agent.at,
    )


def agent_rows(before: Team, team: Team, desk: Desk) -> tuple[Put, ...]:
    """Of those who are another now."""
    rows = []
    for id, agent in team.agents.items():
        old = before.agents.get(id)
        if agent is old:
            continue
        row = agent_row(desk, team.team_id, agent)
        if old is None or row != agent_row(desk, team.team_id, old):
            rows.append(Put(AGENTS, row.document()))
    return tuple(rows)
