"""Where a customer stands among merges: a part of each service's state of them."""

from collections.abc import Iterable

from shared.schemas.base import Open
from shared.schemas.merges import Merge


class Standing(Open):
    """A state has none (``merging: Standing | None = None``) while nothing was ever merged here."""

    moved: Merge | None = None
    """The merge by which this customer is another: what is told of them is for the survivor."""
    absorbed: tuple[Merge, ...] = ()
    """By which merges the things are here that came, by chains too."""
    undone: tuple[Merge, ...] = ()
    """Merges that hold no more: what still comes by them goes home."""
    returned: bool = False
    """They were another, and are themselves again: what is theirs may be on its way home."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The old ids of whose things are here."""
        return tuple(dict.fromkeys(merge.customer for merge in self.absorbed))

    def way_of(self, customer: str) -> tuple[Merge, ...]:
        """The merges from ``customer`` to here, the first one first; empty if they are not here."""
        left = {merge.customer: merge for merge in self.absorbed}
        way = []
        while (merge := left.pop(customer, None)) is not None:
            way.append(merge)
            customer = merge.into
        return tuple(way)

    def with_those_by(self, customer: str) -> frozenset[str]:
        """The customer, and whoever came here by way of them alone."""
        ways: dict[str, list[str]] = {}
        for merge in self.absorbed:
            ways.setdefault(merge.customer, []).append(merge.into)
        found = {customer}
        while more := {c for c, into in ways.items() if c not in found and found.issuperset(into)}:
            found |= more
        return frozenset(found)

    def holds_undone(self, merge: Merge) -> bool:
        """Whether this merge was undone."""
        return any(merge.uid == undone.uid for undone in self.undone)


def last_of_each(path: Iterable[Merge], here: str) -> tuple[Merge, ...]:
    """Of each customer on a way the merge by which they went last, without those of who is ``here``."""
    found = {merge.customer: merge for merge in path}
    found.pop(here, None)
    return tuple(found.values())


def together(*merges: Iterable[Merge]) -> tuple[Merge, ...]:
    """All of these merges, each once, by customer and name."""
    found = {merge.uid: merge for some in merges for merge in some}
    return tuple(sorted(found.values(), key=lambda merge: (merge.customer, merge.uid)))
