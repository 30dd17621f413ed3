"""The desk's file as data: teams, and the rules by which conversations go to agents."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Annotated, get_args

from pydantic import AfterValidator, Field, field_validator

from services.interactions.domain.desk.fields import Names, Span, Wait
from services.interactions.domain.desk.macros import Macro
from services.interactions.domain.growth.policy import Learning, Staffing
from shared.schemas.base import Id, Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label, Severity
from shared.schemas.interactions import Priority
from shared.schemas.times import DAY, SECOND, Micros

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NORMAL: Priority = "normal"
"""Where none is named."""


class Overflow(Strict):
    """Whom a conversation goes on to that has waited so long."""

    to: Id
    after: Wait


class Team(Strict):
    """Agents who share their work."""

    id: Id
    name: Label | None = None
    languages: Names = ()
    """It is for customers who need one of these; none: whatever they speak."""
    skills: Names = ()
    """It is for what needs no others than these; none: whatever is needed."""
    default: bool = False
    """It is asked where no other is."""
    overflow: Overflow | None = None

    def is_for(self, language: str | None, skills: Sequence[str]) -> bool:
        """Whether it was made for this; one without either is for nothing in particular."""
        if not (self.languages or self.skills):
            return False
        speaks = not self.languages or any(same_language(own, language) for own in self.languages)
        return speaks and (not self.skills or (bool(skills) and set(skills) <= set(self.skills)))


def _all_four(order: tuple[Priority, ...]) -> tuple[Priority, ...]:
    if sorted(order) != sorted(get_args(Priority)):
        raise fault("", f"must name each of these once: {', '.join(get_args(Priority))}")
    return order


class Priorities(Strict):
    """Who comes first."""

    order: Annotated[tuple[Priority, ...], AfterValidator(_all_four)] = ("urgent", "high", "normal", "low")
    """The most urgent first."""
    ageing: Wait = 15 * MINUTE
    """What has waited so much longer goes before what is a step more urgent: so nobody waits for ever."""


class Vip(Strict):
    """Members of these tiers are as urgent as this, at least."""

    tiers: Names = ()
    raise_to: Priority = "high"


class Calm(Strict):
    """What agents are spared: too many contacts that are hard on them."""

    sentiment: Annotated[float, Field(ge=-1, le=1)] = -0.5
    """A conversation is hard whose customer last was as angry as this..."""
    severities: Annotated[tuple[Severity, ...], Field(max_length=4)] = ("high", "critical")
    """...or that has a complaint as bad as one of these which is not solved."""
    in_a_row: Annotated[int, Field(ge=1, le=1_000)] = 3
    """So many come one after the other at most; then an easier one, or a rest."""
    rest: Span = 30 * MINUTE
    """So long without a hard one counts as an easier one."""
    a_day: Annotated[int, Field(ge=1, le=10_000)] = 12
    """So many come in any 24 hours at most."""
    pause: Span = 5 * MINUTE
    """So long nothing comes after a hard one has ended."""


Factor = Annotated[float, Field(ge=0.001, le=100, allow_inf_nan=False)]


class Work(Strict):
    """Kinds of work that take more of an agent, or less, than their channel says: the largest of those that
    apply; 1 where none does."""

    complaint: Factor = 1
    """What has a complaint that is not solved takes so many times what its channel does."""
    skills: Annotated[Mapping[Label, Factor], Field(max_length=1_000)] = {}
    """What needs this skill does."""

    def takes(self, skills: Iterable[str], *, complaint: bool) -> float:
        """Times what the channel does."""
        kinds = [self.skills[name] for name in skills if name in self.skills]
        return max([*kinds, *([self.complaint] if complaint else ())], default=1)


class Reviews(Strict):
    """Bad reviews, which are to be answered in public."""

    at_most: Annotated[int, Field(ge=0, le=5)] = 2
    """Reviews of so many stars at most are answered; 0: none is."""
    answer_within: Wait = 24 * HOUR
    """The task is due so long after the review is heard of."""
    not_older_than: Wait = 30 * DAY
    """A review that is heard of so long after it was posted is history, and opens no task."""


class Desk(Strict):
    """The whole file."""

    teams: Annotated[tuple[Team, ...], Field(max_length=1_000)]
    only_these_teams: bool = False
    """No others are there; else a team is whoever is in it."""
    unlisted_overflow: Wait = 10 * MINUTE
    """What waits so long in a team that is not listed goes on to the default one."""
    priorities: Priorities = Priorities()
    preferred_for: Span = 2 * MINUTE
    """So long skills are waited for that would help."""
    sticky_for: Span = 1 * MINUTE
    """So long the agent is waited for who knows the customer."""
    vip: Vip = Vip()
    calm: Calm = Calm()
    work: Work = Work()
    learning: Learning = Learning()
    staffing: Staffing = Staffing()
    reviews: Reviews = Reviews()
    macros: Annotated[tuple[Macro, ...], Field(max_length=200)] = ()
    """What agents write often."""

    @field_validator("macros")
    @classmethod
    def _named_once(cls, macros: tuple[Macro, ...]) -> tuple[Macro, ...]:
        names = [macro.name for macro in macros]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise fault(f"[{number}].name", f"is used twice: {name}")
        return macros

    @field_validator("teams")
    @classmethod
    def _whole(cls, teams: tuple[Team, ...]) -> tuple[Team, ...]:
        ids = [team.id for team in teams]
        for number, team in enumerate(teams):
            if team.id in ids[:number]:
                raise fault(f"[{number}].id", f"is used twice: {team.id}")
            if team.overflow is not None and team.overflow.to not in ids:
                raise fault(f"[{number}].overflow.to", f"is no team of this file: {team.overflow.to}")
            if team.overflow is not None and team.overflow.to == team.id:
                raise fault(f"[{number}].overflow.to", "is the team itself")
        if sum(team.default for team in teams) != 1:
            raise fault("", "must hold one, and only one, with default: true")
        return teams

    @cached_property
    def by_id(self) -> dict[str, Team]:
        """The teams that are listed."""
        return {team.id: team for team in self.teams}

    @cached_property
    def default(self) -> Team:
        """Who is asked where nobody else is."""
        return next(team for team in self.teams if team.default)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Priority -> its place, from 0, the most urgent."""
        return {name: rank for rank, name in enumerate(self.priorities.order)}

    def is_team(self, team_id: str) -> bool:
        """Whether there may be such a team."""
        return team_id in self.by_id or not self.only_these_teams

    def asked(self, team_id: str | None, language: str | None, skills: Sequence[str]) -> str:
        """The team that is asked: the one named, if there may be such a one; else the first that is for this
        language and these skills; else the default."""
        if team_id is not None and self.is_team(team_id):
            return team_id
        found = (team for team in self.teams if team.is_for(language, skills))
        return next(found, self.default).id

    def overflow_of(self, team_id: str) -> tuple[str, Micros] | None:
        """The team that conversations of this one go on to, and after how long; at once where it is none."""
        team = self.by_id.get(team_id)
        if team is None:
            return self.default.id, self.unlisted_overflow if self.is_team(team_id) else 0
        return None if team.overflow is None else (team.overflow.to, team.overflow.after)


def same_language(one: str, other: str | None) -> bool:
    """Whether two tags are of one language, whatever the country: ``de`` and ``de-AT``."""
    return other is not None and language_of(one) == language_of(other)


@lru_cache(maxsize=1_024)
def language_of(tag: str) -> str:
    """The language of a tag, without the country."""
    return tag.replace("_", "-").partition("-")[0].casefold()
