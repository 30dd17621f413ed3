"""What starts a rule beside an event: a date, silence, a segment. As the YAML file may say it, checked when
it is read."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from services.followup.domain.history.learning import Subject
from services.followup.domain.rules.events import EventName, data_class
from services.followup.domain.rules.times import Duration, Offset, TimeOfDay, write_duration, write_offset
from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label

YEARLY = ("date", "years")
DATES: Mapping[str, tuple[str, ...]] = {
    "profile.birthday": YEARLY,
    "member.since": YEARLY,
    "subscription.expires_at": ("subscription_id", "plan", "expires_at"),
    "product.maintenance_at": ("product_id", "sku", "maintenance_at"),
}
"""The dates that rules may name, each with what templates can be told of it; ``preferences.NAME`` is one
too."""
THINGS = {"subscription.expires_at": "subscription_id", "product.maintenance_at": "product_id"}
"""What the dates of which there may be several are about."""
PREFERENCES = "preferences."
MOST_OFFSET = timedelta(days=360)


class DateTrigger(Strict):
    """``offset`` from a date, at the local time ``at``: the start of the day, or the date's own time."""

    date: str
    offset: Offset = timedelta(0)
    at: TimeOfDay | None = None

    @field_validator("date")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in DATES and not re.fullmatch(r"preferences\.[^\x00-\x1f]{1,64}", value):
            there = ", ".join(DATES)
            raise ValueError(f"there is no date {value}; there are {there}, and preferences.NAME")
        return value

    @model_validator(mode="after")
    def _possible(self) -> "DateTrigger":
        if abs(self.offset) > MOST_OFFSET:
            raise fault("offset", "must be within 360 days of the date")
        if self.at is not None and self.offset % timedelta(days=1):
            raise fault("offset", "must be whole days where at says the time of day")
        return self

    @property
    def words(self) -> str:
        """What names it among the triggers of its rule."""
        at = "" if self.at is None else f"@{self.at:%H:%M}"
        return f"{self.date}{write_offset(self.offset)}{at}"

    @property
    def thing(self) -> str | None:
        """The field that names what it is about, where there may be several."""
        return THINGS.get(self.date)

    @property
    def variables(self) -> tuple[str, ...]:
        """What templates can be told."""
        return DATES.get(self.date, YEARLY)


class SegmentTrigger(Strict):
    """The customer is counted to a segment from now on, or no longer."""

    segment: Label
    change: Literal["entered", "left"] = "entered"

    @property
    def words(self) -> str:
        return f"{self.change} {self.segment}"

    thing: Annotated[None, Field(exclude=True)] = None

    @property
    def variables(self) -> tuple[str, ...]:
        return ("segment",)


class SilenceTrigger(Strict):
    """None of an event ``for`` so long, or ``usual`` times as long as is usual of the customer."""

    silence: EventName
    for_: Annotated[Duration | None, Field(alias="for")] = None
    """With ``usual``: what holds while nothing is known to be usual."""
    usual: Annotated[Decimal, Field(ge=1, le=100)] | None = None
    """Times the customer's own usual gap."""
    at_least: Duration | None = None
    """However short that is."""

    @property
    def words(self) -> str:
        """As an outline of the rules says it."""
        usual = "" if self.usual is None else f" for {self.usual} times the usual"
        fixed = "" if self.for_ is None else f" for {write_duration(self.for_)}"
        return f"no {self.silence}{usual or fixed}"

    @field_validator("silence")
    @classmethod
    def _known(cls, value: str) -> str:
        data_class(value)
        return value

    @model_validator(mode="after")
    def _said(self) -> "SilenceTrigger":
        if self.for_ is None and self.usual is None:
            raise fault("for", "is missing: for how long it must be silent; or say usual")
        if self.at_least is not None and self.usual is None:
            raise fault("at_least", "goes with usual alone")
        if self.usual is not None and self.silence.startswith("complaint."):
            raise fault("usual", "nothing is usual of complaints")
        return self


def _tag(value: Any) -> str | None:
    if isinstance(value, str | int | float | bool | None | list):
        return "[event]"
    for kind, tag in ((DateTrigger, "date"), (SilenceTrigger, "silence"), (SegmentTrigger, "segment")):
        if isinstance(value, kind) or (isinstance(value, Mapping) and tag in value):
            return f"[{tag}]"
    return None


Start: TypeAlias = Annotated[
    Annotated[EventName, Tag("[event]")]
    | Annotated[DateTrigger, Tag("[date]")]
    | Annotated[SilenceTrigger, Tag("[silence]")]
    | Annotated[SegmentTrigger, Tag("[segment]")],
    Discriminator(
        _tag,
        custom_error_type="trigger",
        custom_error_message="write an event's name, or a mapping with date, silence or segment",
    ),
]
"""One of a rule's triggers."""
Dated: TypeAlias = DateTrigger | SegmentTrigger
"""What comes at a time that the customer's data say."""

_SUBJECTS: Mapping[str, tuple[Subject, ...]] = {
    "member": ("loyalty",),
    "subscription": ("subscriptions",),
    "product": ("products", "interactions"),
}


def subjects_of(start: Dated) -> tuple[Subject, ...]:
    """What of the customer's past, beside the profile, says when it comes."""
    if isinstance(start, SegmentTrigger):
        return ("segment",)
    return _SUBJECTS.get(start.date.partition(".")[0], ())


def profile_of(start: Dated) -> tuple[str, ...]:
    """What of the profile says when it comes."""
    if isinstance(start, SegmentTrigger):
        return ("segment",)
    where, _, field = start.date.partition(".")
    return {"profile": (field,), "preferences": ("preferences",)}.get(where, ())


def said_by_triggers(rule: Any) -> Any:
    """A rule as the file has it, with what its triggers say themselves: silence is a quiet time; what a date
    is about is what there is one outreach for."""
    starts = rule.get("triggers") if isinstance(rule, Mapping) else None
    if not isinstance(starts, list | tuple):
        return rule
    forms = [start for start in starts if isinstance(start, Mapping)]
    silence = next((form for form in forms if "silence" in form), None)
    if silence is not None:
        if len(starts) > 1:
            raise fault("triggers", "silence stands alone")
        delay = silence.get("at_least") or silence.get("for") or "0s"
        if rule.get("delay", delay) != delay:
            raise fault("delay", "is what silence says itself")
        return {**rule, "restart": True, "delay": delay}
    things = {THINGS.get(str(form.get("date"))) for form in forms}
    if len(things) == 1 and None not in things and rule.get("for_each") is None:
        return {**rule, "for_each": things.pop()}
    return rule


@lru_cache(maxsize=4096)
def dated_of(triggers: tuple[Start, ...]) -> tuple[Dated, ...]:
    """Those that come at a time which the customer's data say."""
    return tuple(start for start in triggers if isinstance(start, Dated))


@lru_cache(maxsize=4096)  # asked of each rule by each fact
def events_of(triggers: tuple[Start, ...]) -> tuple[str, ...]:
    """The events that start a rule, or break its silence."""
    return tuple(
        start.silence if isinstance(start, SilenceTrigger) else start
        for start in triggers
        if isinstance(start, str | SilenceTrigger)
    )
