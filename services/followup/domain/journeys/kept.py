"""What a customer's state keeps for dates, segments and journeys. Times are in microseconds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.schemas.base import Open
from shared.schemas.times import Micros


class Spot(NamedTuple):
    """The occasion that started something: a trigger, what it is about, and the date it is reckoned from."""

    trigger: str
    """The trigger's ``words``."""
    thing: str
    base: Micros


class Occasion(Open):
    """A trigger that comes at a time which the customer's data say, about one thing."""

    rule: str
    trigger: str
    """Its ``words``."""
    thing: str = ""
    base: Micros | None = None
    """The date that is awaited: what the time of the trigger is reckoned from."""
    due_at: Micros | None = None
    """When its timer fires; None where none stands."""
    done: Micros | None = None
    """The date of the last that came."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.rule, self.trigger, self.thing

    @property
    def timer(self) -> str:
        return f"date:{self.rule}:{self.trigger}:{self.thing}"


class Word(NamedTuple):
    """What was said of the customer's segment."""

    at: Micros
    profile: bool
    """By a source; else by the metrics, which holds where the sources name none."""
    segment: str | None


class Signal(NamedTuple):
    """That something happened which a rule's goal is, or a step of it waits for."""

    rule: str
    what: str
    about: str
    """The ``for_each`` value of what it is about; nothing where the event does not say."""
    at: Micros
    by: Micros


class Hope(Open):
    """A message that went, whose goal may still be reached."""

    outreach_id: str
    rule: str
    key: str
    started: Micros
    """When its trigger happened: the version of the rule goes by that."""
    sent_at: Micros
    whose: str = ""
    """As ``Outreach.whose``."""
    trigger: Mapping[str, Any] = {}
    """As ``Outreach.trigger``."""


class Walked(NamedTuple):
    """A way through a rule's steps that is over: what it was about, and from when to when."""

    key: str
    start: Micros
    end: Micros
