"""Where results are counted, and how that reads as a key."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from services.followup.domain.state import Outreach
from shared.domain import Collection
from shared.schemas.times import Micros, moment

RESULTS = "results"
COLLECTION = Collection(RESULTS, owner=None, personal=(), indexes=("key",))
ARM = "@"
"""In place of a step: the cell counts people, by the arm in place of a variant."""
SEPARATOR = "|"
"""In no name of a rule, step or variant."""


class Cell(NamedTuple):
    """Messages of one kind that are due on one day."""

    rule: str
    day: str
    """In UTC, ``2026-03-02``."""
    step: str = ""
    variant: str = ""

    @property
    def key(self) -> str:
        """The rule and the day first: so all of a rule from one day to another are next to each other."""
        return SEPARATOR.join(self)

    @classmethod
    def read(cls, key: str) -> "Cell | None":
        """The inverse of ``key``; None of what is none."""
        parts = key.split(SEPARATOR)
        return cls(*parts) if len(parts) == len(cls._fields) else None


def cell_of_outreach(outreach: Outreach) -> Cell:
    """Of a message."""
    return Cell(outreach.rule, day_of(outreach.due_at), outreach.step or "", outreach.variant or "")


def day_of(at: Micros) -> str:
    """In UTC, ``2026-03-02``."""
    return f"{moment(at):%Y-%m-%d}"


def cell_of(document: Mapping[str, object]) -> Cell:
    """Of a message, by its document."""
    due_at = document["due_at"]
    assert isinstance(due_at, datetime)
    step, variant = (str(document.get(name) or "") for name in ("step", "variant"))
    return Cell(str(document["rule"]), f"{due_at:%Y-%m-%d}", step, variant)


def between(rule: str, since: date, until: date) -> tuple[str, str]:
    """The keys from the first to before the second are those of the rule from ``since`` until before
    ``until``."""
    first, second = (f"{rule}{SEPARATOR}{day:%Y-%m-%d}" for day in (since, until))
    return first, second
