"""What a customer likes, as people read it: sources name preferences as they please, of any shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIRST = ("allerg", "diet", "fit", "size", "access", "language", "contact", "gift")
"""How names begin of what helps in a conversation before all else."""
MOST = 24
LONGEST = 200
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Preference:
    """``name`` is as the source has it, with spaces: ``shoe size``; ``values`` are of a list, or one."""

    name: str
    values: tuple[str, ...]
    yes: bool | None = None
    """Of one that is true or false; it has no values then."""
    first: bool = False
    """It helps before all else."""


def preferences(told: Any) -> tuple[Preference, ...]:
    """Those that help first come first, then by name. What is null or empty is left out."""
    found = list(_flat((), told)) if isinstance(told, Mapping) else []
    found.sort(key=lambda one: (not one.first, _rank(one.name), one.name))
    return tuple(found[:MOST])


def _flat(path: tuple[str, ...], told: Mapping[str, Any]) -> Iterator[Preference]:
    for key, value in told.items():
        names = (*path, str(key).replace("_", " ").replace("-", " ").strip())
        name = ", ".join(filter(None, names))[:LONGEST]
        first = _rank(name) < len(FIRST)
        if isinstance(value, Mapping) and len(path) < 3:
            yield from _flat(names, value)
        elif isinstance(value, bool):
            yield Preference(name, (), yes=value, first=first)
        elif values := tuple(_values(value)):
            yield Preference(name, values, first=first)


def _values(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        text = "" if one is None else str(one).strip()
        if text:
            yield text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _rank(name: str) -> int:
    words = name.casefold().replace(",", "").split()
    ranks = (n for n, start in enumerate(FIRST) if any(word.startswith(start) for word in words))
    return next(ranks, len(FIRST))
