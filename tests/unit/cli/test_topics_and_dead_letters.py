"""Topic differences, lag, dead letters and the clock as data."""

from datetime import UTC, datetime

import pytest
from kafka import TopicPartition
from typer.testing import CliRunner

from rapport import deadletters, lag, topics
from rapport.commands import clock, dlq
from rapport.topics import Difference, Topic
from rapport.trouble import TroubleError
from shared.schemas.codec import decode, encode, open_envelope
from shared.schemas.topics import TOPICS

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def found(partitions: int = 4) -> dict[str, Topic]:
    return {topic.name: topic for topic in topics.wanted(partitions)}


def test_every_topic_has_its_dead_letter_topic_with_as_many_partitions() -> None:
    names = [topic.name for topic in topics.wanted(6)]
    assert set(names) == set(TOPICS) | {f"{name}.dlq" for name in TOPICS}
    assert {topic.partitions for topic in topics.wanted(6)} == {6}


def days(retention: topics.Retention) -> dict[str, int]:
    return {
        topic.name: int(topic.configs["retention.ms"]) // topics.DAY_MS
        for topic in topics.wanted(4, retention)
    }


def test_what_says_who_somebody_is_is_gone_within_a_month() -> None:
    kept = days(topics.Retention())
    longer = {"purchases", "loyalty", "clock"}
    assert {name for name, found in kept.items() if found == 400} == longer
    assert {kept[name] for name in kept.keys() - longer} == {30}
    assert kept["purchases.dlq"] == 30  # whatever was sent


def test_retention_is_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_RETENTION_PERSONAL_DAYS", "7")
    monkeypatch.setenv("RAPPORT_RETENTION_AMOUNTS_DAYS", "")
    told = {topic.name: topic.configs["retention.ms"] for topic in topics.wanted(4)}
    assert told["customers"] == told["loyalty.dlq"] == str(7 * topics.DAY_MS)
    assert told["loyalty"] == str(400 * topics.DAY_MS)
    assert topics.differences(topics.wanted(4, topics.Retention()), {**found()}) != []


@pytest.mark.parametrize("bad", ["0", "-1", "a month", "1.5", "36501", "٣"])
def test_a_retention_that_is_none_is_named(bad: str) -> None:
    with pytest.raises(TroubleError, match="RAPPORT_RETENTION_PERSONAL_DAYS"):
        topics.Retention.of({"RAPPORT_RETENTION_PERSONAL_DAYS": bad})


def test_no_difference_is_none() -> None:
    assert topics.differences(topics.wanted(4), found()) == []


def test_differences_name_topic_and_setting() -> None:
    actual = found()
    del actual["clock"]
    actual["loyalty"] = Topic("loyalty", 3, actual["loyalty"].configs)
    actual["feedback"] = Topic("feedback", 4, {**actual["feedback"].configs, "retention.ms": "5"})
    assert set(topics.differences(topics.wanted(4), actual)) == {
        Difference("clock", "missing", "4 partitions", "no topic"),
        Difference("loyalty", "partitions", "4", "3"),
        Difference("feedback", "retention.ms", str(30 * topics.DAY_MS), "5"),
    }


def test_grown_topics_stay_grown() -> None:
    assert topics.settled_partitions({}, None, 4) == 4
    assert topics.settled_partitions(found(8), None, 4) == 8
    assert topics.settled_partitions(found(8), 12, 4) == 12


def test_lag_counts_from_the_commit_or_the_first_record_left() -> None:
    def at(partition: int, topic: str = "purchases") -> TopicPartition:
        return TopicPartition(topic, partition)

    rows = lag.behind(
        "rapport-loyalty",
        committed={at(0): 5, at(2): 1},
        starts={at(0): 0, at(1): 2, at(2): 4},
        ends={at(0): 9, at(1): 7, at(2): 6, at(0, "unread"): 100},
    )
    assert [(row.partition, row.committed, row.lag) for row in rows] == [(0, 5, 4), (1, None, 5), (2, 1, 2)]
    assert lag.total(rows) == 11


DEAD_LETTER = [
    ("content-type", b"application/cloudevents+json"),
    ("rapport-dead-letter-id", b"loyalty/purchases/3/17"),
    ("rapport-service", b"loyalty"),
    ("rapport-error", b"unknown_order"),
    ("rapport-error-detail", "the order is not known — wait".encode()),
    ("rapport-origin", b"purchases/3/17"),
    ("rapport-failed-at", b"2026-11-22T00:00:00+00:00"),
]


