"""What agents learn and are thanked for, as the API reads it."""

from typing import Any

import msgspec

from services.interactions.domain.conversations.messages import key_of
from services.interactions.domain.growth.record import Record
from services.interactions.domain.rows import Row, sort_key
from shared.schemas.teams import StoryTold
from shared.schemas.times import Micros


class RecordRow(Row, frozen=True):
    """What an agent has learnt in a team."""

    key: str = msgspec.field(name="_id")
    agent_id: str
    team: str
    trainings: list[dict[str, Any]]
    """Each as ``record.Learnt`` in JSON."""


class StoryRow(Row, frozen=True):
    """Thanks to an agent."""

    uid: str = msgspec.field(name="_id")
    customer_id: str | None = msgspec.field(name="customer")
    order: str
    team: str
    agent_id: str
    at: Micros
    text: str
    """As it was told."""
    told_by: str | None

    @property
    def story_id(self) -> str:
        """Names it to people: 16 hex digits."""
        return key_of(self.uid)


class FeedbackRow(Row, frozen=True):
    """What a trainer says to an agent, sealed: the worker cannot read it."""

    uid: str = msgspec.field(name="_id")
    order: str
    team: str
    agent_id: str
    at: Micros
    training: str
    sealed: str


class WorkRow(Row, frozen=True):
    """What an agent did in a customer's conversation; nothing, where it turned out to be none of theirs."""

    key: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    agent_id: str
    order: str
    """By the latest of its times."""
    taken_at: Micros | None
    answered_at: Micros | None
    waited: Micros | None
    resolved_at: Micros | None
    scores: list[tuple[Micros, int]]
    """As ``work.Work``."""


def record_row(record: Record) -> RecordRow:
    return RecordRow(
        key=f"{record.agent_id} {record.team}",
        agent_id=record.agent_id,
        team=record.team,
        trainings=[one.model_dump(mode="json", exclude_none=True) for one in record.trainings],
    )


def story_row(uid: str, team: str, told: StoryTold, at: Micros) -> StoryRow:
    return StoryRow(
        uid=uid,
        customer_id=told.customer_id,
        order=sort_key(at, uid),
        team=team,
        agent_id=told.agent_id,
        at=at,
        text=told.text,
        told_by=told.told_by,
    )


def feedback_row(uid: str, record: Record, training: str, at: Micros, sealed: str) -> FeedbackRow:
    return FeedbackRow(
        uid=uid,
        order=sort_key(at, uid),
        team=record.team,
        agent_id=record.agent_id,
        at=at,
        training=training,
        sealed=sealed,
    )
