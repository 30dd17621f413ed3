"""What an agent's record comes to: trainings, badges, and when each skill must be refreshed. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.growth.record import Learnt, joined, refresh_by
from shared.schemas.teams import TrainingKind
from shared.schemas.times import Micros

TrainingStatus: TypeAlias = Literal["booked", "passed", "due", "overdue"]
"""To be taken; learnt; to be refreshed soon; it should have been."""


class Taken(NamedTuple):
    """One training as it stands."""

    training: str
    kind: TrainingKind
    skill: str | None
    status: TrainingStatus
    booked_at: Micros | None
    """Where it was booked and not passed since."""
    first_at: Micros | None
    passed_at: Micros | None
    refresh_by: Micros | None


class Badge(NamedTuple):
    """For something that was learnt: kept for good, and marked where it has to be refreshed."""

    badge: str
    training: str
    at: Micros
    """When it was learnt first."""
    fresh: bool


class Kept(NamedTuple):
    """A skill of an agent."""

    skill: str
    level: int | None
    """1 to 10; None where only trainings speak of it."""
    refresh_by: Micros | None
    """The first time at which a training for it has to be refreshed."""
    fresh: bool


def together(learnt: Iterable[Learnt]) -> list[Learnt]:
    """What an agent has learnt in all teams, by name."""
    found: dict[str, Learnt] = {}
    for one in learnt:
        known = found.get(one.training)
        found[one.training] = one if known is None else joined(known, one)
    return [found[name] for name in sorted(found)]


def taken(learning: Learning, learnt: Iterable[Learnt], now: Micros) -> list[Taken]:
    """Those that are to be done first come first, then those passed last."""
    found = [_taken(learning, one, now) for one in learnt]
    return sorted(found, key=lambda one: (one.refresh_by is None, one.refresh_by or 0, one.training))


def badges(learning: Learning, learnt: Iterable[Learnt], now: Micros) -> list[Badge]:
    """One for each training that was passed, the latest first."""
    found = [
        Badge(learning.of(one.training).badge or one.training, one.training, one.first_at, _fresh(due, now))
        for one in learnt
        if one.first_at is not None
        for due in [refresh_by(learning, one)]
    ]
    return sorted(found, key=lambda one: (-one.at, one.training))


def skills(
    learning: Learning, learnt: Iterable[Learnt], levels: Mapping[str, int], now: Micros
) -> list[Kept]:
    """The agent's skills by name, and those that trainings say they have."""
    due: dict[str, list[Micros]] = {name: [] for name in levels}
    for one in learnt:
        if one.passed is None:
            continue
        found, when = skill_of(learning, one.training, levels), refresh_by(learning, one)
        if found is not None:
            due.setdefault(found, []).extend([] if when is None else [when])
    first = {name: min(times, default=None) for name, times in due.items()}
    return [Kept(name, levels.get(name), first[name], _fresh(first[name], now)) for name in sorted(first)]


def skill_of(learning: Learning, training: str, levels: Mapping[str, int]) -> str | None:
    """The skill that a training is for: as the file says, else the agent's own of that name."""
    return learning.of(training).skill or (training if training in levels else None)


def _taken(learning: Learning, one: Learnt, now: Micros) -> Taken:
    of, due = learning.of(one.training), refresh_by(learning, one)
    status: TrainingStatus = "booked" if one.is_booked else "passed"
    if due is not None and due <= now:
        status = "overdue"
    elif status == "passed" and due is not None and due - learning.remind_before <= now:
        status = "due"
    return Taken(
        training=one.training,
        kind=of.kind if one.kind is None else one.kind[1],
        skill=of.skill,
        status=status,
        booked_at=one.booked.at if one.is_booked and one.booked is not None else None,
        first_at=one.first_at,
        passed_at=None if one.passed is None else one.passed.at,
        refresh_by=due,
    )


def _fresh(due: Micros | None, now: Micros) -> bool:
    return due is None or now < due
