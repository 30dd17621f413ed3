"""Field types that several topics share: what is plausible, and the JSON Schema that says so."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shared.schemas.base import Money
from shared.schemas.zones import zone_fault

Label = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line that names something of another system: a SKU, a category, a plan."""

VoucherCode = Annotated[Label, BeforeValidator(lambda code: code.strip() if isinstance(code, str) else code)]
"""A voucher's or coupon's code; what a form or a scanner leaves around it is taken off."""

Severity = Literal["low", "normal", "high", "critical"]
"""How bad a complaint is."""

Points = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""Loyalty points; the bound is what every JSON reader holds exactly."""

GivenPoints = Annotated[int, Field(ge=1, le=2**53)]
"""Points that are given: at least one."""

CollectionName = Annotated[str, Field(min_length=1, max_length=128)]
"""Of a store's documents, by the store's own word."""

Count = Annotated[int, Field(ge=0, le=2**53)]
"""How many, or which in a row."""

# Characters that structure an address header are refused, so that an address cannot become two or a header.
_ATOM = r"[^\s@()<>\[\]:;,\\\x22\x00-\x1f\x7f-\x9f]"
Email = Annotated[str, Field(max_length=254, pattern=rf"^{_ATOM}{{1,64}}@{_ATOM}+$")]
"""One bare address: no display name, quotes, spaces or control characters."""

Phone = Annotated[str, Field(min_length=2, max_length=64, pattern=r"^[^\x00-\x1f\x7f@]+$")]
"""A phone number as a source writes it: any spelling, but no e-mail address."""

Locale = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8})*$")]
"""A BCP 47 language tag, e.g. ``en-GB``; an underscore is taken too."""


def _birthday(value: str) -> str:
    # A leap year stands in for a year that is not told: --02-29 is somebody's birthday.
    try:
        date.fromisoformat(f"2000-{value[2:]}" if value.startswith("--") else value)
    except ValueError:
        raise PydanticCustomError("birthday", "no such day in the calendar") from None
    return value


Birthday = Annotated[str, Field(pattern=r"^([0-9]{4}|-)-[0-9]{2}-[0-9]{2}$"), AfterValidator(_birthday)]
"""``YYYY-MM-DD``, or ``--MM-DD`` where the year is not told."""


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "no such day in the calendar") from None
    return value


Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
"""A UTC day: ``YYYY-MM-DD``."""


def _timezone(value: object) -> object:
    wrong = zone_fault(value) if isinstance(value, str) else None
    if wrong is not None:
        raise PydanticCustomError("timezone", "{wrong}", {"wrong": wrong})
    return value


# Asked first: what the pattern would say of it tells people less.
Timezone = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+/-]{1,64}$"), BeforeValidator(_timezone)]
"""An IANA time zone, e.g. ``Europe/Paris``, that is the same on every machine."""


def _not_negative(value: Money) -> Money:
    if value.amount < 0:
        # ``at`` completes the path of the error: the validator sits on the money, the fault in its amount.
        raise PydanticCustomError("negative", "must not be negative", {"at": "amount"})
    return value


Price = Annotated[
    Money,
    Field(json_schema_extra={"properties": {"amount": {"minimum": 0}}}),
    AfterValidator(_not_negative),
]
"""Money of zero or more."""
