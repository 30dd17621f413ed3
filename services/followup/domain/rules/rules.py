"""The outreach rules as data: what the YAML file may say, checked when it is read.

Durations are written ``45m``, ``2h``, ``60d``, ``1d12h``; times of day ``"21:00"``, in quotes.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shared.schemas.base import Data
from shared.schemas.topics import TYPES

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
TRIGGER_TOPICS = frozenset({"interactions", "complaints", "purchases", "feedback", "loyalty"})
MANUAL = "manual"
"""The rule name of what an agent sends by ``POST /outreach``."""

Purpose: TypeAlias = Literal["marketing", "service", "survey"]
Channel: TypeAlias = Literal["email"]
"""Channels that have a sender."""


def parse_duration(value: object) -> timedelta:
    """``"1d12h"`` -> a timedelta. Raises ``ValueError``."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(?:\d{1,6}[wdhms])+", value):
        raise ValueError("write a duration such as 45m, 2h, 60d or 1d12h")
    parts = re.findall(r"(\d+)([wdhms])", value)
    return timedelta(seconds=sum(int(number) * UNITS[unit] for number, unit in parts))


def write_duration(value: timedelta) -> str:
    """The inverse of ``parse_duration``, in the largest units (days at most)."""
    rest, text = int(value.total_seconds()), ""
    for unit in "dhms":
        number, rest = divmod(rest, UNITS[unit])
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def parse_time_of_day(value: object) -> time:
    """``"21:00"`` -> a naive time of day. Raises ``ValueError``."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        # YAML reads a bare 21:00 as the number 1260.
        raise ValueError('write a time of day from "00:00" to "23:59", in quotes')
    return time.fromisoformat(value)


def parse_timezone(value: object) -> str:
    """An IANA name that this machine knows. Raises ``ValueError``."""
    try:
        return ZoneInfo(str(value)).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin") from None


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, str)]
TimeOfDay = Annotated[
    time, BeforeValidator(parse_time_of_day), PlainSerializer(lambda t: t.isoformat("minutes"), str)
]
TimeZone = Annotated[str, BeforeValidator(parse_timezone)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
EventName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$")]


class Strict(BaseModel):
    """Frozen, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuietHours(Strict):
    """From ``start`` until before ``end``, in the customer's local time; may span midnight."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _not_empty(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("from and to are the same time; leave quiet_hours out to have none")
        return self


class FrequencyCap(Strict):
    """At most ``max`` messages of ``purposes`` a customer in any ``per``."""

    max: Annotated[int, Field(ge=1, le=100)]
    per: Duration
    purposes: frozenset[Purpose] = frozenset({"marketing", "survey"})


class ConsentPolicy(Strict):
    """Whether a purpose needs a granted consent, or only the absence of a refusal.

    Marketing always needs it granted."""

    service: Literal["granted", "not_refused"] = "not_refused"
    survey: Literal["granted", "not_refused"] = "granted"

    def must_be_granted(self, purpose: str) -> bool:
        return {"service": self.service, "survey": self.survey}.get(purpose, "granted") == "granted"


class Mailbox(Strict):
    """Whom the messages come from."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\r\n]+$")]
    address: Annotated[str, Field(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)]


class Template(Strict):
    """A message that may be sent: files ``<name>.subject.txt``, ``<name>.txt``, ``<name>.html``."""

    purpose: Purpose
    manual: bool = False
    """Whether ``POST /outreach`` may send it."""


