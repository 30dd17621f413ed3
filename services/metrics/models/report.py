"""What the report says, as data: the words and numbers of its page."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from services.metrics.pages.contents import Asked
from services.metrics.pages.figures import Figure
from shared.schemas.base import Frozen
from shared.schemas.times import date_of


class ReportChange(Frozen):
    """Against the period before."""

    by: str
    before: str
    clear: bool | None
    """Whether it is more than chance would do; null where nobody can say."""


class ReportPart(Frozen):
    """A number, as people read it."""

    label: str
    """Which of several; empty for the only one."""
    value: str
    between: str
    """Its 95 % interval; empty where it has none."""
    change: ReportChange | None


class ReportCount(Frozen):
    """Of counts by name."""

    name: str
    now: str
    before: str


class ReportFigure(Frozen):
    """A KPI of the period."""

    name: str
    title: str
    about: str
    n: int
    parts: list[ReportPart]
    counts: list[ReportCount]
    ripe_on: date | None
    """The day until which what belongs to it comes in, and no change is judged; null where all is in."""


class ReportSection(Frozen):
    """KPIs that belong together."""

    name: str
    figures: list[ReportFigure]


class Report(Frozen):
    """A week or a month that is over."""

    period: str
    days: str
    """In words."""
    before: str
    from_: Annotated[date, Field(serialization_alias="from")]
    to: date
    """The day after the last."""
    made_at: datetime
    segment: str | None
    channel: str | None
    tier: str | None
    store: str | None
    rule: str | None
    team: str | None
    moved: list[str]
    """Clear changes, in sentences."""
    sections: list[ReportSection]
    nothing: list[str]
    """Titles of KPIs of which there is nothing to tell."""


def report(asked: Asked, told: dict[str, Any]) -> Report:
    """Of what the page shows (``pages.contents``)."""
    return Report(
        period=asked.period.name,
        days=told["days"],
        before=told["before"],
        from_=date_of(asked.period.current.first),
        to=date_of(asked.period.current.last + 1),
        made_at=asked.now,
        **asdict(asked.selected),
        moved=[one.sentence for one in told["moved"]],
        sections=[
            ReportSection(name=one["name"], figures=_figures(one["figures"])) for one in told["sections"]
        ],
        nothing=told["nothing"],
    )


def _figures(figures: Sequence[Figure]) -> list[ReportFigure]:
    return [
        ReportFigure(
            name=one.name,
            title=one.title,
            about=one.about,
            n=one.n,
            parts=[
                ReportPart(
                    label=part.label,
                    value=part.text,
                    between=part.between,
                    change=part.change
                    and ReportChange(by=part.change.by, before=part.change.before, clear=part.change.sure),
                )
                for part in one.parts
            ],
            counts=[
                ReportCount(name=pair.label, now=pair.second.text, before=pair.first.text)
                for pair in one.bars
            ],
            ripe_on=None if one.ripe_on is None else date_of(one.ripe_on),
        )
        for one in figures
    ]
