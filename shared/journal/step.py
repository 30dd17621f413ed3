"""A step: what of a batch goes through one transaction together."""

from dataclasses import dataclass, field

from shared.domain import S
from shared.journal.documents import Journalled
from shared.journal.plan import Plan
from shared.worker.processing import Work


@dataclass(slots=True)
class Step:
    """Records of a batch that go through one transaction together."""

    works: list[Work]
    known: dict[str, Journalled] = field(default_factory=dict)
    """What the journal has been found to have of them."""

    def knows(self, work: Work) -> bool:
        """Whether the journal has been found to have this very event."""
        entry = self.known.get(work.event.uid)
        return entry is not None and entry.covers(work.origin)

    def replaced(self, plan: Plan[S]) -> set[str]:
        """Uids of rejected events in whose place the plan has another."""
        rejected = {uid for uid, entry in self.known.items() if entry.rejected}
        return rejected & {*(e.event.uid for e in plan.entries), *plan.buried} if rejected else rejected
