"""Numbers as their drawings need them, and the environment that the pages are rendered in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class Value:
    """A number, in text, and its share of the most that is drawn, in per cent."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values side by side."""

    label: str
    first: Value
    second: Value


def pairs(rows: Sequence[tuple[str, int, int]]) -> list[Pair]:
    """All on one scale, from 0 to the highest."""
    most = max((value for _, *values in rows for value in values), default=0) or 1
    return [Pair(label, *(value_of(one, most) for one in values)) for label, *values in rows]


def value_of(number: int, most: int) -> Value:
    return Value(f"{number:,}", round(100 * number / most, 2) if most else 0)


@lru_cache(maxsize=8)
def environment(*folders: Path) -> Environment:
    """Templates of these folders, then those here. Values are escaped."""
    return Environment(
        loader=FileSystemLoader([*folders, PAGES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
