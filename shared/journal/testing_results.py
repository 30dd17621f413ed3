"""What the test kit says of the events that a worker handled (see ``testing``)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.domain import Outcome, Refused, S
from shared.journal.plan import Plan, Rejected
from shared.kafka.publisher import Record
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, Origin, Work

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that the domain could not apply, found out at once or later (``Reject``)."""

    event: Event
    origin: Origin
    """Where it stood in the log."""
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of one event that was sent."""

    event: Event
    status: Literal["applied", "refused", "repeated", "skipped"]
    """``repeated``: a duplicate or a redelivery, without effect. ``skipped``: the service does not use the
    type, or wrote the fact itself."""
    outcome: Outcome | None = None
    """A command's answer, a repeated one's too. A refused one's status is 400 or more, and its body has
    ``code``, ``detail`` and ``field``."""
    refusal: Refused | None = None
    """Why it is ``refused``. A fact that is refused is a dead letter."""
    records: tuple[Record, ...] = ()
    """What it emitted, as it goes to Kafka; dead letters of earlier events too."""

    @property
    def emitted(self) -> list[Event]:
        """The events that it emitted."""
        return [event_of(record) for record in self.records if not _is_letter(record)]

    def accepted(self) -> "Handled":
        """Itself. Raises the ``Refused`` of an event that is ``refused``."""
        if self.refusal is not None:
            raise self.refusal
        return self


class Published:
    """What a worker has published, as its readers see it."""

    def __init__(self) -> None:
        self.dead_letters: list[DeadLetter] = []
        self._records: list[Record] = []
        self._decoded: list[Event] = []

    def add(self, plan: Plan[S]) -> list[Record]:
        """What a plan that is written publishes. The commands among it, which come back to the worker if
        they are for its own service."""
        for rejected in plan.rejected:
            work = rejected.work
            self.dead_letters.append(DeadLetter(work.event, work.origin, rejected.code, rejected.detail))
        for late in plan.withdrawn:
            origin = Origin.parse(late.origin)
            self.dead_letters.append(DeadLetter(late.event, origin, late.code, late.detail))
        records = [r for entry in plan.entries for r in entry.emitted if not _is_letter(r)]
        self._records += records
        return [record for record in records if record.topic == COMMANDS]

    @property
    def events(self) -> Sequence[Event]:
        """All events so far, in order; read anew only as far as they are new."""
        self._decoded += [event_of(record) for record in self._records[len(self._decoded) :]]
        return self._decoded


def results(
    works: Iterable[Work], plan: Plan[S], outcomes: dict[str, Outcome], raised: dict[str, Exception]
) -> Iterator[Handled]:
    """What came of each work of a plan. ``outcomes`` are the answers of all commands so far, ``raised`` is
    what the domain raised in this plan, both by uid."""
    entries = {entry.event.uid: entry for entry in plan.entries}
    rejected = {id(reject.work): reject for reject in plan.rejected}
    repeated = {id(work) for work in plan.repeated}
    for work in works:
        uid = work.event.uid
        outcome, entry = outcomes.get(uid), entries.get(uid)
        if id(work) in repeated:
            yield Handled(work.event, "repeated", outcome)
        elif id(work) in rejected or (outcome is not None and outcome.status >= 400):
            refusal = raised.get(uid)
            if not isinstance(refusal, Refused):
                refusal = _refused(rejected.get(id(work)), outcome)
            yield Handled(work.event, "refused", outcome, refusal)
        else:
            yield Handled(work.event, "applied", outcome, None, entry.emitted if entry else ())


def _refused(rejected: Rejected | None, outcome: Outcome | None) -> Refused:
    """What the planner said in the domain's place, such as of an event that is too large."""
    if rejected is not None:
        return Refused(rejected.code, rejected.detail)
    assert outcome is not None
    return Refused(outcome.body["code"], outcome.body["detail"], status=outcome.status)


def _is_letter(record: Record) -> bool:
    return record.topic.endswith(".dlq")


def event_of(record: Record) -> Event:
    """The event of a record that a worker published."""
    return decode(open_envelope(record.key, record.value, record.headers), wall_now=_END_OF_TIME)
