"""Where in a document something is wrong, by names that are ours.

Some keys are somebody's own words: of a map, or those a closed model does not know. So only what a model
declares is named.
"""

from collections.abc import Iterable, Sequence

_KEY = "[key]"
"""Pydantic's word for a map's key, where that is at fault."""
HIDDEN = "…"
_declared: set[str] = {_KEY}


def declare(names: Iterable[str | None]) -> None:
    """These are names of a model's fields."""
    _declared.update(name for name in names if name)


def place(location: Sequence[int | str]) -> str:
    """``("items", 0, "sku")`` -> ``items.0.sku``; what is no declared name is ``…``."""
    return ".".join(str(part) if isinstance(part, int) or part in _declared else HIDDEN for part in location)
