"""A team as its lead sees it, over HTTP."""

from collections.abc import Iterable
from datetime import datetime

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.growth.lead import Carrying, Lead, Presence, Queue, Stuck
from services.interactions.domain.growth.policy import Staffing
from services.interactions.domain.growth.staffing import Arrivals, staffing
from shared.schemas.base import Frozen
from shared.schemas.times import maybe_moment, moment


class QueueView(Frozen):
    """What waits of one priority, and since when the first of them."""

    priority: str
    waiting: int
    since: datetime


class StuckView(Frozen):
    """What waits and nobody of the team can take. ``missing``: skills that nobody of them has; empty where it
    is the language, the channel, or that no one has all that is needed."""

    customer_id: str
    conversation_id: str
    since: datetime
    missing: list[str]
    language: str | None
    channel: str | None


class CarryingView(Frozen):
    """An agent with what they carry. ``hard_today``: hard contacts in the last 24 hours; ``spared``: no hard
    one is given to them now."""

    agent_id: str
    name: str
    presence: Presence
    load: float
    total: float
    conversations: int
    hard_today: int
    hard_in_a_row: int
    spared: bool
    pause_until: datetime | None


class HourView(Frozen):
    """An hour of the week (``weekday`` 0 is Monday). ``load`` is work in erlangs; ``agents`` are to be at
    work, ``scheduled`` to be paid for."""

    weekday: int
    hour: int
    arrivals: float
    load: float
    agents: int
    scheduled: int
    service_level: float
    occupancy: float


class StaffingView(Frozen):
    """The people that hours call for, by Erlang C: ``service_level`` of what comes is taken up ``within_s``,
    by the mean of what came in the last ``weeks``. Hours in which nothing came are left out."""

    method: str
    weeks: int
    service_level: float
    within_s: float
    max_occupancy: float
    shrinkage: float
    timezone: str
    hours: list[HourView]


class TeamView(Frozen):
    """A team as it is now; ``listed``: the desk's file has it. ``agents`` come by name: nobody is ranked."""

    team: str
    name: str | None
    listed: bool
    waiting: int
    queues: list[QueueView]
    stuck: list[StuckView]
    load: float
    total: float
    agents: list[CarryingView]
    staffing: StaffingView


def team_view(desk: Desk, team: str, found: Lead, arrivals: Iterable[Arrivals], now: datetime) -> TeamView:
    listed = desk.by_id.get(team)
    return TeamView(
        team=team,
        name=None if listed is None else listed.name,
        listed=listed is not None,
        waiting=found.waiting,
        queues=[_queue_view(one) for one in found.queues],
        stuck=[_stuck_view(one) for one in found.stuck],
        load=found.load,
        total=found.total,
        agents=[_carrying_view(one) for one in found.agents],
        staffing=staffing_view(desk.staffing, arrivals, now),
    )


def staffing_view(policy: Staffing, arrivals: Iterable[Arrivals], now: datetime) -> StaffingView:
    return StaffingView(
        method="Erlang C",
        weeks=policy.weeks,
        service_level=policy.service_level,
        within_s=policy.within / 1_000_000,
        max_occupancy=policy.max_occupancy,
        shrinkage=policy.shrinkage,
        timezone=policy.timezone,
        hours=[HourView(**cell._asdict()) for cell in staffing(policy, arrivals, now)],
    )


def _queue_view(one: Queue) -> QueueView:
    return QueueView(priority=one.priority, waiting=one.waiting, since=moment(one.since))


def _stuck_view(one: Stuck) -> StuckView:
    return StuckView.model_validate(
        one._asdict() | {"since": moment(one.since), "missing": list(one.missing)}
    )


def _carrying_view(one: Carrying) -> CarryingView:
    return CarryingView.model_validate(one._asdict() | {"pause_until": maybe_moment(one.pause_until)})
