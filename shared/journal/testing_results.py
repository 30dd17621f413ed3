"""What the test kit says of the events that a worker handled (see ``testing``)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.domain import Outcome, RefusedError, S
from shared.journal.plan import Plan
from shared.journal.refusals import Rejected
from shared.kafka.publisher import Record
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, Message, Origin

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that the domain could not apply, found out at once or later (``Retract``)."""

    event: Event
    origin: Origin
    """Where it stood in the log."""
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of one event that was sent."""

    event: Event
    status: Literal["applied", "refused", "repeated", "skipped", "erased"]
    """``repeated``: a duplicate or a redelivery, without effect. ``skipped``: the service does not use the
    type, or wrote the fact itself. ``erased``: it is about somebody who was erased, without effect; a command
    of that kind is ``refused``."""
    outcome: Outcome | None = None
    """A command's answer, a repeated one's too. A refused one's status is 400 or more, and its body has
    ``code``, ``detail`` and ``field``."""
    refusal: RefusedError | None = None
    """Why it is ``refused``. A fact that is refused is a dead letter."""
    records: tuple[Record, ...] = ()
    """What it emitted, as it goes to Kafka; dead letters of earlier events too."""

    @property
    def emitted(self) -> list[Event]:
        """The events that it emitted."""
        return [event_of(record) for record in self.records if not _is_dead_letter(record)]

    def accepted(self) -> "Handled":
        """Itself. Raises the ``RefusedError`` of an event that is ``refused``."""
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
            message, refusal = rejected.message, rejected.refusal
            self.dead_letters.append(DeadLetter(message.event, message.origin, refusal.code, refusal.detail))
        for late in plan.retracted:
            origin = Origin.parse(late.origin)
            self.dead_letters.append(DeadLetter(late.event, origin, late.code, late.reason))
        records = [r for entry in plan.entries for r in entry.emitted if not _is_dead_letter(r)]
        self._records += records
        return [record for record in records if record.topic == COMMANDS]

    @property
    def events(self) -> Sequence[Event]:
        """All events so far, in order; read anew only as far as they are new."""
        self._decoded += [event_of(record) for record in self._records[len(self._decoded) :]]
        return self._decoded


def results(
    messages: Iterable[Message], plan: Plan[S], outcomes: dict[str, Outcome], raised: dict[str, Exception]
) -> Iterator[Handled]:
    """What came of each message of a plan. ``outcomes`` are the answers of all commands so far, ``raised`` is
    what the domain raised in this plan, both by uid."""
    entries = {entry.event.uid: entry for entry in plan.entries}
    rejected = {id(r.message): r for r in plan.rejected}
    repeated = {id(message) for message in plan.repeated}
    for message in messages:
        uid = message.event.uid
        outcome, entry = outcomes.get(uid), entries.get(uid)
        if id(message) in repeated:
            yield Handled(message.event, "repeated", outcome)
        elif id(message) in rejected or (outcome is not None and outcome.status >= 400):
            refusal = raised.get(uid)
            if not isinstance(refusal, RefusedError):
                refusal = _refused(rejected.get(id(message)), outcome)
            yield Handled(message.event, "refused", outcome, refusal)
        elif entry is not None and entry.skipped:
            yield Handled(message.event, "erased")
        else:
            yield Handled(message.event, "applied", outcome, None, entry.emitted if entry else ())


def _refused(rejected: Rejected | None, outcome: Outcome | None) -> RefusedError:
    """What the planner said in the domain's place, such as of an event that is too large."""
    if rejected is not None and not rejected.awaited:
        return RefusedError(rejected.refusal.code, rejected.refusal.detail)
    assert outcome is not None
    return RefusedError(outcome.body["code"], outcome.body["detail"], status=outcome.status)


def _is_dead_letter(record: Record) -> bool:
    return record.topic.endswith(".dlq")


def event_of(record: Record) -> Event:
    """The event of a record that a worker published."""
    return decode(open_envelope(record.key, record.value, record.headers), wall_now=_END_OF_TIME)
