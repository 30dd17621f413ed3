"""The primitives every event is made of: ids, money, times, and the frozen base model."""

import re
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.schemas.docstrings import describe
from shared.schemas.places import declare

ID_PATTERN = r"^[A-Za-z0-9._:-]{1,128}$"

Id = Annotated[str, Field(pattern=ID_PATTERN)]
"""An identifier: 1 to 128 characters of ``[A-Za-z0-9._:-]``."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

OFFSET_TIME = Annotated[datetime, msgspec.Meta(tz=True)]
"""What msgspec reads as a time with an offset. It rounds past the microsecond: see ``parse_time``."""


SHORT_TIME = len("YYYY-MM-DDTHH:MM:SS.ffffffZ")
"""A time of at most so many characters has no digit past the microsecond."""

_parts = re.compile(r"(.{10}[Tt ]\d\d:\d\d:)(\d\d)(\.\d+)?(.*)", re.ASCII).fullmatch


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with an offset, in UTC, to the microsecond. Raises ValueError on anything else.

    Digits past the microsecond are cut, never rounded: 23:59:59.999999999 stays in its day. A leap second,
    23:59:60 UTC on the last day of a month, is taken as the last microsecond of that day: it belongs to the
    day that it ends.
    """
    leap = False
    if (len(text) > SHORT_TIME or ":60" in text) and (parts := _parts(text)) is not None:
        start, seconds, fraction, offset = parts.groups(default="")
        leap = seconds == "60"
        text = f"{start}59.999999{offset}" if leap else f"{start}{seconds}{fraction[:7]}{offset}"
    try:
        time = msgspec.convert(text, OFFSET_TIME).astimezone(UTC)
        if leap and _in_month(time + timedelta(microseconds=1)) != (1, 0, 0):
            raise ValueError("not a leap second: those are 23:59:60 UTC on the last day of a month")
    except (msgspec.ValidationError, OverflowError):
        raise ValueError("not an RFC 3339 time with an offset") from None
    return time


def _in_month(time: datetime) -> tuple[int, int, int]:
    return time.day, time.hour, time.minute


def _time(value: Any) -> Any:
    # Pydantic alone also takes 1700000000, the text of it, and times without seconds.
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("time", "not an RFC 3339 time with an offset")
    try:
        return parse_time(value)
    except ValueError as error:
        raise PydanticCustomError("time", "{reason}", {"reason": str(error)}) from None


Time = Annotated[AwareDatetime, BeforeValidator(_time)]
"""An RFC 3339 time with an offset, as ``parse_time`` reads it: to the microsecond, cut and not rounded."""


class Frozen(BaseModel):
    """An immutable model; a field it does not know is left out."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)  # which may be personal

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        describe(cls)

    @classmethod
    def __pydantic_init_subclass__(cls, **config: Any) -> None:
        declare(name for key, field in cls.model_fields.items() for name in (key, field.alias))


class Open(Frozen):
    """An immutable model that keeps the fields it does not know: what others write."""

    model_config = ConfigDict(extra="allow")


class Strict(Frozen):
    """An immutable model to which an unknown field is an error: what people write."""

    model_config = ConfigDict(extra="forbid")


class Money(Open):
    """An amount in minor units (cents) of a currency."""

    amount: Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
    """Minor units, e.g. cents."""
    currency: Currency
    """ISO 4217 code, e.g. EUR."""


CUSTOMER = "customer"
"""What the subject of most events is."""


class Data(Open):
    """The data of one event type. Subclasses name their type and topic."""

    event_type: ClassVar[str]
    """The CloudEvents type, e.g. ``rapport.purchase.made.v1``."""
    topic: ClassVar[str]
    """The Kafka topic that carries the type."""
    entity: ClassVar[str] = CUSTOMER
    """What the event's subject, and so its record's key, is the id of: a customer, or a ``team``."""
    thing: ClassVar[str] = ""
    """What the event is about, where that has a name of its own: ``order``, ``return``. Told again under
    another event id it has no second effect (``shared.facts.names``)."""
    named_by: ClassVar[tuple[str, ...]] = ()
    """The fields that name the thing among those of the customer; ``time`` is the event's own."""
    judge: ClassVar[str] = "interactions"
    """The service that makes a dead letter ``duplicate_<thing>`` of other data; empty: none does."""
    known_by: ClassVar[str] = "its event id alone"
    """For people: what tells one from another that has no ``thing``."""
    late: ClassVar[str] = ""
    """For people: what becomes of one that is heard late, or before what it is about."""
    caller: ClassVar[frozenset[str]] = frozenset()
    """Of a command, the fields that say who asks and not what for: a retry may differ in them."""
    tells_of: ClassVar[tuple[str, ...]] = ()
    """The fields (``part.field`` in a part) that name customers of whom it tells somebody else: a journal
    keeps it as long as them, and it has no effect once they are erased."""
    told_anyway: ClassVar[bool] = False
    """It has its effect all the same: the journal alone asks whom it names."""
    room: ClassVar[int] = 0
    """Bytes that such an event may have beyond what others may: it has another one in it."""
    again: ClassVar[str] = ""
    """For people: what one does that is told again under another event id; empty where ``thing`` says it."""

    def others(self) -> tuple[str, ...]:
        """The customers of whom it tells somebody else, by ``tells_of``."""
        named = (attrgetter(name)(self) for name in self.tells_of)
        return tuple(id for id in named if id is not None)

    def state_id(self, subject: str) -> str:
        """The id of the state that the event changes: of a customer's the subject. Of others it begins
        ``<kind>/<subject>``, which no id of a customer can be (ADR 31)."""
        return subject


__all__ = [
    "CUSTOMER",
    "ID_PATTERN",
    "OFFSET_TIME",
    "SHORT_TIME",
    "Currency",
    "Data",
    "Frozen",
    "Id",
    "Money",
    "Open",
    "Strict",
    "Time",
    "parse_time",
]
