"""An SLA policy as data: versions with calendars and policies, and the limits of compensation."""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, field_validator, model_validator

from services.interactions.domain.sla.calendars import Calendar
from services.interactions.domain.sla.compensation import Compensation
from services.interactions.domain.sla.fields import Day, Duration, Given, Spent
from services.interactions.domain.sla.log import Match
from services.interactions.domain.sla.open_time import NeverOpenError, OpenTime
from shared.schemas.base import Id, Strict
from shared.schemas.complaints import ClockName
from shared.schemas.faults import fault
from shared.schemas.fields import Label, Severity
from shared.schemas.times import DAY, Micros, day_number

CLOCKS: tuple[ClockName, ...] = ("first_response", "next_response", "update", "resolution")
Subject: TypeAlias = Literal["complaints", "conversations"]

LONGEST: Micros = 10 * 366 * DAY
"""What a duration may come to, from the begin of its version to its end by the calendar."""


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    # Not by min_length, which says so too where it is an item that is wrong.
    if not names:
        raise fault("", "must name one at least")
    return names


Labels = Annotated[tuple[Label, ...], Field(max_length=1_000), AfterValidator(_some)]


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise fault(f"[{number}]", f"is listed twice: {name}")
    return names


RootCauses = Annotated[Labels, AfterValidator(_once)]


class When(Strict):
    """All that is given must hold; of a list, one."""

    severity: Annotated[tuple[Severity, ...], AfterValidator(_some)] | None = None
    category: Labels | None = None
    tier: Labels | None = None
    segment: Labels | None = None
    channel: Labels | None = None

    def fits(self, match: Match) -> bool:
        """What is asked for and not known does not fit."""
        return all(
            asked is None or known in asked
            for asked, known in (
                (self.severity, match.severity),
                (self.category, match.category),
                (self.tier, match.tier),
                (self.segment, match.segment),
                (self.channel, match.channel),
            )
        )


class Escalation(Strict):
    """Who is told so much open time after a breach."""

    after: Spent
    to: Label


class Policy(Strict):
    """What is promised to whom. A clock that is left out does not run."""

    name: Id
    of: Annotated[Subject, Field(alias="for")] = "complaints"
    when: When = When()
    calendar: str
    first_response: Given | None = None
    next_response: Given | None = None
    update: Given | None = None
    resolution: Given | None = None
    warn_before: Given | None = None
    escalate: Annotated[tuple[Escalation, ...], Field(max_length=20)] = ()
    """By level: the first is level 1."""

    @model_validator(mode="after")
    def _whole(self) -> "Policy":
        if self.of == "conversations":
            for field in ("severity", "category"):
                if getattr(self.when, field) is not None:
                    raise fault(f"when.{field}", "is of complaints alone: conversations have none")
        for number, (before, after) in enumerate(pairwise(self.escalate), start=1):
            if after.after.micros < before.after.micros:
                raise fault(f"escalate[{number}].after", "must not be less than that of the level before")
        return self

    @cached_property
    def durations(self) -> tuple[tuple[str, Duration], ...]:
        """All that are given, with the path of each below the policy."""
        fields = (*((clock, getattr(self, clock)) for clock in CLOCKS), ("warn_before", self.warn_before))
        levels = ((f"escalate[{number}].after", level.after) for number, level in enumerate(self.escalate))
        return (*((path, duration) for path, duration in fields if duration is not None), *levels)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one clock is held to."""

    policy: str
    version: str
    duration: Micros
    open_time: OpenTime
    warn_before: Micros | None
    escalate: tuple[tuple[Micros, str], ...]
    """Open time after a breach, and who is told: by level."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A policy of a version, made ready for its clocks."""

    policy: Policy
    terms: Mapping[ClockName, Terms]


