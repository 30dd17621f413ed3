"""The metrics of interactions, each with its meaning. Counters are the worker's."""

from typing import Any

from prometheus_client import Counter

from services.interactions.domain.rows import TIMELINE
from services.interactions.domain.telling import HUSHED
from services.interactions.errors import BOT_SILENCED
from shared.journal.plan import Plan

SILENCED = Counter(
    "rapport_bot_silenced_total",
    "What bots said, or wanted to say, in conversations that people have. how: refused (a message over HTTP, "
    "which was not sent), heard (one that was sent elsewhere all the same: it is kept, and no answer).",
    ["how"],
)


def observe(plan: Plan[Any]) -> None:
    """Counts what a committed plan did."""
    for row in plan.appends.get(TIMELINE, ()):
        if row.get("note") == HUSHED.why:
            SILENCED.labels("heard").inc()
    for entry in plan.entries:
        if (entry.status or 0) >= 400 and (entry.body or {}).get("code") == BOT_SILENCED.code:
            SILENCED.labels("refused").inc()
