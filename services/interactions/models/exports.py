"""An export that is under way, as the API answers it."""

from datetime import datetime
from typing import Literal

from services.interactions.export.exports import KEPT, Export
from shared.schemas.base import Frozen


class ExportView(Frozen):
    """``rows``: how many have been gathered so far."""

    export_id: str
    customer_id: str
    status: Literal["making"]
    rows: int
    asked_at: datetime
    kept_until: datetime


def export_view(export: Export) -> ExportView:
    """Of one that is being made."""
    return ExportView(
        export_id=export.id,
        customer_id=export.customer_id,
        status="making",
        rows=export.rows,
        asked_at=export.asked_at,
        kept_until=export.asked_at + KEPT,
    )
