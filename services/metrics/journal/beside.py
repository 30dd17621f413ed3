"""Events that are kept as rows of their own, beside customers' records: what models tell, what is asked."""

from typing import Any

from services.metrics.domain.acts import ACTS, ANSWERS, Act, answer_row
from services.metrics.domain.fits import Fit
from services.metrics.domain.rows import fit_row
from shared.runtime.digest import digest
from shared.schemas.base import Data
from shared.schemas.commands.themes import ThemeActRequested
from shared.schemas.event import Event
from shared.schemas.insights import ModelFitted
from shared.schemas.times import micros

BESIDE: frozenset[type[Data]] = frozenset((ModelFitted, ThemeActRequested))


def rows_beside(event: Event) -> dict[str, dict[str, Any]]:
    """By collection; none of what changes a record."""
    match event.data:
        case ModelFitted(model=model, parameters=parameters):
            return {"models": fit_row(Fit(model, micros(event.time), parameters))}
        case ThemeActRequested(text=text):
            act = Act.of(event, text)
            return {ACTS: act.row, ANSWERS: answer_row(event, act, digest(event.subject, event.data))}
    return {}
