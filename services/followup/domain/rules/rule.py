"""One outreach rule as the YAML file may say it, checked when it is read."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, field_validator, model_validator

from services.followup.domain.conditions.expression import Expression, compiled, kept, of_trigger
from services.followup.domain.rules.events import EventName, data_class
from services.followup.domain.rules.times import Duration, Instant
from shared.schemas.base import Data, Id, Strict
from shared.schemas.faults import fault
from shared.schemas.times import Micros, micros

MANUAL = "manual"
"""The rule name of what an agent sends by ``POST /outreach``."""
REPLY = "reply"
"""The rule name of what an agent writes in a conversation; its template's too, and its purpose's, which no
consent, cap or hold names."""
RESERVED = {MANUAL: "what POST /outreach sends", REPLY: "what agents answer"}
DEFAULT_CHANNEL = "email"
"""By what a message goes where nothing else is said."""

TASK = "task"
"""What rules call the channel whose messages a team brings."""
CHANNEL_OF: Mapping[str, str] = {"call": "phone", "letter": "mail"}
"""What a task of each kind reaches the customer by: the channel that consents, facts and pages name."""

Purpose: TypeAlias = Literal["marketing", "service", "survey"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class TaskPlan(Strict):
    """What a team does in place of a message that is sent."""

    kind: Literal["call", "letter"]
    team: Id | None = None
    """Who does it; the file's ``team`` if left out."""
    within: Duration = timedelta(days=2)
    """How long after it was opened it is due."""

    @property
    def channel(self) -> str:
        return CHANNEL_OF[self.kind]


class Active(Strict):
    """When a rule starts anything: from ``from`` until before ``to``, or without an end."""

    start: Annotated[Instant | None, Field(alias="from")] = None
    end: Annotated[Instant | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _in_order(self) -> "Active":
        if self.start is None and self.end is None:
            raise fault("from", "is missing, and so is to; leave active out where the rule always holds")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise fault("to", "must be after from")
        return self

    def covers(self, at: Micros) -> bool:
        """Whether a trigger of this instant starts the rule."""
        return (self.start is None or at >= micros(self.start)) and (
            self.end is None or at < micros(self.end)
        )


class Rule(Strict):
    """After one of ``triggers``, wait ``delay``, then send ``template`` if all still allows it."""

    name: Name
    description: str = ""
    triggers: Annotated[tuple[EventName, ...], Field(min_length=1)]
    when: Mapping[str, Any] | str = {}
    """What the trigger must be, else it starts nothing: fields and their values, or a condition in CEL on the
    trigger alone."""
    for_each: str | None = None
    """A field of the trigger: one outreach per value of it (say ``complaint_id``), not one at a time."""
    every: bool = False
    """Each trigger has its own outreach, and none stands behind another: each says something new."""
    delay: Duration
    restart: bool = False
    """Count ``delay`` from the latest trigger: each new one starts it again (a quiet time)."""
    cancel_on: tuple[EventName, ...] = ()
    at_most_one_in: Duration | None = None
    """Never two of this rule to one customer within this time."""
    template: Name
    channel: Name = DEFAULT_CHANNEL
    task: TaskPlan | None = None
    """With ``channel: task``, which is read as what the task reaches the customer by: ``phone``, ``mail``."""
    variables: tuple[str, ...] = ()
    """Fields of the trigger that the template is given."""
    if_: Annotated[str | None, Field(alias="if")] = None
    """A condition on the customer in CEL, asked when the message is about to go."""
    stale_after: Duration | None = None
    """Instead of the file's."""
    active: Active | None = None
    """Triggers outside of it start nothing; what it has started goes on."""

    @model_validator(mode="before")
    @classmethod
    def _by_task(cls, value: Any) -> Any:
        task = value.get("task") if isinstance(value, Mapping) else None
        by = CHANNEL_OF.get(str(task.get("kind"))) if isinstance(task, Mapping) else None
        return {**value, "channel": by} if by is not None and value.get("channel") == TASK else value

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"{value!r} is the name of {RESERVED[value]}")
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

    @field_validator("when", mode="before")
    @classmethod
    def _readable(cls, value: object) -> object:
        if not isinstance(value, str | Mapping) or not all(isinstance(name, str) for name in value):
            raise ValueError("write fields and their values, or a condition in CEL")
        return value

    @field_validator("when")
    @classmethod
    def _possible(cls, value: Mapping[str, Any] | str, info: ValidationInfo) -> Mapping[str, Any] | str:
        if isinstance(value, str):
            if "triggers" in info.data:
                of_trigger(value, info.data["triggers"])
            return value
        # The file is read with exact decimals, events hold floats.
        value = {name: float(v) if isinstance(v, Decimal) else v for name, v in value.items()}
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

    @field_validator("if_")
    @classmethod
    def _means_something(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "triggers" in info.data:
            compiled(value, _events(info.data["triggers"], info.data.get("restart", False)))
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        if self.restart and (self.for_each or self.variables):
            raise ValueError("restart cannot be combined with for_each or variables")
        if self.every and (self.for_each or self.restart or self.cancel_on or self.at_most_one_in):
            raise ValueError("every cannot be combined with for_each, restart, cancel_on or at_most_one_in")
        if self.task is None and self.channel in (TASK, *CHANNEL_OF.values()):
            raise ValueError(f"channel {self.channel} needs task: {{kind: call or letter}}")
        if self.task is not None and self.channel != self.task.channel:
            raise ValueError(f"task is for channel: {TASK}")
        both = set(self.triggers) & set(self.cancel_on)
        if both:
            raise ValueError(f"{min(both)} is in triggers and in cancel_on")
        for event in self.cancel_on:
            if self.for_each and self.for_each not in data_class(event).model_fields:
                raise ValueError(f"cancel_on: {event} has no field {self.for_each}")
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """The events whose fields conditions see as ``trigger``."""
        return _events(self.triggers, self.restart)

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """All that the rule asks about the customer."""
        return () if self.if_ is None else (compiled(self.if_, self.events),)

    def kept(self, data: Data) -> dict[str, Any]:
        """What of a trigger its conditions will ask, as JSON has it."""
        return kept(self.conditions, data)

    @property
    def optional(self) -> tuple[str, ...]:
        """The variables that a trigger may be without."""
        found = []
        for name in self.variables:
            kinds = [data_class(event).model_fields[name].annotation for event in self.triggers]
            if any(type(None) in get_args(kind) for kind in kinds):
                found.append(name)
        return tuple(found)

    def starts_at(self, at: Micros) -> bool:
        """Whether a trigger of this instant may start it."""
        return self.active is None or self.active.covers(at)

    def holds(self, data: Data) -> bool:
        """Whether a trigger is as ``when`` says."""
        if isinstance(self.when, str):
            return of_trigger(self.when, self.triggers).asked_of(data)
        return all(getattr(data, name) == wanted for name, wanted in self.when.items())

    def key(self, data: Data) -> str:
        """What this trigger or cancelling event is about: the rule, or the rule and a ``for_each`` value."""
        if self.for_each is None:
            return self.name
        return f"{self.name}:{getattr(data, self.for_each)}"


def _events(triggers: tuple[str, ...], restart: bool) -> tuple[str, ...]:
    """A rule that restarts is not about one of its triggers."""
    return () if restart else triggers
