"""A member's active lots while one event is applied: always by earliest expiry, none of them empty."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from msgspec.structs import replace

from services.loyalty.domain.state import Lot
from shared.schemas.times import Micros


class Lots:
    """A working copy. ``moved`` says by how much the points of each expiry changed."""

    __slots__ = ("active", "moved", "total")

    def __init__(self, lots: Sequence[Lot]) -> None:
        self.active = list(lots)
        self.total: int = sum(map(_remaining, lots))
        self.moved: dict[Micros, int] = {}

    def copy(self) -> "Lots":
        found = Lots(self.active)
        found.moved = dict(self.moved)
        return found

    def put(self, lot: Lot, points: int) -> None:
        """Add ``points`` to the lot, which may be among the active ones or not."""
        if points == 0:
            return
        self._move(lot, points)
        place = len(self.active)
        if place and self.active[-1].expires_at > lot.expires_at:
            place = bisect_right(self.active, lot.expires_at, key=expiry)
        for index in range(place - 1, -1, -1):
            known = self.active[index]
            if known.expires_at != lot.expires_at:
                break
            if known.entry_id == lot.entry_id:
                self.active[index] = holding(known, known.remaining + points)
                return
        self.active.insert(place, lot if lot.remaining == points else holding(lot, points))

    def take(self, points: int, lots: Sequence[Lot] | None = None) -> tuple[Lot, ...]:
        """Remove up to ``points`` from these lots (none: all) in this order; what was taken, lot by lot."""
        taken: list[Lot] = []
        for lot in tuple(self.active if lots is None else lots):
            if points == 0:
                break
            part = min(points, lot.remaining)
            points -= part
            self._move(lot, -part)
            index = self._index(lot)
            if part == lot.remaining:
                taken.append(lot)
                del self.active[index]
            else:
                taken.append(holding(lot, part))
                self.active[index] = holding(lot, lot.remaining - part)
        return tuple(taken)

    def _move(self, lot: Lot, points: int) -> None:
        self.total += points
        self.moved[lot.expires_at] = self.moved.get(lot.expires_at, 0) + points

    def _index(self, lot: Lot) -> int:
        # By identity: comparing models field by field is slow.
        return next(index for index, known in enumerate(self.active) if known is lot)


def holding(lot: Lot, remaining: int) -> Lot:
    return replace(lot, remaining=remaining)


_remaining = attrgetter("remaining")


def expiry(lot: Lot) -> Micros:
    return lot.expires_at
