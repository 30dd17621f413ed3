"""A mapping file as people write it, checked by Pydantic. What its expressions mean is checked in
``compiling.py``, against a sample of the records."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shared.schemas.base import Currency, Strict
from shared.schemas.fields import Timezone

Kinds = Literal["text", "whole", "number", "truth", "time", "date", "money", "id"]
"""What a value can be made."""
_is_currency = re.compile("[A-Z]{3}").fullmatch


def _listed(told: Any) -> Any:
    return [told] if isinstance(told, str) else told


class Value(Strict):
    """How one value is made. Text alone is an expression; a number, true, false or a list stands for
    itself."""

    from_: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(alias="from", max_length=20)] = ()
    """Expressions: the first that is known."""
    is_: Annotated[Any, Field(alias="is")] = None
    """Instead: a constant, written out."""
    fields: dict[str, "Value"] | None = None
    """Instead: a value with fields."""
    each: str | None = None
    """An expression that is a list: ``from`` or ``fields`` is made of each ``item`` of it."""
    when: str | None = None
    """An expression: without it being true, nothing is known."""
    as_: Annotated[Kinds | None, Field(alias="as")] = None
    """What it is made; left out, what the event's field is."""
    format: Annotated[str, Field(min_length=1)] | None = None
    """Of a time or date: ``iso``, ``unix``, ``unix_ms``, ``unix_us`` (since 1970), or a pattern such as
    ``%d.%m.%Y %H:%M``."""
    zone: Timezone | None = None
    """Of a time without an offset: where it is meant."""
    decimal: Literal[".", ","] | None = None
    """What stands before the decimals of a number that is text."""
    currency: "Coin | None" = None
    """Of money: a code, or the expression that is one."""
    units: Literal["major", "minor"] = "major"
    """Of money: whether the number counts euros or cents."""
    table: dict[str, Any] | None = None
    """What stands for each value that the source knows."""
    default: Any = None
    """A constant, where nothing is known."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        if isinstance(told, str):
            return {"from": told}
        return {"is": told} if isinstance(told, bool | int | float | Decimal | list) else told

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = [bool(self.from_), self.is_ is not None, self.fields is not None]
        if sum(ways) != 1:
            raise ValueError("write one of from, is and fields")
        if self.each is not None and self.is_ is not None:
            raise ValueError("each goes with from or fields")
        return self


_VALUE = frozenset(field.alias or name for name, field in Value.model_fields.items())


class Named(Value):
    """A value that is mostly a constant: text alone is one."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        return {"is": told} if isinstance(told, str) else told


class Coin(Value):
    """A currency: three capitals are the code itself."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        if isinstance(told, str):
            return {"is" if _is_currency(told) else "from": told}
        return told


class Subject(Strict):
    """Who it is about: one of these."""

    id: Value | None = None
    """The customer's id, or the team's."""
    email: Value | None = None
    phone: Value | None = None
    card: Value | None = None
    account: Value | None = None
    device: Value | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        is_value = isinstance(told, dict) and bool(told) and told.keys() <= _VALUE
        return {"id": told} if is_value or isinstance(told, str) else told

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("write one of id, email, phone, card, account and device")
        return self

    @property
    def kind(self) -> str:
        """The one that it is."""
        return next(iter(self.model_fields_set))

    @property
    def value(self) -> Value:
        found: Value = getattr(self, self.kind)
        return found


def _several(told: Any) -> Any:
    return told if isinstance(told, list) else [told]


class EventForm(Strict):
    """One kind of event that records become."""

    type: Named
    """``purchase.made``, or all of ``rapport.purchase.made.v1``."""
    when: str | None = None
    """An expression: only records of which it is true become such an event."""
    each: str | None = None
    """An expression that is a list: an event is made of each ``entry`` of it."""
    subject: Annotated[tuple[Subject, ...], BeforeValidator(_several)]
    """Who it is about: the first of several that is known."""
    id: Value | None = None
    """Names the event for ever; left out, it is made of all that the record says."""
    source: Named | None = None
    """Who tells it; left out, the file's."""
    time: Value
    """When it happened."""
    data: dict[str, Value] = Field(default_factory=dict)
    """The event's fields."""


class CsvForm(Strict):
    """How a CSV file is written, where it does not say so itself."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Left out: the one of comma, semicolon, tab and bar that fits the first lines."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What stands before a quote in quotes; left out, quotes are doubled."""
    encoding: str = "utf-8"
    """A mark at the file's beginning comes before it."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The columns' names, where the first line does not say them."""
    skip: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Lines before the header."""
    absent: tuple[str, ...] = ()
    """Texts that mean that nothing is known, such as NULL; an empty cell always does."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"there is no encoding {self.encoding}") from None
        return self


class MappingForm(Strict):
    """A mapping file."""

    description: str = ""
    source: Named | None = None
    """Who tells the events: a URI such as /shops/old."""
    timezone: Timezone | None = None
    """Where times without an offset are meant."""
    currency: Currency | None = None
    """Of money that names none."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of numbers that are text."""
    csv: CsvForm = CsvForm()
    group: Annotated[str, Field(min_length=1)] | None = None
    """Of a file: rows that follow each other and have one value in this column are one record, with all of
    them in ``rows``."""
    sample: Any = None
    """Records as they come, against which the file is checked: one, several, or the name of a JSON file
    beside this one."""
    events: tuple[EventForm, ...]

    @field_validator("events")
    @classmethod
    def _some(cls, events: tuple[EventForm, ...]) -> tuple[EventForm, ...]:
        if not 1 <= len(events) <= 100:
            raise ValueError("must be 1 to 100 events")
        return events


Path: TypeAlias = tuple[int | str, ...]
"""Where something stands in a mapping."""
