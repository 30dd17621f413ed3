"""Places: where a cell counts, as it is stored.

What happened to a customer counts under the customer's segment and the channel where it happened, together:
``<segment>|<channel>``. It counts once more under each other dimension that it has, alone: ``tier:<tier>``,
``store:<store>``, ``rule:<rule>``, ``team:<team>``. So the sum over all segments and channels is all that
there is, and the other dimensions are not crossed with them or with each other.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote


class Where(NamedTuple):
    """Where something happened; ``""`` for a dimension that it does not have."""

    channel: str = ""
    store: str = ""
    """The store of a purchase."""
    rule: str = ""
    """The rule of an outreach."""
    team: str = ""
    """The team that answers for it."""

    @property
    def name(self) -> str:
        """A key of it for the record."""
        return "|".join(map(escape, self)).rstrip("|")


ANYWHERE = Where()


@lru_cache(maxsize=16_384)
def shop(channel: str, store: str) -> Where:
    """Where a purchase is made: one object for each, as there are many purchases."""
    return Where(channel, store)


def where_of(name: str) -> Where:
    """What ``Where.name`` made a name of."""
    return Where(*map(unescape, name.split("|")))


WHOLE = "*"
"""The name of the chain of all purchases (a chain is counted in one order of days: ``gaps``), and what the
name of a store's begins with. A channel's is the channel; an asterisk is not allowed in one."""


def chains(where: Where) -> tuple[str, ...]:
    """The chains of an order made there."""
    return (WHOLE, where.channel, WHOLE + where.store) if where.store else (WHOLE, where.channel)


@lru_cache(maxsize=16_384)
def places(segment: str, tier: str, where: Where) -> tuple[str, ...]:
    """The places in which something counts of a customer of this segment and tier."""
    alone = (("tier", tier), ("store", where.store), ("rule", where.rule), ("team", where.team))
    return (crossed(segment, where.channel), *(place_of(name, value) for name, value in alone if value))


@lru_cache(maxsize=16_384)
def crossed(segment: str, channel: str) -> str:
    """The place of a segment and a channel."""
    return f"{escape(segment)}|{escape(channel)}"


@lru_cache(maxsize=16_384)
def place_of(dimension: str, value: str) -> str:
    """The place of another dimension, alone."""
    return f"{dimension}:{escape(value)}"


def segment_and_channel(place: str) -> tuple[str, str] | None:
    """What ``crossed`` made a place of; None for a place of another dimension."""
    segment, bar, channel = place.partition("|")
    return (unescape(segment), unescape(channel)) if bar else None


LIMITS: Mapping[str, int] = {
    "segment": 50,
    "channel": 20,
    "tier": 20,
    "store": 500,
    "rule": 200,
    "team": 100,
}
"""So many values of each dimension are told apart (``journal/dimensions.py``)."""
OTHER = "other"
"""All the others together."""


def values_of(place: str) -> tuple[tuple[str, str], ...]:
    """Dimension and value of each that a place names."""
    both = segment_and_channel(place)
    if both is not None:
        named = zip(("segment", "channel"), both, strict=True)
        return tuple((dimension, value) for dimension, value in named if value)
    dimension, _, value = place.partition(":")
    return ((dimension, unescape(value)),)


@lru_cache(maxsize=16_384)
def value_of(place: str, dimension: str) -> str | None:
    """Which value of a dimension a place names."""
    return dict(values_of(place)).get(dimension)


def renamed(place: str, known: Mapping[str, Set[str]]) -> str:
    """The place in which it counts when of each dimension only the known values are told apart."""

    def told(dimension: str, value: str) -> str:
        return value if not value or value in known[dimension] else OTHER

    both = segment_and_channel(place)
    if both is not None:
        return crossed(told("segment", both[0]), told("channel", both[1]))
    ((dimension, value),) = values_of(place)
    return place_of(dimension, told(dimension, value))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which customers, and of what happened to them which part. All of a segment and a channel, or else one
    of the other dimensions alone."""

    segment: str | None = None
    channel: str | None = None
    tier: str | None = None
    store: str | None = None
    rule: str | None = None
    team: str | None = None

    @property
    def alone(self) -> str | None:
        """The one place that is selected, if that is of another dimension than segment and channel."""
        for dimension in ("tier", "store", "rule", "team"):
            value: str | None = getattr(self, dimension)
            if value is not None:
                return place_of(dimension, value)
        return None

    @property
    def place(self) -> str | None:
        """The one place that is selected, if there is but one."""
        if self.alone is None and self.segment is not None and self.channel is not None:
            return crossed(self.segment, self.channel)
        return self.alone

    def chooses(self) -> Callable[[str], bool]:
        """Whether a place is selected."""
        alone = self.alone
        if alone is not None:
            return alone.__eq__
        segment = None if self.segment is None else f"{escape(self.segment)}|"
        channel = None if self.channel is None else f"|{escape(self.channel)}"

        def chosen(place: str) -> bool:
            return (
                "|" in place
                and (segment is None or place.startswith(segment))
                and (channel is None or place.endswith(channel))
            )

        return chosen


ALL = Selection()


def escape(text: str) -> str:
    """Text as a part of a field's name of MongoDB: without dot, dollar, bar and colon, whatever it is."""
    return quote(text, safe=" ", errors="replace").replace(".", "%2E")


def unescape(name: str) -> str:
    """What ``escape`` was given."""
    return unquote(name)