class Rule(Strict):
    """After one of ``triggers``, wait ``delay``, then send ``template`` if all still allows it."""

    name: Name
    description: str = ""
    triggers: Annotated[tuple[EventName, ...], Field(min_length=1)]
    when: Mapping[str, Any] = {}
    """Fields of the trigger and the values that they must have, else it starts nothing."""
    for_each: str | None = None
    """A field of the trigger: one outreach for each value of it (say ``complaint_id``), not one at a time."""
    delay: Duration
    restart: bool = False
    """Count ``delay`` from the latest trigger: each new one starts it again (a quiet time)."""
    cancel_on: tuple[EventName, ...] = ()
    at_most_one_in: Duration | None = None
    """Never two of this rule to one customer within this time."""
    template: Name
    channel: Channel = "email"
    variables: tuple[str, ...] = ()
    """Fields of the trigger that the template is given."""
    stale_after: Duration | None = None
    """Instead of the file's."""

    @field_validator("name")
    @classmethod
    def _not_manual(cls, value: str) -> str:
        if value == MANUAL:
            raise ValueError(f"{MANUAL!r} is the name of what POST /outreach sends")
        return value

    @field_validator("triggers", "cancel_on")
    @classmethod
    def _known_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            data_class(name)
        return value

    @field_validator("for_each", "variables")
    @classmethod
    def _known_fields(cls, value: Any, info: ValidationInfo) -> Any:
        fields = (value,) if isinstance(value, str) else value or ()
        for event in info.data.get("triggers", ()):
            missing = [name for name in fields if name not in data_class(event).model_fields]
            if missing:
                raise ValueError(f"{event} has no field {missing[0]}")
        return value

    @field_validator("when")
    @classmethod
    def _possible(cls, value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        for event in info.data.get("triggers", ()):
            fields = data_class(event).model_fields
            for name, wanted in value.items():
                if name not in fields:
                    raise ValueError(f"{event} has no field {name}")
                try:
                    TypeAdapter[Any](fields[name].rebuild_annotation()).validate_python(wanted, strict=True)
                except ValidationError:
                    raise ValueError(f"{name} of {event} is never {wanted!r}") from None
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        if self.restart and (self.for_each or self.variables):
            raise ValueError("restart cannot be combined with for_each or variables")
        both = set(self.triggers) & set(self.cancel_on)
        if both:
            raise ValueError(f"{min(both)} is in triggers and in cancel_on")
        for event in self.cancel_on:
            if self.for_each and self.for_each not in data_class(event).model_fields:
                raise ValueError(f"cancel_on: {event} has no field {self.for_each}")
        return self

    def holds(self, data: Data) -> bool:
        """Whether a trigger is as ``when`` says."""
        return all(getattr(data, name) == wanted for name, wanted in self.when.items())

    def key(self, data: Data) -> str:
        """What this trigger or cancelling event is about: the rule, or the rule and a ``for_each`` value."""
        if self.for_each is None:
            return self.name
        return f"{self.name}:{getattr(data, self.for_each)}"


class Rules(Strict):
    """The whole file."""

    name: Name
    sender: Mailbox
    timezone: TimeZone = "UTC"
    """Of customers whose own is not known."""
    quiet_hours: QuietHours | None = None
    frequency_cap: FrequencyCap | None = None
    stale_after: Duration = timedelta(days=3)
    """What should have been sent longer ago than this is not sent any more."""
    consent: ConsentPolicy = ConsentPolicy()
    hold_during_complaint: frozenset[Purpose] = frozenset({"marketing"})
    """Purposes that are not sent to a customer who has an open complaint."""
    templates: dict[Name, Template]
    rules: tuple[Rule, ...]

    @field_validator("rules")
    @classmethod
    def _consistent(cls, value: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        names = [rule.name for rule in value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two rules are named {min(twice)}")
        for rule in value:
            if "templates" in info.data and rule.template not in info.data["templates"]:
                raise ValueError(f"rule {rule.name}: there is no template {rule.template} under templates")
        return value

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def purpose(self, template: str) -> Purpose:
        return self.templates[template].purpose

    def stale(self, rule: str) -> timedelta:
        """How long after its due time an outreach of this rule may still be sent."""
        found = self.rule(rule)
        return found.stale_after if found and found.stale_after is not None else self.stale_after

    def horizon(self) -> timedelta:
        """How far back sends matter."""
        intervals = [rule.at_most_one_in for rule in self.rules if rule.at_most_one_in]
        return max([*intervals, *([self.frequency_cap.per] if self.frequency_cap else []), timedelta(0)])

    def event_classes(self) -> Iterator[type[Data]]:
        """Every event class that a rule starts or stops at."""
        for rule in self.rules:
            for name in (*rule.triggers, *rule.cancel_on):
                yield data_class(name)


def event_name(data: type[Data]) -> str:
    """``rapport.purchase.made.v1`` -> ``purchase.made``."""
    return data.event_type.removeprefix("rapport.").rsplit(".", 1)[0]


def data_class(name: str) -> type[Data]:
    """The class of an event name that rules may use. Raises ``ValueError``."""
    for data in TYPES.values():
        if event_name(data) == name and data.topic in TRIGGER_TOPICS:
            return data
    raise ValueError(f"there is no event {name} that a rule can use")
