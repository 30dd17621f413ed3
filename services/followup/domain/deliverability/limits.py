"""How many messages may come back, how much of a rule's marketing, and how many may go while a domain is new:
as the rules file says it, checked when it is read."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from services.followup.domain.rules.times import Duration
from shared.schemas.base import Strict


class SoftBounces(Strict):
    """An address is not used while ``max`` messages to it came back for now within ``per``."""

    max: Annotated[int, Field(ge=1, le=10)] = 3
    per: Duration = timedelta(days=14)


class GuardPolicy(Strict):
    """When a rule's marketing to a mail domain pauses."""

    bounces: Annotated[float, Field(gt=0, le=1)] = 0.05
    """More than this share came back."""
    complaints: Annotated[float, Field(gt=0, le=1)] = 0.003
    """More than this share was called unwanted."""
    at_least: Annotated[int, Field(ge=1)] = 100
    """Of so many messages."""
    days: Annotated[int, Field(ge=1, le=30)] = 3
    """That were sent on the last days (UTC), today among them."""
    pause: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=1)
    """So long; then what is sent from then on is looked at anew."""


class WarmUp(Strict):
    """How many marketing mails may go a day (UTC) from a sender's domain that mail servers do not know."""

    start: date
    """The first day."""
    first: Annotated[int, Field(ge=1)] = 50
    """The ceiling of that day."""
    factor: Annotated[float, Field(ge=1, le=10)] = 1.5
    """Of each day to the day before."""
    days: Annotated[int, Field(ge=1, le=365)] = 30
    """After so many there is no ceiling."""

    def ceiling(self, today: date) -> int | None:
        """Of that day; None where there is none. Before the first day it is the first's."""
        day = max((today - self.start).days, 0)
        return None if day >= self.days else int(min(self.first * self.factor**day, 2**53))
