"""What agents learn and are thanked for, over HTTP."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from services.interactions.domain.growth.figures import PERIODS, begins, figures
from services.interactions.domain.growth.learned import Badge, Kept, Taken, TrainingStatus
from services.interactions.domain.growth.rows import FeedbackRow, StoryRow, WorkRow
from shared.http.sealing import Seal, UnreadableError
from shared.schemas.base import Frozen, Id, Strict, Time
from shared.schemas.fields import Label
from shared.schemas.teams import TrainingKind
from shared.schemas.times import maybe_moment, moment

Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewTraining(Strict):
    """The body of ``POST /agents/{id}/trainings/book``. Left out, ``team`` is the agent's, and ``kind`` what
    the desk's file says."""

    team: Id | None = None
    training: Label
    kind: TrainingKind | None = None
    refresh_by: Time | None = None


class PassedTraining(NewTraining):
    """The body of ``POST /agents/{id}/trainings/pass``. ``refresh_by``: left out, what the desk's file says.
    ``feedback`` is for the agent alone."""

    feedback: Text | None = None


class NewStory(Strict):
    """The body of ``POST /stories``. ``team``: left out, the agent's; ``told_by``: the agent who tells it."""

    team: Id | None = None
    agent_id: Id
    text: Text
    customer_id: Id | None = None
    told_by: Id | None = None

    @model_validator(mode="after")
    def _of_another(self) -> Self:
        if self.told_by == self.agent_id:
            raise ValueError("told_by is a colleague of agent_id")
        return self


class TrainingTaken(Frozen):
    """It is booked, or passed."""

    agent_id: str
    team: str
    training: str
    status: TrainingStatus


class StoryTaken(Frozen):
    """It is on the wall of the team."""

    agent_id: str
    team: str


class TrainingView(Frozen):
    """A training of an agent. ``status``: booked, passed, due (to be refreshed soon) or overdue."""

    training: str
    kind: TrainingKind
    skill: str | None
    status: TrainingStatus
    booked_at: datetime | None
    passed_at: datetime | None
    refresh_by: datetime | None


class BadgeView(Frozen):
    """For something that was learnt, and when; ``fresh`` is false once it has to be refreshed."""

    badge: str
    training: str
    at: datetime
    fresh: bool


class SkillView(Frozen):
    """A skill of an agent. ``level`` is 1 to 10, null where only trainings speak of it."""

    skill: str
    level: int | None
    refresh_by: datetime | None
    fresh: bool


class RecordView(Frozen):
    """What an agent has learnt, in all teams."""

    agent_id: str
    skills: list[SkillView]
    trainings: list[TrainingView]
    badges: list[BadgeView]


class FeedbackView(Frozen):
    """What a trainer said to the agent who reads it. ``text`` is null where it was sealed by another key."""

    training: str
    at: datetime
    text: str | None


class StoryView(Frozen):
    """Thanks to an agent, by a colleague (``told_by``) or a customer (``customer_id``)."""

    id: str
    team: str
    agent_id: str
    at: datetime
    text: str
    customer_id: str | None
    told_by: str | None


class FiguresView(Frozen):
    """What an agent did in a period (``today``, ``7d``, ``28d``, each with today). ``conversations`` came to
    them, ``resolved`` are those closed while theirs. First responses that were theirs, by nearest rank, since
    the customer wrote, or a bot handed over. ``csat`` is how many answers were 4 or 5, 0 to 1."""

    period: str
    since: datetime
    conversations: int
    first_responses: int
    first_response_p50_s: float | None
    first_response_p90_s: float | None
    resolved: int
    csat_answers: int
    csat: float | None


class AgentFigures(Frozen):
    """An agent's own figures; days are those of ``timezone``."""

    agent_id: str
    timezone: str
    periods: list[FiguresView]


def figures_view(agent_id: str, rows: Iterable[WorkRow], now: datetime, zone: ZoneInfo) -> AgentFigures:
    found = figures(rows, now, zone)
    periods = [
        FiguresView(period=name, since=moment(begins(now, zone, PERIODS[name])), **one._asdict())
        for name, one in found.items()
    ]
    return AgentFigures(agent_id=agent_id, timezone=zone.key, periods=periods)


def training_view(one: Taken) -> TrainingView:
    return TrainingView(
        training=one.training,
        kind=one.kind,
        skill=one.skill,
        status=one.status,
        booked_at=maybe_moment(one.booked_at),
        passed_at=maybe_moment(one.passed_at),
        refresh_by=maybe_moment(one.refresh_by),
    )


def badge_view(one: Badge) -> BadgeView:
    return BadgeView(badge=one.badge, training=one.training, at=moment(one.at), fresh=one.fresh)


def skill_view(one: Kept) -> SkillView:
    due = maybe_moment(one.refresh_by)
    return SkillView(skill=one.skill, level=one.level, refresh_by=due, fresh=one.fresh)


def feedback_view(row: FeedbackRow, seal: Seal) -> FeedbackView:
    """Opened: for the agent alone."""
    try:
        text: str | None = seal.open(row.sealed, row.agent_id)
    except UnreadableError:  # by a key that is no more
        text = None
    return FeedbackView(training=row.training, at=moment(row.at), text=text)


def story_view(row: StoryRow) -> StoryView:
    return StoryView(
        id=row.story_id,
        team=row.team,
        agent_id=row.agent_id,
        at=moment(row.at),
        text=row.text,
        customer_id=row.customer_id,
        told_by=row.told_by,
    )
