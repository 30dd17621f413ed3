"""What metrics tells goes out exactly once: through crashes at each step, takeovers and outages."""

import asyncio
from collections.abc import Sequence

import pytest
from pymongo.errors import AutoReconnect, DocumentTooLarge

from services.metrics.journal import outbox as outbox_module
from services.metrics.journal.outbox import Outbox, event_id
from services.metrics.journal.partition import Partition
from services.metrics.journal.writes import Write
from shared.kafka.publisher import BrokerAwayError, Record
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.insights import SegmentChanged
from shared.schemas.times import micros
from shared.worker.processing import FencedError

from .memory import MemoryStore
from .rig import FAR, Rig, batch, started
from .story import START, event, purchase, run


class KilledError(BaseException):
    """The process ends here."""


def part_of(rig: Rig, number: int = 0) -> Partition:
    return rig.processor._partitions[number]


def tell(rig: Rig, *segments: str, subject: str = "c1") -> None:
    for segment in segments:
        part_of(rig).outbox.tell(SegmentChanged(to=segment), subject, micros(START), segment)


def told(records: Sequence[Record]) -> list[Event]:
    return [decode(open_envelope(r.key, r.value, r.headers), wall_now=FAR) for r in records]


def segments(records: Sequence[Record]) -> list[str]:
    return [e.data.to for e in told(records) if isinstance(e.data, SegmentChanged)]


async def test_it_is_published_after_the_write_and_then_taken_away() -> None:
    store = MemoryStore()
    rig = await started(store)
    tell(rig, "champions", "at_risk")
    part_of(rig).outbox.put("rows", {"_id": "one", "n": 1})
    assert rig.published == []
    await rig.flush()
    assert segments(rig.published) == ["champions", "at_risk"]
    assert store.put == {("rows", "one"): {"_id": "one", "n": 1}}
    assert [len(records) for records in store.rows[0].outbox.values()] == [2]
    await rig.flush()
    assert store.rows[0].outbox == {}
    writes = store.writes
    await rig.flush()
    assert (store.writes, len(rig.published)) == (writes, 2), "then there is nothing to do"


async def test_it_is_an_event_of_metrics_about_its_subject() -> None:
    rig = await started(MemoryStore())
    tell(rig, "loyal")
    await rig.flush()
    (record,) = rig.published
    (one,) = told([record])
    assert (record.topic, record.key) == ("insights", b"c1")
    assert (one.source, one.subject, one.time) == ("/rapport/metrics", "c1", START)
    assert one.id == event_id(SegmentChanged(to="whatever"), "c1", "loyal")


async def test_its_id_follows_from_what_is_told_of_whom() -> None:
    first = event_id(SegmentChanged(to="loyal"), "c1", "1")
    assert first == event_id(SegmentChanged(to="lost"), "c1", "1")
    others = {
        event_id(SegmentChanged(to="loyal"), "c1", "2"),
        event_id(SegmentChanged(to="loyal"), "c2", "1"),
    }
    assert len({first, *others}) == 3


async def test_killed_between_write_and_publish_the_next_owner_tells_it_first() -> None:
    store = MemoryStore()
    rig = await started(store)
    tell(rig, "champions", "at_risk")
    rig.fails = KilledError()
    with pytest.raises(KilledError):
        await rig.flush()
    (before,) = store.rows[0].outbox.values()
    again = await started(store)
    assert again.published == list(before), "the same bytes under the same ids"
    tell(again, "lost")
    await again.flush()
    assert segments(again.published) == ["champions", "at_risk", "lost"]
    await again.flush()
    assert store.rows[0].outbox == {}


async def test_killed_between_publish_and_taking_away_it_is_told_again_under_the_same_ids() -> None:
    store = MemoryStore()
    rig = await started(store)
    tell(rig, "champions")
    await rig.flush()
    again = await started(store)
    assert again.published == rig.published
    await again.flush()
    assert (await started(store)).published == []


async def test_killed_before_the_write_nothing_was_told() -> None:
    store = MemoryStore()
    rig = await started(store)
    tell(rig, "champions")

    async def killed(writes: Sequence[Write]) -> None:
        raise KilledError

    store.write, real = killed, store.write
    with pytest.raises(KilledError):
        await rig.flush()
    store.write = real
    assert rig.published == []
    assert (await started(store)).published == []


async def test_who_lost_the_partition_tells_nothing_that_it_decided_since() -> None:
    store = MemoryStore()
    rig = await started(store)
    other = await started(store)
    tell(rig, "champions")
    with pytest.raises(FencedError):
        await rig.flush()
    await other.flush()
    assert (rig.published, other.published, store.rows[0].outbox) == ([], [], {})


async def test_a_write_whose_acknowledgement_is_lost_is_told_once() -> None:
    store = MemoryStore()
    rig = await started(store)
    real = store.write

    async def unanswered(writes: Sequence[Write]) -> None:
        store.write = real
        await real(writes)
        raise AutoReconnect("the connection broke after the commit")

    store.write = unanswered
    tell(rig, "champions")
    await rig.flush()
    with pytest.raises(FencedError):
        await rig.flush()
    assert rig.published == []
    await rig.processor.assigned(frozenset({0}), 2)
    await rig.flush()
    assert segments(rig.published) == ["champions"]


async def test_a_broker_away_is_waited_for_and_a_wait_cut_short_is_taken_up() -> None:
    store = MemoryStore()
    rig = await started(store)
    rig.fails = BrokerAwayError("not now")
    tell(rig, "champions")
    waiting = asyncio.create_task(rig.flush())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})
    rig.fails = None
    await rig.flush()
    assert segments(rig.published) == ["champions"]


async def test_a_poison_event_takes_what_was_told_with_it_and_it_is_decided_again() -> None:
    """What an event's batch had told in memory goes with the partition; after the fence it is as before."""
    store = MemoryStore()
    rig = await started(store)
    store.refuses = lambda write: DocumentTooLarge("16 MB") if "bad" in write.customers else None
    good, bad = event(purchase("a")), event(purchase("b"), subject="bad")
    tell(rig, "champions")
    with pytest.raises(FencedError):
        await rig.processor.process(batch([good, bad]))
    assert (rig.published, store.rows[0].outbox) == ([], {})
    assert await rig.processor.assigned(frozenset({0}), 2) == {}
    tell(rig, "champions")
    await rig.processor.process(batch([good]))
    await rig.flush()
    assert segments(rig.published) == ["champions"]
    assert store.cells == run([good])[1]


async def test_many_are_several_documents_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "DOCUMENT_RECORDS", 2)
    store = MemoryStore()
    rig = await started(store)
    tell(rig, *"abcde")
    await rig.flush()
    names = list(store.rows[0].outbox)
    assert len(names) == 3
    assert names == sorted(names)
    assert segments(rig.published) == [*"abcde"]


def test_what_no_broker_would_take_is_refused_before_it_is_decided() -> None:
    with pytest.raises(ValueError, match="bytes"):
        Outbox(0).tell(SegmentChanged(to="x", note="x" * 1024 * 1024), "c1", 0, "1")
