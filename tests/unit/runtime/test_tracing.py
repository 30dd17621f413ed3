"""Trace context passes through without an SDK, and a bad one goes nowhere."""

import pytest

from shared.runtime.tracing import child_traceparent, current_trace_id, current_traceparent, span

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_child_is_of_its_parents_trace() -> None:
    child = child_traceparent(PARENT)
    assert child is not None
    version, trace, _, flags = child.split("-")
    assert (version, trace, flags) == ("00", PARENT.split("-")[1], "01")


@pytest.mark.parametrize("bad", [None, "", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_no_parent_no_child(bad: str | None) -> None:
    assert child_traceparent(bad) is None


def test_a_block_runs_under_what_its_event_carries() -> None:
    assert current_traceparent() is None
    with span("handle", PARENT):
        assert current_trace_id() == PARENT.split("-")[1]
        inner = current_traceparent()
        assert inner is not None
        with span("another event"):
            assert current_traceparent() is None, "an event's parent is its own, not its reader's"
    assert current_trace_id() is None