class Version(Strict):
    """Calendars and policies, in force from ``effective`` 00:00 UTC to the next version."""

    effective: Day
    calendars: Annotated[dict[Id, Calendar], Field(max_length=1_000, default_factory=dict)]
    policies: Annotated[tuple[Policy, ...], Field(max_length=1_000)]
    """The first that fits counts."""

    @model_validator(mode="after")
    def _whole(self) -> "Version":
        for name, calendar in self.calendars.items():
            if _ends(calendar.open_time, self.begins, 1) is None:
                raise fault(f"calendars.{name}.hours", "has no open hour in ten years")
        names: set[str] = set()
        for number, policy in enumerate(self.policies):
            at = f"policies[{number}]"
            if policy.name in names:
                raise fault(f"{at}.name", f"is used twice: {policy.name}")
            names.add(policy.name)
            if policy.calendar not in self.calendars:
                raise fault(f"{at}.calendar", f"is no calendar of this version: {policy.calendar}")
            self._check_durations(at, policy)
        return self

    def _check_durations(self, at: str, policy: Policy) -> None:
        calendar = self.calendars[policy.calendar]
        for path, duration in policy.durations:
            if duration.by_day and not calendar.by_day:
                raise fault(
                    f"{at}.{path}", f"is in days: the hours of {policy.calendar} are not all, so write hours"
                )
            if _ends(calendar.open_time, self.begins, duration.micros) is None:
                raise fault(f"{at}.{path}", f"would take more than ten years of {policy.calendar}")

    @property
    def name(self) -> str:
        """What it is called in events."""
        return self.effective.isoformat()

    @property
    def begins(self) -> Micros:
        """Its first instant."""
        return day_number(self.effective) * DAY

    def fitting(self, match: Match, subject: Subject = "complaints") -> Fitting | None:
        """The first policy that fits; None if none does."""
        return next(
            (one for one in self._fittings if one.policy.of == subject and one.policy.when.fits(match)), None
        )

    @cached_property
    def _fittings(self) -> tuple[Fitting, ...]:
        return tuple(Fitting(policy, self._terms(policy)) for policy in self.policies)

    def _terms(self, policy: Policy) -> dict[ClockName, Terms]:
        durations: dict[ClockName, Duration | None] = {
            "first_response": policy.first_response,
            "next_response": policy.next_response,
            "update": policy.update,
            "resolution": policy.resolution,
        }
        return {
            clock: Terms(
                policy=policy.name,
                version=self.name,
                duration=duration.micros,
                open_time=self.calendars[policy.calendar].open_time,
                warn_before=None if policy.warn_before is None else policy.warn_before.micros,
                escalate=tuple((level.after.micros, level.to) for level in policy.escalate),
            )
            for clock, duration in durations.items()
            if duration is not None
        }


class Sla(Strict):
    """The whole file."""

    name: Id
    versions: Annotated[tuple[Version, ...], Field(max_length=1_000)]
    compensation: Compensation = Compensation()
    root_causes: RootCauses | None = None
    """Why complaints happen; None: any text is taken."""

    @field_validator("versions")
    @classmethod
    def _in_order(cls, versions: tuple[Version, ...]) -> tuple[Version, ...]:
        if not versions:
            raise fault("", "must hold one at least")
        for number, (before, after) in enumerate(pairwise(versions), start=1):
            if after.effective <= before.effective:
                raise fault(f"[{number}].effective", "must be after that of the version before")
        return versions

    @cached_property
    def _begins(self) -> tuple[Micros, ...]:
        return tuple(version.begins for version in self.versions)

    def at(self, instant: Micros) -> Version | None:
        """The version in force; None before the first."""
        place = bisect_right(self._begins, instant) - 1
        return self.versions[place] if place >= 0 else None

    def policy(self, version: str, name: str) -> tuple[Policy, Calendar]:
        """A policy and its calendar, by the names that events have. Raises ``KeyError`` where the file lacks
        them."""
        for one in self.versions:
            for found in one.policies:
                if (one.name, found.name) == (version, name):
                    return found, one.calendars[found.calendar]
        raise KeyError(version, name)


def policies_never_reached(version: Version) -> Collection[str]:
    """The names of those that stand behind one that fits everything."""
    ended: set[Subject] = set()
    hidden: list[str] = []
    for policy in version.policies:
        if policy.of in ended:
            hidden.append(policy.name)
        elif policy.when == When():
            ended.add(policy.of)
    return hidden


def _ends(open_time: OpenTime, begin: Micros, duration: Micros) -> Micros | None:
    """When a duration from ``begin`` on is used up; None if that takes too long."""
    try:
        end = open_time.used_up(begin, duration)
    except NeverOpenError:
        return None
    return end if end - begin <= LONGEST else None
