"""An import: rows are mapped and sent in batches by several lanes, each customer's events by one, and the
place moves on when all before it is in the log."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol
from zlib import crc32

from msgspec import structs

from rapport.importing.faults import Fault, FaultFile, Reasons
from rapport.importing.place import Place, PlaceFile
from rapport.importing.rows import Row
from rapport.importing.sending import Refused, Sent
from shared.facts.consents import IMPORTED
from shared.mapping.building import UnmappedError
from shared.mapping.mapping import Mapped, Mapper
from shared.schemas.customers import ConsentChanged

CHUNK, CHUNK_BYTES = 1_500, 8 * 1024 * 1024
"""Rows that are mapped, sent and counted together, at most, and about how many bytes of them."""
CHUNKS = 3
"""Chunks that are under way at once: what bounds memory."""
BATCH = 500
BATCH_BYTES = 900_000
"""Events of a request, and bytes of its body, at most."""
SAVE_EVERY_S = 1.0


class Sending(Protocol):
    """A lane's way to the API."""

    def send(self, events: Sequence[Sent]) -> list[Refused]: ...

    def stop(self) -> None:
        """Wait for nothing any more."""


@dataclass(slots=True)
class _Chunk:
    """Rows under way."""

    rows: list[Row]
    events: list[int]
    """How many each row became."""
    left_out: int
    faults: dict[int, str]
    sent: list[Future[list[Refused]]]


class Mapping:
    """Rows to events, with what becomes of those that are none."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper

    def events(self, row: Row) -> list[Mapped]:
        """Raises ``UnmappedError``."""
        if row.fault is not None:
            raise UnmappedError("row", row.fault)
        return [_marked(one) for one in self._mapper.events(row.record, datetime.now(UTC))]


def _marked(mapped: Mapped) -> Mapped:
    """A consent says that it is imported: without evidence it does not outweigh what the person said."""
    if not isinstance(mapped.event.data, ConsentChanged):
        return mapped
    event = structs.replace(mapped.event, extensions={IMPORTED: True})
    return Mapped(event, b'{"%s":true,%s' % (IMPORTED.encode(), mapped.raw[1:]))


class Import:
    """One import, from a place on."""

    def __init__(
        self,
        mapper: Mapper,
        lanes: Sequence[Sending],
        faults: FaultFile,
        place: PlaceFile,
        *,
        report: Callable[[Place], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mapping, self._lanes, self._faults, self._file = Mapping(mapper), lanes, faults, place
        self._report, self._clock = report, clock
        self.reasons = Reasons()

    def run(self, rows: Iterator[Row], begun: Place) -> Place:
        """All rows; where it ended. Raises ``TroubleError``: then the place of what is safe is kept."""
        place, saved = begun, float("-inf")
        under_way: deque[_Chunk] = deque()
        pools = [ThreadPoolExecutor(1, thread_name_prefix="lane") for _ in self._lanes]
        try:
            while chunk := self._begun(rows, pools):
                under_way.append(chunk)
                if len(under_way) >= CHUNKS:
                    place = self._over(under_way.popleft(), place)
                    if self._clock() - saved >= SAVE_EVERY_S:
                        self._save(place)
                        saved = self._clock()
            while under_way:
                place = self._over(under_way.popleft(), place)
        except BaseException:
            for lane in self._lanes:
                lane.stop()
            raise
        finally:
            for pool in pools:
                pool.shutdown(cancel_futures=True)
            place = self._save(place)
        return place

    def _begun(self, rows: Iterator[Row], pools: Sequence[ThreadPoolExecutor]) -> _Chunk | None:
        """Maps some rows, and gives them to the lanes."""
        taken = _some(rows)
        if not taken:
            return None
        chunk = _Chunk(taken, [0] * len(taken), 0, {}, [])
        lanes: list[list[Sent]] = [[] for _ in pools]
        for number, row in enumerate(taken):
            try:
                events = self._mapping.events(row)
            except UnmappedError as error:
                chunk.faults[number] = str(error) if error.field != "row" else error.reason
                continue
            chunk.events[number] = len(events)
            chunk.left_out += not events
            for mapped in events:
                lane = crc32(mapped.event.subject.encode()) % len(lanes)
                lanes[lane].append(Sent(number, mapped.raw))
        for pool, lane_events, way in zip(pools, lanes, self._lanes, strict=True):
            chunk.sent += [pool.submit(way.send, batch) for batch in _batches(lane_events)]
        return chunk

    def _over(self, chunk: _Chunk, place: Place) -> Place:
        """Waits for a chunk. What of a row another lane has sent stays in the log: it is told in the file of
        faults all the same, and has no second effect when it comes again."""
        for future in chunk.sent:
            for refused in future.result():
                chunk.faults.setdefault(refused.row, refused.reason)
        found = [Fault(chunk.rows[number], reason) for number, reason in sorted(chunk.faults.items())]
        self._faults.write(found)
        for fault in found:
            self.reasons.add(fault)
        place = replace(
            place,
            rows=place.rows + len(chunk.rows),
            events=place.events + sum(chunk.events) - sum(chunk.events[number] for number in chunk.faults),
            left_out=place.left_out + chunk.left_out,
            failed=place.failed + len(found),
        )
        self._report(place)
        return place

    def _save(self, place: Place) -> Place:
        place = replace(place, faults_bytes=self._faults.sync())
        self._file.write(place)
        return place


def _some(rows: Iterator[Row]) -> list[Row]:
    taken: list[Row] = []
    size = 0
    for row in islice(rows, CHUNK):
        taken.append(row)
        size += row.size
        if size > CHUNK_BYTES:
            break
    return taken


def _batches(events: Sequence[Sent]) -> Iterator[list[Sent]]:
    batch: list[Sent] = []
    size = 0
    for event in events:
        if batch and (len(batch) == BATCH or size + len(event.raw) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.raw) + 1
    if batch:
        yield batch
