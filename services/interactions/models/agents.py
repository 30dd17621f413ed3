"""Agents over HTTP: what is asked for, and what is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.interactions.domain.routing.rows import AgentRow
from services.interactions.domain.routing.state import ONE
from services.interactions.domain.rows import ConversationRow
from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.fields import Label
from shared.schemas.interactions import Channel
from shared.schemas.teams import Skill, SkillName, Weight
from shared.schemas.times import Micros, moment


class GivenCapacity(Strict):
    """``weights``: what a conversation of a channel takes of ``total``; a channel not named is not taken."""

    total: Weight
    weights: Mapping[Channel, Weight] = {}


class AgentBody(Strict):
    """The body of ``PUT /agents/{id}``: the agent as they are from now on, whole."""

    team: Id
    name: Label
    skills: Annotated[Mapping[SkillName, Skill], Field(max_length=200)] = {}
    languages: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    capacity: GivenCapacity
    on_shift: bool = False
    on_break: bool = False


class CapacityView(Frozen):
    """In the same unit as ``load``."""

    total: float
    weights: Mapping[str, float]


class AgentTold(Frozen):
    """An agent as they are from now on."""

    agent_id: str
    team: str
    name: str
    skills: dict[str, int]
    languages: list[str]
    capacity: CapacityView
    on_shift: bool
    on_break: bool


class AgentView(AgentTold):
    """An agent. ``load``: what they carry takes so much of their capacity, by its weights now; ``available``:
    conversations come to them by themselves, as far as there is room; ``paused_until``: a hard contact has
    just ended."""

    load: float
    conversations: int
    available: bool
    paused_until: datetime | None
    updated_at: datetime


class CarriedView(Frozen):
    """A conversation that they have."""

    conversation_id: str
    customer_id: str
    status: str
    channel: str | None
    updated_at: datetime


class AgentDetail(AgentView):
    """An agent with the conversations that they have, those begun last first: 200 at most."""

    held: list[CarriedView]


def agent_view(row: AgentRow, now: Micros) -> AgentView:
    return AgentView(
        agent_id=row.agent_id,
        team=row.team,
        name=row.name,
        skills=dict(row.skills),
        languages=row.languages,
        capacity=CapacityView(
            total=row.total / ONE, weights={name: cost / ONE for name, cost in row.weights.items()}
        ),
        on_shift=row.on_shift,
        on_break=row.on_break,
        load=row.load / ONE,
        conversations=row.carries,
        available=row.joined and row.on_shift and not row.on_break and row.total > 0,
        paused_until=moment(row.paused_until) if row.paused_until > now else None,
        updated_at=moment(row.at),
    )


def agent_detail(row: AgentRow, held: list[ConversationRow], now: Micros) -> AgentDetail:
    carried = [
        CarriedView(
            conversation_id=one.conversation_id,
            customer_id=one.customer_id,
            status=one.status,
            channel=one.channel,
            updated_at=moment(one.updated_at),
        )
        for one in held
    ]
    return AgentDetail(**agent_view(row, now).model_dump(), held=carried)