def dead_letter(reason: str = "unknown_order", service: str = "loyalty") -> deadletters.DeadLetter:
    changes = {"rapport-error": reason.encode(), "rapport-service": service.encode()}
    headers = [(name, changes.get(name, value)) for name, value in DEAD_LETTER]
    return deadletters.parse("purchases.dlq", 1, b"cust-1", b'{"id":"\x00"}\xff\n', headers)


def test_a_letter_says_whose_why_and_where_from() -> None:
    one = dead_letter()
    assert (one.id, one.topic, one.partition, one.service) == (
        "loyalty/purchases/3/17",
        "purchases",
        3,
        "loyalty",
    )
    assert one.detail == "the order is not known — wait"
    assert one.excerpt() == '{"id":" "}\\xff'
    assert one.as_dict()["value"].endswith("\\xff\n")


def test_a_letter_without_its_headers_is_still_shown() -> None:
    bare = deadletters.parse("purchases.dlq", 2, None, None, [])
    assert (bare.reason, bare.service, bare.partition, bare.excerpt()) == ("?", "?", 2, "")


def test_a_letter_goes_back_as_it_came_to_the_service_that_failed() -> None:
    assert deadletters.original_headers(dead_letter()) == [DEAD_LETTER[0], ("rapport-for", b"loyalty")]


@pytest.mark.parametrize("reason", sorted(deadletters.UNREADABLE))
def test_what_nobody_could_read_goes_back_to_all(reason: str) -> None:
    assert deadletters.original_headers(dead_letter(reason, "interactions")) == [DEAD_LETTER[0]]


def test_a_mark_tells_which_letter_was_replayed_and_still_has_its_reason() -> None:
    headers = deadletters.mark(dead_letter())
    assert deadletters.marked(headers) == "loyalty/purchases/3/17"
    assert deadletters.marked(DEAD_LETTER) is None
    assert {"rapport-service", "rapport-error", "rapport-origin", "rapport-failed-at"} <= {
        n for n, _ in headers
    }


def test_letters_are_chosen_and_counted_by_reason_and_service() -> None:
    dead_letters = [dead_letter(), dead_letter("json", "interactions"), dead_letter()]
    assert deadletters.matching(dead_letters, "json", None) == [dead_letters[1]]
    assert deadletters.matching(dead_letters, None, "loyalty") == [dead_letters[0], dead_letters[2]]
    assert deadletters.counts(dead_letters) == [
        ("purchases", "interactions", "json", 1, 0),
        ("purchases", "loyalty", "unknown_order", 2, 0),
    ]


def test_a_letter_that_was_cut_says_so_and_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = [("rapport-cut", b"value"), ("rapport-cut-value-length", b"3145728")]
    cut += [("rapport-cut-value-sha256", b"ab" * 32), *DEAD_LETTER]
    dead = deadletters.parse("purchases.dlq", 1, b"cust-1", b"vvv", cut)
    assert dead.cut == f"Too large to be kept whole: its value had 3145728 bytes, SHA-256 {'ab' * 32}."
    sent: list[deadletters.DeadLetter] = []
    monkeypatch.setenv("RAPPORT_KAFKA", "nowhere:1")
    monkeypatch.setattr(dlq, "read_dead_letters", lambda servers, topics: [dead, dead_letter()])
    monkeypatch.setattr(dlq, "send_back", lambda servers, them, progress: sent.extend(them))
    replayed = CliRunner().invoke(dlq.app, ["replay", "purchases"])
    assert [one.cut for one in sent] == [""]
    told = " ".join(replayed.output.split())
    assert "1 dead letter sent back to purchases. 1 cannot be sent back: too large" in told
    shown = " ".join(CliRunner().invoke(dlq.app, ["show", "purchases"]).output.split())
    assert shown.count("It cannot be replayed: the whole is at purchases/3/17.") == 1


@pytest.mark.parametrize("text", ["2018-07-01", "2018-07-01T00:00:00", "2018-07-01T02:00:00+02:00"])
def test_clock_times_are_utc(text: str) -> None:
    assert clock.parse_time(text, NOW) == datetime(2018, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "", "2018-13-01", "2026-11-23T00:00:01Z"])
def test_bad_and_future_clock_times_are_sentences(text: str) -> None:
    with pytest.raises(TroubleError):
        clock.parse_time(text, NOW)


def test_a_clock_event_is_readable_by_every_worker_and_the_same_when_repeated() -> None:
    to = datetime(2018, 7, 1, tzinfo=UTC)
    event = clock.advanced(to, 3)
    value, headers = encode(event)
    assert decode(open_envelope(b"clock-3", value, headers), wall_now=NOW) == event
    assert clock.advanced(to, 3) == event
    assert clock.advanced(to, 2).id != event.id
