"""Looking at customers' health: in idle time, at all of them each night, soon at whom something happened to.

A step takes the next customers in the order of their ids, after the last that was looked at, which is written
with all else: a worker that dies, or loses its partition, is followed by one that goes on from there. Nothing
is written of a customer of whom nothing is to be told. What is told goes the way of ``outbox``.

Under the wall clock customers are looked at as of now. Under the stream clock as of each night
(``insights.nights``), by what had happened before it, however late the step comes: so what is told does not
depend on when there was time for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from services.metrics import telemetry
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.fits import Fit, Fits, Parameters
from services.metrics.domain.given_up import Doubts, given_up
from services.metrics.domain.insights import Health, InsightsPolicy, Why, nights
from services.metrics.domain.state import BEGINNING, Customer
from services.metrics.journal.holding import read_record
from services.metrics.journal.looks import is_customer
from services.metrics.journal.partition import Partition
from shared.kafka.keys import partition_of
from shared.runtime.words import words
from shared.schemas.times import Micros, day_of, micros
from shared.worker.retry import about_document

log = structlog.get_logger(__name__)

IDS_A_STEP = 1_000
"""Of all partitions' customers: their ids are read alone, and then the records of this one's."""
RECORDS = 100
"""Read at once."""
IDLE_SECONDS, BUSY_SECONDS = 0.25, 0.005
"""A turn lasts so long, about: where there is nothing else to do, and where there is."""
BUSY_REST_SECONDS, STREAM_REST_SECONDS = 0.1, 1.0
"""And then the next waits, where there is something else to do. Under the stream clock that may be the past
that is read anew, and a late look tells the same."""
MOST_CHANGED = 500
"""Of so many customers at most is written at once what is told: it fits a transaction's time."""

FITS_SECONDS = 30.0
"""So old the parameters of models may be."""

Judge = Callable[[Customer, Parameters, Micros], Health]
"""A customer's health as of an instant, by what happened before and the models as they were fitted then."""


class Store(Protocol):
    """What this needs of ``WorkerStore``."""

    async def fits(self) -> Sequence[Fit]: ...

    async def names(self, after: str, most: int) -> Sequence[str]: ...

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]: ...


@dataclass(frozen=True, slots=True)
class Looking:
    """How customers are looked at."""

    judge: Judge
    policy: InsightsPolicy
    churn: ChurnPolicy = field(default_factory=ChurnPolicy)
    """When a customer is given up."""


