"""What is kept of a customer where there is too much: the newest."""

from collections.abc import Iterable, Mapping

from services.metrics.domain.cells import LEVELS
from services.metrics.domain.parts import Message
from services.metrics.domain.state import Complaint, Order
from shared.schemas.times import DAY, day_of

KEEP_COMPLAINTS = 1_000
"""The most kept of one customer: a till's "guest" must not grow a document past all bounds."""
KEEP_MESSAGES = 300
KEEP_MESSAGES_FOR = 120 * DAY


def days_of(orders: Iterable[Order]) -> set[int]:
    """The days on which any of these counts."""
    return {day for order in orders if (day := order.day) is not None}


def newest_complaints(kept: dict[str, Complaint], oldest: int) -> dict[str, Complaint]:
    """Without those long over; of too many the newest. An open one stays as long as there is room."""
    wanted = {name: c for name, c in kept.items() if day_of(c.latest) >= oldest or c.life.is_open}
    ranked = sorted(wanted.items(), key=lambda item: (item[1].life.is_open, item[1].latest, item[0]))
    return dict(ranked[-KEEP_COMPLAINTS:])


def latest_messages(kept: dict[int, Message]) -> dict[int, Message]:
    """Those of which something may still be heard: followup tells it for 90 days."""
    newest = max(message.latest for message in kept.values())
    ranked = sorted(kept.items(), key=lambda one: (one[1].latest, one[0]))[-KEEP_MESSAGES:]
    return {name: message for name, message in ranked if message.latest > newest - KEEP_MESSAGES_FOR}


def since(counts: Mapping[int, dict[str, int]], oldest: int) -> dict[int, dict[str, int]]:
    """What is counted from a day on; of what was before it the levels, on that day: they stand for ever."""
    kept = {day: fields for day, fields in counts.items() if day >= oldest}
    for day, fields in counts.items():
        if day < oldest:
            for level in LEVELS:
                if n := fields.get(level, 0):
                    there = kept.setdefault(oldest, {})
                    there[level] = there.get(level, 0) + n
    return kept
