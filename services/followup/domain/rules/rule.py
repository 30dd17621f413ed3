"""One outreach rule as the YAML file may say it, checked when it is read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator

from services.followup.domain.conditions.expression import Expression, compiled, kept, of_goal, of_trigger
from services.followup.domain.rules.course import (
    Course,
    conditions_of,
    said_at,
    with_first_template,
)
from services.followup.domain.rules.course import Name as Name
from services.followup.domain.rules.events import as_held, data_class
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.starts import (
    Dated,
    SilenceTrigger,
    Start,
    dated_of,
    events_of,
    said_by_triggers,
)
from services.followup.domain.rules.task_plan import CHANNEL_OF as CHANNEL_OF
from services.followup.domain.rules.task_plan import TASK as TASK
from services.followup.domain.rules.task_plan import TaskPlan
from services.followup.domain.rules.times import Duration
from shared.schemas.base import Data, Id
from shared.schemas.faults import fault
from shared.schemas.fields import Label
from shared.schemas.times import Micros

MANUAL = "manual"
"""The rule name of what an agent sends by ``POST /outreach``."""
REPLY = "reply"
"""The rule name of what an agent writes in a conversation; its template's too, and its purpose's, which no
consent, cap or hold names."""
RESERVED = {MANUAL: "what POST /outreach sends", REPLY: "what agents answer"}
DEFAULT_CHANNEL = "email"
"""By what a message goes where nothing else is said."""

Purpose: TypeAlias = Literal["marketing", "service", "survey"]


class Rule(Course):
    """After one of ``triggers``, wait ``delay``, then send ``template`` if all still allows it."""

    name: Name
    description: str = ""
    triggers: Annotated[tuple[Start, ...], Field(min_length=1)]
    when: Mapping[str, Any] | str = {}
    """What the trigger must be, else it starts nothing: fields and their values, or a condition in CEL on the
    trigger alone."""
    for_each: str | None = None
    """A field of the trigger: one outreach per value of it (say ``complaint_id``), not one at a time."""
    every: bool = False
    """Each trigger has its own outreach, and none stands behind another: each says something new."""
    delay: Duration = timedelta(0)
    """It must be said where an event starts the rule."""
    restart: bool = False
    """Count ``delay`` from the latest trigger: each new one starts it again (a quiet time)."""
    at_most_one_in: Duration | None = None
    """Never two of this rule to one customer within this time."""
    template: Name
    channel: Name = DEFAULT_CHANNEL
    """The one that it may go by (``ways``)."""
    channels: tuple[Id, ...] = ()
    """Instead: those that it may go by, the first choice first; a customer's own choice comes before it."""
    topic: Label | None = None
    """What consent calls it: a word about it beats one about the channel."""
    class_: Annotated[Literal["service", "marketing"] | None, Field(alias="class")] = None
    """Service is exempt from caps; left out, what the template's purpose is."""
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """A message yields to one of higher priority that is due soon under the same cap."""
    group: Name | None = None
    """Caps of this group count it."""
    urgent: bool = False
    """Quiet hours do not hold it; of service alone."""
    bundle: bool = False
    """It goes in one e-mail with others that say so and fall due within ``bundle_within``."""
    window: Window | None = None
    """When it may go, instead of the file's ``send_windows``."""
    task: TaskPlan | None = None
    """With ``channel: task``, which is read as what the task reaches the customer by: ``phone``, ``mail``."""
    variables: tuple[str, ...] = ()
    """Fields of the trigger that the template is given."""
    if_: Annotated[str | None, Field(alias="if")] = None
    """A condition on the customer in CEL, asked when the message is about to go."""
    stale_after: Duration | None = None
    """Instead of the file's."""

    @model_validator(mode="before")
    @classmethod
    def _by_task(cls, value: Any) -> Any:
        task = value.get("task") if isinstance(value, Mapping) else None
        by = CHANNEL_OF.get(str(task.get("kind"))) if isinstance(task, Mapping) else None
        if by is None:
            return value
        named: dict[str, Any] = {"channel": by} if value.get("channel") == TASK else {}
        if isinstance(ways := value.get("channels"), list | tuple):
            named["channels"] = [by if way == TASK else way for way in ways]
        return {**value, **named}

    @field_validator("channels")
    @classmethod
    def _differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("it names a channel twice")
        return value

    @model_validator(mode="before")
    @classmethod
    def _said_by_triggers(cls, value: Any) -> Any:
        """Silence is a quiet time; what a date is about is what there is one outreach for."""
        return with_first_template(said_by_triggers(value))

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"{value!r} is the name of {RESERVED[value]}")
        return value

    @field_validator("triggers", "cancel_on")
    @classmethod
    def _known_events(cls, value: tuple[Start, ...]) -> tuple[Start, ...]:
        for name in events_of(value):
            data_class(name)
        return value

    @field_validator("for_each", "variables")
    @classmethod
    def _known_fields(cls, value: Any, info: ValidationInfo) -> Any:
        fields = (value,) if isinstance(value, str) else value or ()
        for start in info.data.get("triggers", ()):
            if isinstance(start, str):
                told, known = start, tuple(data_class(start).model_fields)
            elif isinstance(start, Dated):
                told, known = start.words, (start.thing or "", *start.variables)
            else:
                continue
            missing = [name for name in fields if name not in known]
            if missing:
                raise ValueError(f"{told} has no field {missing[0]}")
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
        events = events_of(info.data.get("triggers", ()))
        if not isinstance(value, str):
            return as_held(events, value)
        if events:
            of_trigger(value, events)
        return value

    @field_validator("if_")
    @classmethod
    def _means_something(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "triggers" in info.data:
            compiled(value, _asked(info.data["triggers"], info.data.get("restart", False)))
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        if self.restart and (self.for_each or self.variables):
            raise ValueError("restart cannot be combined with for_each or variables")
        for at, text in (*conditions_of(self.steps), ("goal.if", None)):
            try:
                _ = self.aim if text is None else compiled(text, self.asked_events)
            except ValueError as error:
                raise fault(at, str(error)) from None
        if self.steps and (self.every or any(variant.template for variant in self.variants)):
            raise ValueError("steps cannot be combined with every, or with templates of variants")
        if self.every and (self.for_each or self.restart or self.cancel_on or self.at_most_one_in):
            raise ValueError("every cannot be combined with for_each, restart, cancel_on or at_most_one_in")
        if "delay" not in self.model_fields_set and any(isinstance(start, str) for start in self.triggers):
            raise fault("delay", "is missing")
        if self.dated and (self.every or self.restart or self.when):
            raise ValueError("a date or a segment cannot be combined with every, restart or when")
        if any(start.thing != self.for_each for start in self.dated):
            raise fault("for_each", "must be what its dates are about")
        if self.channels and "channel" in self.model_fields_set:
            raise ValueError("write channel or channels, not both")
        by_hand = [way for way in self.ways if way in (TASK, *CHANNEL_OF.values())]
        if self.task is None and by_hand:
            raise ValueError(f"channel {by_hand[0]} needs task: {{kind: call or letter}}")
        if self.task is not None and by_hand != [self.task.channel]:
            raise ValueError(f"task is for channel: {TASK}")
        both = set(self.events) & set(self.cancel_on)
        if both:
            raise ValueError(f"{min(both)} is in triggers and in cancel_on")
        for event in self.cancel_on:
            if self.for_each and self.for_each not in data_class(event).model_fields:
                raise ValueError(f"cancel_on: {event} has no field {self.for_each}")
        return self

    @property
    def ways(self) -> tuple[str, ...]:
        """The channels that it may go by."""
        return self.channels or (self.channel,)

    def counts_as(self, purpose: str) -> str:
        """The purpose by which caps count a message of that one."""
        kind = self.class_ or ("service" if purpose == "service" else "marketing")
        return kind if "service" in (kind, purpose) else purpose

    @property
    def events(self) -> tuple[str, ...]:
        """The events that start it, or break its silence."""
        return events_of(self.triggers)

    @property
    def start_words(self) -> tuple[str, ...]:
        """Its triggers, in words."""
        return tuple(start if isinstance(start, str) else start.words for start in self.triggers)

    @property
    def dated(self) -> tuple[Dated, ...]:
        """Its triggers that come at a time which the customer's data say."""
        return dated_of(self.triggers)

    @property
    def silence(self) -> SilenceTrigger | None:
        """Its only trigger, where that is a silence."""
        return next((start for start in self.triggers if isinstance(start, SilenceTrigger)), None)

    @property
    def asked_events(self) -> tuple[str, ...]:
        """The events whose fields conditions see as ``trigger``."""
        return _asked(self.triggers, self.restart)

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """All that the rule asks about the customer."""
        asked = [] if self.if_ is None else [self.if_]
        if self.steps:
            asked += [text for _, text in conditions_of(self.steps)]
        return tuple(compiled(text, self.asked_events) for text in asked)

    @property
    def aim(self) -> Expression | None:
        """What its goal's event must be, beside its fields' values."""
        goal = self.goal
        return None if goal is None or not goal.if_ else of_goal(goal.if_, self.asked_events, goal.event)

    def kept(self, data: Data) -> dict[str, Any]:
        """What of a trigger its conditions will ask, as JSON has it."""
        return kept((*self.conditions, *filter(None, [self.aim])), data)

    @property
    def templates(self) -> tuple[str, ...]:
        """All that it may say, the first thing first."""
        return tuple(dict.fromkeys(template for _, template in said_at(self.template, self)))

    @property
    def optional(self) -> tuple[str, ...]:
        """The variables that a trigger may be without."""
        found = []
        for name in self.variables:
            kinds = [data_class(event).model_fields[name].annotation for event in self.events]
            if name == "years" or any(type(None) in get_args(kind) for kind in kinds):
                found.append(name)
        return tuple(found)

    def starts_at(self, at: Micros) -> bool:
        """Whether a trigger of this instant may start it."""
        return self.active is None or self.active.covers(at)

    def holds(self, data: Data) -> bool:
        """Whether a trigger is as ``when`` says."""
        if isinstance(self.when, str):
            return of_trigger(self.when, self.events).asked_of(data)
        return all(getattr(data, name) == wanted for name, wanted in self.when.items())

    def key(self, data: Data) -> str:
        """What this trigger or cancelling event is about: the rule, or the rule and a ``for_each`` value."""
        if self.for_each is None:
            return self.name
        return f"{self.name}:{getattr(data, self.for_each)}"


def _asked(triggers: tuple[Start, ...], restart: bool) -> tuple[str, ...]:
    """A rule that restarts is not about one of its triggers."""
    return () if restart else events_of(triggers)
