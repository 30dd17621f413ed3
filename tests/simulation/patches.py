"""What the code under test asks of the machine by itself is the simulation's meanwhile."""

import contextlib
import random
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import structlog.testing

from services.followup import sender
from services.followup.sending import flow, queue, ready
from services.metrics.journal import processor as metrics
from shared.journal import drafting, eraser
from shared.journal import processor as journal
from shared.kafka import publisher as publishing
from shared.worker import batching, commits, lag, member, retry
from shared.worker import loop as looping
from shared.worker.budget import Budget
from tests.simulation.scenario import Scenario
from tests.unit.journal import kiosk


@contextlib.contextmanager
def patched(run: Scenario, clock: Callable[[], float]) -> Iterator[None]:
    """Meanwhile the dice are the seed's, monotonic time is this clock's, and the limits are the run's."""
    dice = random.Random(run.seed)
    # Which of two partitions is first is no one's promise.
    gifts = kiosk.GIFTS if run.partitions == 1 else 10_000
    instead: list[tuple[Any, str, Any]] = [
        (drafting, "TIMERS_A_STEP", run.timers_a_step),
        (journal, "random", dice),
        (retry, "random", dice),
        (kiosk, "GIFTS", gifts),
        *((module, "time", SimpleNamespace(monotonic=clock)) for module in (sender, flow, queue, ready)),
        *((module, "Budget", partial(Budget, run.memory)) for module in (looping, journal, metrics)),
        (member, "ATTEND_SECONDS", member.ATTEND_SECONDS * run.patience),
        (publishing, "WATCH_SECONDS", publishing.WATCH_SECONDS * run.patience),
        *((module, "monotonic", clock) for module in (batching, commits, eraser, lag, member, publishing)),
    ]
    with structlog.testing.capture_logs(), contextlib.ExitStack() as stack:
        for module, name, value in instead:
            if hasattr(module, name):
                stack.enter_context(mock.patch.object(module, name, value))
        yield
