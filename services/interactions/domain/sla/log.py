"""A complaint's log, as far as its clocks go: what happened, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias

from shared.schemas.times import Micros

MatchField: TypeAlias = Literal["severity", "category", "tier", "segment", "channel"]


class Match(NamedTuple):
    """What a policy may ask for."""

    severity: str | None = None
    category: str | None = None
    tier: str | None = None
    segment: str | None = None
    channel: str | None = None


class Kind(IntEnum):
    """What happened. Of two facts of one instant the earlier here comes first."""

    OPENED = 0
    CHANGED = 1
    """A field of the match has another value."""
    INBOUND = 2
    """The customer wrote, in the complaint's conversation."""
    ANSWERED = 3
    """A response that leaves it open: acknowledged, updated, or an agent's message in its conversation."""
    RESOLVED = 4
    """A response too."""
    CLOSED = 5
    REOPENED = 6
    WAITING = 7
    """For the customer."""
    RESUMED = 8


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened."""

    at: Micros
    kind: Kind
    changes: tuple[tuple[MatchField, str | None], ...] = ()
    """Of ``OPENED`` what is known at that time, of ``CHANGED`` what is new."""
    promised_by: Micros | None = None
    """Of ``ANSWERED``: the time by which the customer was promised to hear again."""


def in_order(log: Iterable[Fact], until: Micros) -> list[Fact]:
    """The facts up to ``until``, whatever the order in which they were heard.

    Nothing happens before the opening: what says so, by a clock that is wrong, counts as of the opening; a
    message before it is none of it. Of two openings the earlier counts; without any there is no log. Answers
    of one instant are one: no clock runs between them.
    """
    facts = sorted((fact for fact in log if fact.at <= until), key=lambda fact: (fact.at, fact.kind))
    opened = next((fact for fact in facts if fact.kind == Kind.OPENED), None)
    if opened is None:
        return []
    early = [
        Fact(opened.at, fact.kind, fact.changes, fact.promised_by)
        for fact in facts
        if fact.at < opened.at and fact.kind != Kind.INBOUND
    ]
    rest = [fact for fact in facts if fact.at >= opened.at and fact.kind != Kind.OPENED]
    return _one_answer([opened, *early, *rest])


def _one_answer(facts: Iterable[Fact]) -> list[Fact]:
    found: list[Fact] = []
    for fact in facts:
        last = found[-1] if found else None
        if last is None or (last.at, last.kind) != (fact.at, fact.kind) or fact.kind != Kind.ANSWERED:
            found.append(fact)
        elif last.promised_by is None:
            found[-1] = fact
    return found
