"""What came to each team by day and hour: counted where a conversation begins to want one of its agents."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.interactions.domain.growth.staffing import HOUR, Arrivals
from services.interactions.domain.rows import ARRIVALS
from services.interactions.domain.state import Customer
from shared.domain import Increment
from shared.schemas.times import DAY, Micros, day_of

OTHER = "other"
"""The channel of what the customer said nothing in as yet."""
_DAY_HOURS = DAY // HOUR


def arrivals(before: Customer, after: Customer) -> tuple[Increment, ...]:
    """What a customer's event has brought to teams. What overflows comes to the other team too; what was
    given back comes again, as it is work again."""
    if after.routing is before.routing:
        return ()
    asked = {one.conversation_id: one.wanted.team for one in before.routing.routed if one.wanted}
    came: dict[str, Counter[str]] = {}
    for one in after.routing.routed:
        wants = one.wanted
        if wants is not None and asked.get(one.conversation_id) != wants.team:
            hour = wants.since // HOUR % _DAY_HOURS
            came.setdefault(arrivals_key(wants.team, wants.since), Counter())[
                f"{hour:02d} {wants.channel or OTHER}"
            ] += 1
    return tuple(Increment(ARRIVALS, key, counts) for key, counts in came.items())


def arrivals_key(team: str, at: Micros) -> str:
    """One document a team, UTC day and partition."""
    return f"{team} {max(day_of(at), 0):06d}"


def read_arrivals(documents: Iterable[Mapping[str, Any]]) -> Iterator[Arrivals]:
    """Stored documents by hour."""
    for document in documents:
        day = int(document["key"].rpartition(" ")[2])
        hours: dict[int, dict[str, int]] = {}
        for name, count in document.items():
            hour, _, channel = name.partition(" ")
            if channel:
                hours.setdefault(int(hour), {})[channel] = count
        yield from (Arrivals(day * _DAY_HOURS + hour, counts) for hour, counts in sorted(hours.items()))
