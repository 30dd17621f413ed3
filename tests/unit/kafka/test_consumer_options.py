"""What a worker asks of its group."""

import pytest

from shared.kafka.librdkafka_consumer import consumer_options


@pytest.mark.parametrize("session", [1, 10, 300])
def test_a_member_hears_soon_that_another_went(session: float) -> None:
    """It hears by its heartbeats; every 2.5 s, a fourth of a session, took a handover above its 3 s."""
    told = consumer_options("rapport-x", session_seconds=session, poll_seconds=300)
    assert told["heartbeat.interval.ms"] <= 500
    assert told["heartbeat.interval.ms"] * 4 <= told["session.timeout.ms"] == session * 1000
