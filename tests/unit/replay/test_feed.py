"""The replay loop: order kept, chunks flushed before the next, paced by event time."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.replay.feed import MOST, SPAN, Progress, feed, parse_speed
from rapport.replay.record import Record
from rapport.replay.sinks import FileSink

START = datetime(2017, 1, 1, tzinfo=UTC)


class Log:
    """Remembers the chunks that were flushed together."""

    def __init__(self) -> None:
        self.chunks: list[list[Record]] = []
        self.waiting: list[Record] = []

    def send(self, record: Record) -> None:
        self.waiting.append(record)

    def flush(self) -> None:
        if self.waiting:
            self.chunks.append(self.waiting)
            self.waiting = []


def record(seconds: float, source: str = "/till") -> Record:
    return Record(START + timedelta(seconds=seconds), "purchases", "c", source, b"{}")


@given(st.lists(st.floats(0, 40 * 86400), max_size=60))
def test_all_is_sent_in_order_and_no_chunk_spans_too_much(seconds: list[float]) -> None:
    records, log = [record(s) for s in sorted(seconds)], Log()
    done = feed(records, log)
    assert [r for chunk in log.chunks for r in chunk] == records
    assert all(chunk[-1].at - chunk[0].at < SPAN for chunk in log.chunks)
    assert done.events == len(records)


def test_a_chunk_is_never_larger_than_the_limit() -> None:
    log = Log()
    feed([record(0)] * (2 * MOST + 1), log)
    assert [len(chunk) for chunk in log.chunks] == [MOST, MOST, 1]


def test_progress_counts_what_is_simulated_and_the_time_reached() -> None:
    told: list[Progress] = []
    done = feed([record(0), record(9, "/simulated/crm")], Log(), report=told.append)
    assert (done.events, done.simulated, done.reached) == (2, 1, START + timedelta(seconds=9))
    assert told[-1] is done


def test_a_pace_waits_as_long_as_event_time_says_and_flushes_before() -> None:
    log, now = Log(), [100.0]
    slept: list[tuple[float, int]] = []

    def sleep(seconds: float) -> None:
        slept.append((seconds, len(log.waiting)))
        now[0] += seconds

    feed([record(0), record(60), record(180)], log, speed=60.0, clock=lambda: now[0], sleep=sleep)
    assert slept == [(1.0, 0), (2.0, 0)]


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("60x", 60.0), ("0.5", 0.5), ("1000", 1000.0)])
def test_speeds(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "fast", "0", "-3x", "x", "1e3", "0x"])
def test_bad_speeds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="speed"):
        parse_speed(text)


def test_a_file_gets_a_line_an_event() -> None:
    file = io.BytesIO()
    feed([record(0), record(1)], FileSink(file))
    assert file.getvalue() == b"{}\n{}\n"
