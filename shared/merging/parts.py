"""A customer's things, cut into parts that fit into events."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

H = TypeVar("H", bound=BaseModel)

MOST_BYTES = 900_000
"""Of JSON, of one part: an event may have 1 MiB."""


def divided(handed: H, most: int = MOST_BYTES) -> tuple[H, ...]:
    """The same things in parts of at most ``most`` bytes of JSON, at least one; each is of the same model.

    Tuples and mappings are divided among the parts, in their order; the first has all else, for which the
    others have the model's defaults. An element that is larger than a part is a part of its own.
    """
    if len(to_json(handed)) <= most:
        return (handed,)
    many = {name: value for name, value in handed if isinstance(value, tuple | Mapping)}
    frame = len(to_json(type(handed)()))
    first = {name: value for name, value in handed if name not in many}
    parts: list[dict[str, Any]] = [first]
    room = most - frame - len(to_json(first))
    for name, value in many.items():
        for element in value.items() if isinstance(value, Mapping) else value:
            size = len(to_json(element)) + 1
            if size > room and any(parts[-1].values()):
                parts.append({})
                room = most - frame
            parts[-1].setdefault(name, []).append(element)
            room -= size
    return tuple(_part(handed, part) for part in parts)


def _part(handed: H, fields: dict[str, Any]) -> H:
    """A part of these fields: of those that are divided, the elements."""
    empty = type(handed)()
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = dict(value) if isinstance(getattr(empty, name), Mapping) else tuple(value)
    return empty.model_copy(update=fields)