class Looker:
    """Looks at the customers of a worker's partitions. All of it is called in the processor's lock."""

    def __init__(self, store: Store, looking: Looking, *, stream: bool, clock: Callable[[], float]) -> None:
        self._store = store
        self._looking = looking
        self._stream = stream
        self._clock = clock
        self._fits, self._fits_until = Fits(), 0.0
        self._doubts = Doubts.of(self._fits)
        self._unfitted = False
        """It was said that there is no model yet."""
        self._read: dict[str, bytes] = {}
        """Records as they were read last, where the partition was as ``_read_of`` says."""
        self._read_of: tuple[int, int, int] | None = None
        self._rest_until = 0.0
        self._turn = 0
        self._most: dict[int, int] = {}
        """Of how many customers what is told may be written at once, where a write of more was refused."""
        self._left_out: set[str] = set()
        """Customers whose record the store refuses with what is told in it."""

    async def turn(
        self, parts: Mapping[int, Partition], wall: Micros, *, busy: bool, limited: Callable[[int], bool]
    ) -> Partition | None:
        """The next step of the partition whose turn it is, if any has something to do; ``limited`` says of
        which one only a few events may be written together. Returns one whose write is to be made at once:
        what was told is in it alone. Raises what the store raises."""
        if self._clock() < self._rest_until:
            return None
        if self._clock() >= self._fits_until:
            await self._read_fits()
        order = sorted(parts)
        self._turn += 1
        until = self._clock() + (BUSY_SECONDS if busy else IDLE_SECONDS)
        for number in (*order[self._turn % len(order) :], *order[: self._turn % len(order)]) if order else ():
            part = parts[number]
            alone = number in self._most or limited(number)
            if alone and part.dirty:
                continue  # first that, so that a refusal is about one or the other
            await self.work(part, wall, until)
            if alone and part.dirty:
                return part
            if self._clock() >= until:
                break
        if busy:
            rest = STREAM_REST_SECONDS if self._stream else BUSY_REST_SECONDS
            self._rest_until = self._clock() + rest
        return None

    async def _read_fits(self) -> None:
        self._fits = Fits(await self._store.fits())
        self._fits_until = self._clock() + FITS_SECONDS
        self._doubts = Doubts.of(self._fits)
        if self._looking.churn.alive_below is not None and not self._doubts.any and not self._unfitted:
            self._unfitted = True
            log.warning("churn.alive_below does nothing: no model is fitted yet (rapport clv fit)")

    def begin(self, parts: Iterable[Partition]) -> None:
        """These are taken over."""
        for part in parts:
            part.looks.begin(soon=not self._stream)

    async def work(self, part: Partition, wall: Micros, until: float) -> None:
        """The next step of a partition. What fails in it is done again the next time."""
        watermark = None if part.watermark is None else micros(part.watermark)
        now = watermark if self._stream else wall
        if now is not None:
            await self._look_at_fresh(part, now, until)
            await self._sweep(part, now, until)

    def _full(self, part: Partition) -> bool:
        return len(part.looks.told) >= self._most.get(part.number, MOST_CHANGED)

    async def _look_at_fresh(self, part: Partition, now: Micros, until: float) -> None:
        fresh = part.looks.fresh
        while fresh:
            some = [*fresh][:RECORDS]
            records = await self._records(part, some)
            for subject in some:
                if self._full(part):
                    return
                del fresh[subject]
                self._look(part, subject, records, now, "happened")
                if self._clock() >= until:
                    return

    async def _sweep(self, part: Partition, now: Micros, until: float) -> None:
        looks, night = part.looks, day_of(now)
        if looks.sweep.night is None:
            if looks.sweep.done is not None and looks.sweep.done >= night:
                return
            looks.sweep_to(looks.sweep.begun(night))
        while True:
            ids = await self._store.names(looks.sweep.after, IDS_A_STEP)
            last = len(ids) < IDS_A_STEP
            mine = [id for id in ids if partition_of(id.encode(), looks.sweep.of) == part.number]
            new = (id for id in part.changed if looks.sweep.after < id and (last or id <= ids[-1]))
            mine = sorted(filter(is_customer, {*mine, *new}))  # some may not be in the store yet
            if not await self._sweep_some(part, mine, now, until):
                return
            if last:
                looks.sweep_to(looks.sweep.ended())
                return
            looks.sweep_to(looks.sweep.moved(ids[-1]))

    async def _sweep_some(self, part: Partition, ids: Sequence[str], now: Micros, until: float) -> bool:
        """Whether all of these are looked at."""
        why: Why = "first" if part.looks.sweep.first and not self._stream else "night"
        for start in range(0, len(ids), RECORDS):
            some = ids[start : start + RECORDS]
            records = await self._records(part, some)
            for subject in some:
                if self._full(part):
                    return False
                self._look(part, subject, records, now, why)
                part.looks.sweep_to(part.looks.sweep.moved(subject))
                if self._clock() >= until:
                    return False
        return True

    async def _records(self, part: Partition, subjects: Sequence[str]) -> Mapping[str, bytes]:
        """Of these customers the records that are not in memory. The others are held. What is read is kept
        for the next turn, which may begin in the midst of it, as long as the partition is as it was."""
        part.hold([subject for subject in subjects if subject in part.customers])
        missing = [subject for subject in subjects if subject not in part.held]
        as_it_is, known = (part.number, part.epoch, part.version), {}
        if self._read_of == as_it_is:
            known = self._read
        unread = [subject for subject in missing if subject not in known]
        if unread or self._read_of != as_it_is:
            found = await self._store.customers(unread) if unread else {}
            self._read = {subject: known.get(subject, found.get(subject, b"")) for subject in missing}
            self._read_of = as_it_is
        return self._read

    def _look(
        self, part: Partition, subject: str, records: Mapping[str, bytes], now: Micros, why: Why
    ) -> None:
        if subject in self._left_out or (subject not in part.held and subject in part.erasing.erased):
            return
        try:
            held, last = part.held.get(subject) or read_record(subject, records.get(subject, b"")), None
            part.settle(held[0])
            if held[0].data.latest == BEGINNING:
                return  # of who is another by now, or comes back, nothing is here
            if not held[0].data.by_days and held[0].recount(part.tail):
                part.looked_at(subject, *held)
            for at in self._moments(part, subject, held[0].data, now):
                health = self._looking.judge(held[0].data, self._fits.at(at), at)
                part.look(subject, held, health, self._looking.policy, at, why)
                last = at
            if last is not None and (self._looking.churn.alive_below is not None or held[0].data.given_up):
                silences, policy = held[0].silences(), self._looking.churn
                part.give_up(subject, held, given_up(*silences, policy, self._doubts, day_of(last)))
        except Exception as error:  # a bug in the judging: this customer is left alone, the others looked at
            telemetry.HEALTH_FAILURES.inc()
            log.error("health not judged", customer=subject, error=words(error), exc_info=error)

    def _moments(self, part: Partition, subject: str, customer: Customer, now: Micros) -> Iterable[Micros]:
        sweep = part.looks.sweep
        if not self._stream or sweep.night is None:
            return (now,)
        return nights(subject, customer, sweep.covers(subject), sweep.night, self._looking.policy)

    # Writes that the store refuses

    def refused(self, parts: Iterable[Partition], error: BaseException | None) -> bool:
        """A write of these failed so. If what is told may be at fault, less of it is written at once from now
        on; and whether that is so."""
        if not isinstance(error, Exception) or not about_document(error):
            return False
        told = [part for part in parts if part.looks.told]
        for part in told:
            self._most[part.number] = max(1, len(part.looks.told) // 2)
        return bool(told)

    def leave_out(self, part: Partition) -> None:
        """What is told of the one customer in the write is at fault."""
        self._left_out |= part.looks.told
        telemetry.HEALTH_FAILURES.inc()
        log.error("what is told of a customer cannot be kept", customers=[*part.looks.told])

    def written(self, part: Partition, told: int) -> None:
        """A write stands that told something of so many customers."""
        most = self._most.get(part.number)
        if most is None or not told:
            return
        self._most[part.number] = most * 2
        if most * 2 >= MOST_CHANGED:
            del self._most[part.number]
