"""Where a customer stands among merges: a part of each service's state of them."""

from collections.abc import Iterable, Iterator

from shared.schemas.base import Open
from shared.schemas.merges import Merge


class Standing(Open):
    """A state has none (``merging: Standing | None = None``) while nothing was ever merged here."""

    moved: Merge | None = None
    """The merge by which this customer is another: what is told of them is for the survivor."""
    absorbed: tuple[Merge, ...] = ()
    """Whose things are here, by chains too, each by the merge that they came by last."""
    undone: tuple[Merge, ...] = ()
    """Merges that hold no more: what still comes by them goes home."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The old ids of whose things are here."""
        return tuple(merge.customer for merge in self.absorbed)

    def by(self, customer: str) -> Merge | None:
        """The merge by which this customer's things came, if they are here."""
        return next((merge for merge in self.absorbed if merge.customer == customer), None)

    def way_of(self, customer: str) -> tuple[Merge, ...]:
        """The merges from ``customer`` to here, the first one first; empty if they are not here."""
        return tuple(self._steps(customer))

    def _steps(self, customer: str) -> Iterator[Merge]:
        left = {merge.customer: merge for merge in self.absorbed}
        while (merge := left.pop(customer, None)) is not None:
            yield merge
            customer = merge.into

    def with_those_by(self, customer: str) -> frozenset[str]:
        """The customer, and whoever came here by way of them."""
        return frozenset(
            {customer}
            | {
                m.customer
                for m in self.absorbed
                if customer in (step.into for step in self._steps(m.customer))
            }
        )

    def holds_undone(self, merge: Merge) -> bool:
        """Whether this merge was undone."""
        return any(merge.uid == undone.uid for undone in self.undone)


def last_of_each(merges: Iterable[Merge], here: str) -> tuple[Merge, ...]:
    """One merge a customer, the latest, without those of the customer who is ``here``; by customer."""
    found: dict[str, Merge] = {}
    for merge in merges:
        known = found.get(merge.customer)
        if merge.customer != here and (known is None or known.rank < merge.rank):
            found[merge.customer] = merge
    return tuple(found[name] for name in sorted(found))
