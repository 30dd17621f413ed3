"""The events that rules may name: ``purchase.made`` for ``rapport.purchase.made.v1``."""

from functools import cache
from typing import Annotated

from pydantic import Field

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
