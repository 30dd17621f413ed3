"""What an agent has learnt in a team: one state each. Facts are joined by their times, so that it is the same
in whatever order they are heard."""

from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.state import altered, found, placed
from shared.schemas.base import Open
from shared.schemas.commands.growth import Kept
from shared.schemas.teams import TrainingBooked, TrainingData, TrainingKind, TrainingPassed
from shared.schemas.times import Micros, maybe_moment, micros, moment

T = TypeVar("T", bound=tuple[Any, ...])

MAX_TRAININGS = 300
"""Of an agent; beyond that those of which nothing was heard for longest are forgotten."""


class Told(NamedTuple):
    """When something was booked or passed, and when it must be refreshed, 0 where that was not said."""

    at: Micros
    refresh_by: Micros


class Learnt(Open):
    """One training of an agent."""

    training: str
    kind: tuple[Micros, TrainingKind] | None = None
    """As it was told last, and when."""
    booked: Told | None = None
    """The latest booking."""
    first_at: Micros | None = None
    """When it was passed first."""
    passed: Told | None = None
    """When it was passed last."""
    asked_of: Micros | None = None
    """The due time of which the agent's team is being reminded, whichever it is."""
    reminded_of: Micros | None = None
    """The due time of which a task of this team reminds, and its id."""
    task_id: str | None = None

    @property
    def heard_at(self) -> Micros:
        """The time of the latest of its facts."""
        return max(told.at for told in (self.booked, self.passed) if told is not None)

    @property
    def is_booked(self) -> bool:
        """It was booked, and not passed since."""
        return self.booked is not None and (self.passed is None or self.passed.at < self.booked.at)


class Record(Open):
    """The state."""

    team: str
    agent_id: str
    trainings: tuple[Learnt, ...] = ()


def initial(state_id: str) -> Record:
    """Of an agent who has learnt nothing, from ``record/<team>/<agent_id>``."""
    _, team, agent_id = state_id.split("/")
    return Record(team=team, agent_id=agent_id)


def training_key(learnt: Learnt) -> str:
    return learnt.training


def learnt_of(data: TrainingData, at: Micros) -> Learnt:
    """What one fact says."""
    told = Told(at, 0 if data.refresh_by is None else micros(data.refresh_by))
    kind = None if data.kind is None else (at, data.kind)
    match data:
        case TrainingBooked():
            return Learnt(training=data.training, kind=kind, booked=told)
        case TrainingPassed():
            return Learnt(training=data.training, kind=kind, first_at=at, passed=told)
    raise AssertionError(f"nothing learnt: {data.event_type}")


def kept(learnt: Learnt) -> Kept:
    """What another team is told of it."""
    booked, passed = learnt.booked or Told(0, 0), learnt.passed or Told(0, 0)
    return Kept(
        training=learnt.training,
        kind=None if learnt.kind is None else learnt.kind[1],
        kind_at=None if learnt.kind is None else moment(learnt.kind[0]),
        booked_at=_time(booked.at),
        booked_until=_time(booked.refresh_by),
        first_at=maybe_moment(learnt.first_at),
        passed_at=_time(passed.at),
        passed_until=_time(passed.refresh_by),
    )


def learnt_of_kept(told: Kept) -> Learnt:
    """The inverse of ``kept``, of what is known; not of reminders."""
    kind = None if told.kind is None or told.kind_at is None else (micros(told.kind_at), told.kind)
    return Learnt(
        training=told.training,
        kind=kind,
        booked=_told(told.booked_at, told.booked_until),
        first_at=None if told.first_at is None else micros(told.first_at),
        passed=_told(told.passed_at, told.passed_until),
    )


def _told(at: datetime | None, until: datetime | None) -> Told | None:
    return None if at is None else Told(micros(at), 0 if until is None else micros(until))


def _time(at: Micros) -> datetime | None:
    return moment(at) if at else None


def joined(one: Learnt, other: Learnt) -> Learnt:
    """Both: the earliest first pass, the latest of all else. In any order, and as often as one likes."""
    return altered(
        one,
        kind=_latest(one.kind, other.kind),
        booked=_latest(one.booked, other.booked),
        first_at=min((at for at in (one.first_at, other.first_at) if at is not None), default=None),
        passed=_latest(one.passed, other.passed),
    )


def _latest(one: T | None, other: T | None) -> T | None:
    return max((told for told in (one, other) if told is not None), default=None)


def with_learnt(record: Record, told: Learnt) -> Record:
    """The record with what one more fact says; itself where that is nothing new."""
    known = found(record.trainings, told.training, training_key)
    new = told if known is None else joined(known, told)
    if new == known:
        return record
    trainings = placed(record.trainings, new, training_key)
    if len(trainings) > MAX_TRAININGS:
        gone = min(trainings, key=lambda one: (one.heard_at, one.training))
        trainings = tuple(one for one in trainings if one is not gone)
    return altered(record, trainings=trainings)


def refresh_by(learning: Learning, learnt: Learnt) -> Micros | None:
    """When it must be refreshed: as the last pass says, else as the file does; of one that is booked, by
    when, if that is earlier."""
    due = []
    if learnt.passed is not None:
        held = learning.of(learnt.training).refresh_after
        if learnt.passed.refresh_by:
            due.append(learnt.passed.refresh_by)
        elif held is not None:
            due.append(learnt.passed.at + held)
    if learnt.is_booked and learnt.booked is not None and learnt.booked.refresh_by:
        due.append(learnt.booked.refresh_by)
    return min(due, default=None)
