"""What is to be left of customers who were erased, and what is told of it: said plainly, without the code
that erases."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from shared.domain import ERASED, Handler, Outcome
from shared.journal.erasing import Chore, named_in
from shared.journal.testing_store import InMemoryStore
from shared.kafka.clients import KafkaRecord
from shared.schemas.commands.duplicates import DuplicateForgetRequested
from shared.schemas.commands.erasures import ErasureLiftRequested, ErasureNoteRequested
from shared.schemas.commands.loyalty import ReferralForgetRequested
from shared.schemas.commands.orders import OrderForgetRequested
from shared.schemas.commands.teams import TaskForgetRequested
from shared.schemas.customers import ErasureCompleted, ErasureLifted
from shared.schemas.event import Event
from tests.unit.journal.memory_erasing import changed

Completed: TypeAlias = tuple[str, int, str]
"""Of whom, which of that customer's erasures it is, from 0, and what was removed."""
LIFTS = (ErasureLifted, ErasureLiftRequested)
_COMPLETED = ErasureCompleted.event_type.encode()
_FORGET = tuple(
    data.event_type.encode()
    for data in (
        DuplicateForgetRequested,
        OrderForgetRequested,
        ReferralForgetRequested,
        TaskForgetRequested,
    )
)
_NOTE = ErasureNoteRequested.event_type.encode()


class Forgetting:
    """Removes from a store in memory what is left of those who are erased."""

    def __init__(self, store: InMemoryStore[Any], handler: Handler[Any], rows: Collection[str]) -> None:
        """``rows``: the collections that are compared."""
        self._store, self._rows = store, rows
        self._collections = handler.collections
        self.erased: set[str] = set()
        """All states that were, at any time."""
        self.completed: set[Completed] = set()
        """What is to be told of it."""

    def end(self) -> None:
        """Of all."""
        for chore in [*self._store.chores.values()]:
            self._forget(chore)

    def before(self, event: Event) -> None:
        """Of whom it is about, where it says that they may come back."""
        if isinstance(event.data, LIFTS):
            for chore in [one for one in self._store.chores.values() if one.customer == event.subject]:
                self._forget(chore)

    def _forget(self, chore: Chore) -> None:
        """What is about them goes, by what each collection says of its rows; commands stay, but do not say
        whose they were."""
        store, customer, removed = self._store, chore.customer, Counter(chore.removed)
        for collection in self._collections:
            rows = store.rows.get(collection.name, {})
            for id in [id for id, row in rows.items() if collection.is_about(row, customer)]:
                del rows[id]
                removed[collection.name] += 1
            for id, row in rows.items():
                if customer in named_in(collection, row):
                    told = collection.without(row, frozenset({customer}))
                    rows[id] = changed(row, told)
                    removed[collection.name] += 1
        for uid in [uid for uid, subject in store.subjects.items() if subject == customer]:
            if uid not in store.outcomes:
                del store.journal[uid], store.subjects[uid]
                continue
            store.subjects[uid] = None
            if uid != chore.uid:  # whoever asked for it is answered as before
                store.outcomes[uid] = Outcome(ERASED.status)
        del store.chores[chore.hash]
        self.erased.add(customer)
        if chore.is_customers:
            number = sum(customer == one for one, *_ in self.completed)
            self.completed.add(completed(customer, number, removed, self._rows))


def completed(customer: str, number: int, removed: Mapping[str, int], rows: Collection[str]) -> Completed:
    """Of the collections ``rows``: a state is there only if it was written before the step that erased it,
    and of the journal it is those entries that were there by then."""
    return customer, number, str(sorted((name, n) for name, n in removed.items() if n and name in rows))


def completions(service: str, logs: Iterable[Sequence[KafkaRecord]], rows: Collection[str]) -> set[Completed]:
    """What the service has told of erasures that are over. One that was told twice is the same event; else it
    counts as two."""
    told: dict[str, dict[str, set[tuple[str, bytes]]]] = {}
    for log in logs:
        for record in log:
            if _COMPLETED in (record.value or b""):
                event = json.loads(record.value or b"")
                if event["source"] == f"/rapport/{service}":
                    said = event["time"], record.value or b""
                    told.setdefault(event["subject"], {}).setdefault(event["id"], set()).add(said)
    found: set[Completed] = set()
    for customer, events in told.items():
        sayings = sorted(one for several in events.values() for one in several)
        for number, (_, value) in enumerate(sayings):
            found.add(completed(customer, number, json.loads(value)["data"]["removed"], rows))
    return found


def is_lift(value: bytes | None) -> bool:
    """Whether a record tells that somebody may come back."""
    return ErasureLifted.event_type.encode() in (value or b"")


def is_told_of_erasing(value: bytes | None) -> bool:
    """Whether a record tells what an eraser did, and is told by it alone, or without a journal entry."""
    text = value or b""
    if _NOTE in text:
        return json.loads(text)["data"]["what"] == "completed"
    return _COMPLETED in text or any(name in text for name in _FORGET)
