"""The metrics of interactions, each with its meaning. Counters are the worker's."""

import json
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Histogram

from services.interactions.domain.rows import TIMELINE
from services.interactions.domain.telling import HUSHED
from services.interactions.errors import BOT_SILENCED
from shared.journal.plan import Plan
from shared.schemas.interactions import ConversationAssigned

SILENCED = Counter(
    "rapport_bot_silenced_total",
    "What bots said, or wanted to say, in conversations that people have. how: refused (a message over HTTP, "
    "which was not sent), heard (one that was sent elsewhere all the same: it is kept, and no answer).",
    ["how"],
)
ASSIGNED = Counter(
    "rapport_conversations_assigned_total",
    "Conversations that agents were given. how: automatic (by routing), manual (by a person), told (from "
    "outside, where it is not said by whom).",
    ["how"],
)
WAITED_SECONDS = Histogram(
    "rapport_conversation_waited_seconds",
    "Seconds in a team's queue, from when a person was asked for until routing gave it to an agent, by the "
    "events' own times.",
    buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400),
)


def observe(plan: Plan[Any]) -> None:
    """Counts what a committed plan did."""
    for row in plan.appends.get(TIMELINE, ()):
        if row.get("note") == HUSHED.why:
            SILENCED.labels("heard").inc()
        elif row["type"] == ConversationAssigned.event_type:
            _count_assigned(json.loads(row["data"]))
    for entry in plan.entries:
        if (entry.status or 0) >= 400 and (entry.body or {}).get("code") == BOT_SILENCED.code:
            SILENCED.labels("refused").inc()


def _count_assigned(told: Mapping[str, Any]) -> None:
    waited = (told.get("why") or {}).get("waited_s")
    if told.get("manual"):
        ASSIGNED.labels("manual").inc()
    elif isinstance(waited, int | float):
        ASSIGNED.labels("automatic").inc()
        WAITED_SECONDS.observe(waited)
    else:
        ASSIGNED.labels("told").inc()
