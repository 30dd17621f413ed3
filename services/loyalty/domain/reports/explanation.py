"""What an explanation is made of, and how it says things."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.reports.history import LotStory
from services.loyalty.domain.rows import LedgerRow

Number: TypeAlias = int | str
"""Exact: whole numbers, fractions like ``1/80``, RFC 3339 times and names."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that counted."""

    rule: str
    """Stable, for programs."""
    detail: str
    """For people."""
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    sentence: str
    """All of it in one sentence, for people."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """An entry with what is needed to explain it."""

    row: LedgerRow
    lots: Mapping[str, LotStory]
    programs: Programs

    @property
    def size(self) -> str:
        return plural(abs(self.row.points))

    def version(self, name: str) -> Program | None:
        """The version of this name that gave the points, if the program's file still has it."""
        return next((program for program in self.programs.versions if program.version == name), None)


def plural(number: int) -> str:
    return f"{number} point{'s' * (number != 1)}"


def day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"


def time_text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
