"""What Metrics is told by its environment, beyond what every service is."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.runtime.settings import Settings


class MetricsSettings(Settings):
    """How often the worker writes and the API reads, and what the numbers mean."""

    metrics_policy: Path | None = None
    """What a company decides of its numbers (YAML); without it the retail policy that ships."""

    metrics_flush_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Seconds between two writes of what was counted."""
    metrics_gauge_seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    """Seconds between two refreshes of the KPIs' gauges."""
    metrics_recent_ids: Annotated[int, Field(ge=1)] = 1_000_000
    """The newest ids of events that a worker keeps in memory, nine bytes each; the rest is in the store."""
    metrics_id_page_bytes: Annotated[int, Field(ge=1)] = 32 * 1024 * 1024
    """Bytes of older ids, as read last, that a worker keeps in memory."""
