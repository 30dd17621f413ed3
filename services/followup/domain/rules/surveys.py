"""What the rules file may say of surveys: for how long an answer counts."""

from datetime import timedelta
from typing import Literal

from services.followup.domain.rules.times import Duration, cut, span
from shared.schemas.base import Strict, Time
from shared.schemas.times import Micros, micros


class Terms(Strict):
    """Of one survey."""

    open_for: Duration = timedelta(days=30)
    """How long a link takes answers, from when its message was due."""
    closes_at: Time | None = None
    """From then on no link does, as when a campaign ends."""


class Surveys(Strict):
    """Of each survey."""

    nps: Terms = Terms()
    csat: Terms = Terms()
    ces: Terms = Terms()

    def closes_at(self, survey: Literal["nps", "csat", "ces"], asked_at: Micros) -> Micros:
        """When a link of a message that was due then takes answers no more."""
        terms: Terms = getattr(self, survey)
        ends = asked_at + span(terms.open_for)
        return cut(ends if terms.closes_at is None else min(ends, micros(terms.closes_at)))

    def closed(self, survey: Literal["nps", "csat", "ces"], at: Micros) -> bool:
        """Whether the survey takes no answers at all any more."""
        terms: Terms = getattr(self, survey)
        return terms.closes_at is not None and at >= micros(terms.closes_at)
