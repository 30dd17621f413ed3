"""The events that rules may name: ``purchase.made`` for ``rapport.purchase.made.v1``."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from shared.schemas.base import Data
from shared.schemas.topics import TYPES

TRIGGER_TOPICS = frozenset({"interactions", "complaints", "purchases", "feedback", "loyalty", "insights"})

EventName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$")]


@cache
def event_name(data: type[Data]) -> str:
    """``rapport.purchase.made.v1`` -> ``purchase.made``."""
    return data.event_type.removeprefix("rapport.").rsplit(".", 1)[0]


def data_class(name: str) -> type[Data]:
    """The class of an event name that rules may use. Raises ``ValueError``."""
    for data in TYPES.values():
        if event_name(data) == name and data.topic in TRIGGER_TOPICS:
            return data
    raise ValueError(f"there is no event {name} that a rule can use")


def as_held(events: tuple[str, ...], when: Mapping[str, Any]) -> dict[str, Any]:
    """The values that fields of these events must have, as events hold them. Raises ``ValueError``."""
    # The file is read with exact decimals, events hold floats.
    held = {name: float(value) if isinstance(value, Decimal) else value for name, value in when.items()}
    for event in events:
        fields = data_class(event).model_fields
        for name, wanted in held.items():
            if name not in fields:
                raise ValueError(f"{event} has no field {name}")
            try:
                TypeAdapter[Any](fields[name].rebuild_annotation()).validate_python(wanted, strict=True)
            except ValidationError as error:
                why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"{name} of {event} is never {wanted!r}: {why}") from None
    return held
