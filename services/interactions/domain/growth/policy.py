"""What the desk's file says of learning, and of how many people an hour calls for."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from services.interactions.domain.desk.fields import Span, Wait
from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label, Timezone
from shared.schemas.interactions import Channel
from shared.schemas.teams import SkillName, TrainingKind
from shared.schemas.times import DAY, SECOND, Micros


class Training(Strict):
    """One that agents may take."""

    kind: TrainingKind = "course"
    skill: SkillName | None = None
    """The skill that it keeps fresh; one that is called as the training is, without saying so."""
    refresh_after: Wait | None = None
    """How long it holds where the fact does not say; left out: for ever."""
    badge: Label | None = None
    """What its badge says; left out, the training's name."""


class Learning(Strict):
    """Trainings by name. One that is not listed is a course that holds for ever unless its fact says more."""

    remind_before: Span = 14 * DAY
    """How long before it must be refreshed a task is opened."""
    trainings: Mapping[Label, Training] = {}

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        for name, training in self.trainings.items():
            if training.refresh_after is not None and training.refresh_after <= self.remind_before:
                at = f"trainings.{name}.refresh_after"
                raise fault(at, "must be more than remind_before: else a task is open all the time")
        return self

    def of(self, name: str) -> Training:
        return self.trainings.get(name, _UNLISTED)


_UNLISTED = Training()

MINUTE: Micros = 60 * SECOND

Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def _some(times: Mapping[Channel, Micros]) -> Mapping[Channel, Micros]:
    if not times:
        raise fault("", "must name a channel")
    for name, time in times.items():
        if time > DAY:
            raise fault(name, "must be 1d at most: it is one's own work on one conversation")
    return times


class Staffing(Strict):
    """What an hour's people are worked out from."""

    weeks: Annotated[int, Field(ge=1, le=26)] = 4
    """How many weeks back arrivals count."""
    service_level: Share = 0.8
    """So much of what comes in an hour is to be taken up"""
    within: Span = 5 * MINUTE
    """within this."""
    max_occupancy: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.85
    """Nobody is to be busy for more of an hour."""
    shrinkage: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.3
    """Of paid time, what goes to breaks, training and absence."""
    handle_time: Annotated[Mapping[Channel, Wait], AfterValidator(_some)] = {
        "email": 8 * MINUTE,
        "chat": 10 * MINUTE,
        "phone": 6 * MINUTE,
        "social": 5 * MINUTE,
        "sms": 4 * MINUTE,
    }
    """An agent's own work on one conversation, by channel; of a channel not named, the mean of these."""
    timezone: Timezone = "UTC"
    """Whose hours these are, and the days of agents' figures."""

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def work_of(self, channel: str) -> Micros:
        """An agent's work on a conversation of the channel."""
        times = [time for name, time in self.handle_time.items() if name == channel]
        times = times or [*self.handle_time.values()]
        return sum(times) // len(times)
