"""Which word on a consent holds, of all that were told on one purpose and channel, in whatever order they are
heard: the one rule that all services use (ADR 87).

The later word by event time holds, a withdrawal at a draw. A clock that runs ahead never outlasts a
customer's no: to a withdrawal that is heard later, a grant of the future is as old as when it was heard. And
an import that has no evidence never outweighs what the person withdrew themself, whatever its time: only they
can, or evidence of it.
"""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel

from shared.schemas.customers import ConsentChanged
from shared.schemas.event import Event
from shared.schemas.times import Micros

IMPORTED = "imported"
"""The extension by which an event says that it is of an import: true. ``rapport import`` sends it."""


class Word(Protocol):
    """A word as a state keeps it."""

    @property
    def granted(self) -> bool: ...

    @property
    def unproven(self) -> bool:
        """An import says so, without evidence."""

    @property
    def at(self) -> Micros:
        """The event's time."""

    @property
    def since(self) -> Micros:
        """As ``since`` gives it."""


W = TypeVar("W", bound=Word)
M = TypeVar("M", bound=BaseModel)


def is_unproven(event: Event, said: ConsentChanged) -> bool:
    """Whether the word is an import's, without evidence. In binary mode extensions are text."""
    return event.extensions.get(IMPORTED) in (True, "true") and not (said.evidence or "").strip()


def is_unproven_grant(event: Event) -> bool:
    """Whether an import grants a consent, without evidence."""
    data = event.data
    return isinstance(data, ConsentChanged) and data.granted and is_unproven(event, data)


def heard_ahead(at: Micros, now: Micros) -> Micros | None:
    """When a word was heard, where that is to be kept: its own time had not passed by then."""
    return now if at >= now else None


def since(at: Micros, heard: Micros | None, *, granted: bool) -> Micros:
    """How old a word is beside others of a clock that ran ahead: ``at``, or when it was ``heard``; of a
    withdrawal just before, so that of two heard at one time the later holds."""
    if heard is None:
        return at
    return min(at, heard if granted else heard - 1)


def kept(words: Iterable[W]) -> tuple[W, ...]:
    """Those of the words that decide, with any others that are told yet: of grants and of withdrawals, each
    with evidence or without, the latest by either time. Eight at most, mostly one or two."""
    latest: dict[tuple[bool, bool, bool], W] = {}
    for word in words:
        for by_since in (False, True):
            place = word.granted, word.unproven, by_since
            known = latest.get(place)
            # Of two that are alike the one heard later is cited.
            if known is None or _age(word, by_since) >= _age(known, by_since):
                latest[place] = word
    return tuple({id(word): word for word in latest.values()}.values())


def _age(word: Word, by_since: bool) -> tuple[Micros, Micros]:
    return (word.since, word.at) if by_since else (word.at, word.since)


def holding(words: Iterable[W]) -> W:
    """The word that holds, of one or more."""
    told = tuple(words)
    against = [word for word in told if not word.granted]
    grants = [word for word in told if word.granted and not _beaten(word, against)]
    if any(word.unproven for word in grants) and _withdrawn(told):
        grants = [word for word in grants if not word.unproven]
    return max(grants or against, key=lambda word: (word.at, not word.unproven))


def decided(words: Iterable[M], kind: type[M]) -> tuple[M, tuple[M, ...]]:
    """Of one or more words, which are models: the one that holds, and the others that are kept. All as plain
    words of this ``kind``: one that held before also says what it is about."""

    def plain(word: M) -> M:
        if type(word) is kind:
            return word
        return kind(**{name: getattr(word, name) for name in kind.model_fields})

    needed = kept(cast(Iterable[Any], words))
    holds = holding(needed)
    return plain(holds), tuple(plain(word) for word in needed if word is not holds)


def without_effect(words: Iterable[W]) -> W | None:
    """The latest grant of an import that does not hold, as the person had withdrawn it themself."""
    told = tuple(words)
    if holding(told).granted or not _withdrawn(told):
        return None
    grants = [word for word in told if word.granted and word.unproven]
    return max(grants, key=lambda word: word.at, default=None)


def _withdrawn(told: Iterable[Word]) -> bool:
    """Whether the last that the person themself said, or that there is evidence of, is a withdrawal."""
    proven = [word for word in told if not word.unproven]
    against = [word for word in proven if not word.granted]
    return bool(against) and all(_beaten(word, against) for word in proven if word.granted)


def _beaten(grant: Word, withdrawals: Iterable[Word]) -> bool:
    return any(no.at >= grant.at or no.since >= grant.since for no in withdrawals)
