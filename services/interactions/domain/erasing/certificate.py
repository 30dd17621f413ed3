"""What an erasure's certificate is made of, in the order in which it was heard: one state and one row each,
of which none says whose it is. Pure."""

from datetime import datetime
from typing import Any

from services.interactions.domain.erasing.rows import erasure_row
from services.interactions.domain.erasing.state import MAX_ENTRIES, Erasure
from services.interactions.domain.rows import ERASURES
from services.interactions.domain.state import altered
from shared.domain import Context, Effects, Put
from shared.facts.certificate import chained, latest_round, timestamp
from shared.schemas.commands.erasures import ErasureNoteRequested
from shared.schemas.event import Event


def apply_erasure(erasure: Erasure, event: Event, context: Context) -> Effects[Erasure]:
    """One entry more. A service that is done twice is noted twice, as far as there is room."""
    data = event.data
    assert isinstance(data, ErasureNoteRequested)
    known = erasure.entries
    if len(known) >= MAX_ENTRIES and data.what == "completed" and latest_round(known).complete:
        return Effects(erasure)
    entry = _entry(data, data.at)
    new = altered(erasure, entries=(*known, chained(erasure.erasure, known, entry)))
    return Effects(new, rows=(Put(ERASURES, erasure_row(new).document()),))


def _entry(data: ErasureNoteRequested, at: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"what": data.what, "at": timestamp(at)}
    if data.what == "completed":
        told |= {"service": data.service, "removed": dict(data.removed or {})}
    return told
