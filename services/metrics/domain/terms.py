"""What a customer subscribes to, as terms without a break: when each such run began and ended, and how.

Of two terms the later told holds, by event time, and a cancellation ends the term that held at its time: one
from before a new term ends nothing, whichever is heard first. Of a term and a cancellation of one instant
the later in the log holds. Terms of several subscriptions that overlap, or follow on one another on the same
day, are one run: the customer stays.

A run counts on the day it begins and on the day it ends, with the gap to the run beside it, so that whoever
reads the counts may say how late a renewal may be.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.metrics.domain.blame import Cause, blamed_until
from services.metrics.domain.causes import named
from services.metrics.domain.cells import DayChange
from services.metrics.domain.churn_policy import LONGEST_GRACE
from services.metrics.domain.gaps import NEVER
from services.metrics.domain.parts import TermStep
from services.metrics.domain.places import escape
from shared.facts.names import name_of
from shared.schemas.event import Event
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionTerm
from shared.schemas.times import DAY, Micros, day_of, micros

BEGUN, ENDED = "begun:", "ended:"
CANCELLED, EXPIRED = "c", "e"
MOST_SUBSCRIPTIONS = 50
"""So many are kept apart of a customer: those that were heard of last, by event time."""
MOST_STEPS = 200
"""So many terms and cancellations of one; older ones are put together."""
LATE: Micros = LONGEST_GRACE * DAY
"""A cancellation so long after a term ran out says how it ended; one after that nothing."""
TOGETHER = ""
"""What those are kept under that are not kept apart; no subscription has that name."""

Steps = list[TermStep]


class Run(NamedTuple):
    """Terms without a break."""

    start: Micros
    end: Micros
    cancelled: bool
    """Else it ran out, or will."""
    reason: str
    """Why it was cancelled, if that was stated."""


def step_of(event: Event, at: Micros) -> TermStep:
    """A term or a cancellation as the record keeps it."""
    data = event.data
    if isinstance(data, SubscriptionTerm):
        name = name_of(event)
        assert name is not None
        return TermStep(at, micros(data.expires_at), told=int.from_bytes(name.told))
    assert isinstance(data, SubscriptionCancelled)
    ends = at if data.ends_at is None else micros(data.ends_at)
    return TermStep(at, ends, cancels=True, reason=named(data.reason) or "")


def known_as(steps: Iterable[TermStep], new: TermStep) -> TermStep | None:
    """What is known under the same name: a term's is its end; a cancellation has none, it says what is
    known."""
    if new.cancels:
        return next((step for step in steps if step == new), None)
    return next((step for step in steps if not step.cancels and step.ends == new.ends), None)


def with_step(steps: Sequence[TermStep], new: TermStep) -> Steps:
    """With one more, by event time; after those of its instant."""
    place = bisect_right(steps, new.at, key=_at)
    return [*steps[:place], new, *steps[place:]]


def _at(step: TermStep) -> Micros:
    return step.at


def _single(steps: Iterable[TermStep]) -> list[Run]:
    """The runs of one subscription; a cancellation from before any term does nothing."""
    found: list[Run] = []
    for step in steps:
        last = found[-1] if found else None
        if not step.cancels:
            begun = last is not None and step.at <= last.end
            run = Run(last.start if last and begun else step.at, max(step.ends, step.at), False, "")
            found = [*found[:-1], run] if begun else [*found, run]
        elif last is not None and step.at <= last.end + LATE:
            end = last.end if step.at > last.end else max(step.ends, last.start)
            found[-1] = Run(last.start, end, True, step.reason)
    return found


def _together(single: Iterable[Run]) -> list[Run]:
    """Runs of several subscriptions as those of the customer."""
    found: list[Run] = []
    for run in sorted(single):
        last = found[-1] if found else None
        if last is None or day_of(run.start) > day_of(last.end):
            found.append(run)
        elif run[1:] >= last[1:]:
            found[-1] = run._replace(start=last.start)
    return found


def any_of(subscriptions: Mapping[str, Steps]) -> bool:
    """Whether there is a term of any."""
    return any(not step.cancels for steps in subscriptions.values() for step in steps)


def runs(subscriptions: Mapping[str, Steps]) -> list[Run]:
    """The runs of a customer, of all subscriptions together, in order."""
    return _together(run for steps in subscriptions.values() for run in _single(steps))


def counted(runs: Sequence[Run], causes: Sequence[Cause], *, others: bool = False) -> Iterator[DayChange]:
    """What the runs count as: ``begun:<gap to a run before that ran out>`` and
    ``ended:<how><gap to the next>:<length>:<why>``. ``others``: there were runs before that are no longer
    kept, so that the first has counted its begin for good."""
    for i, run in enumerate(runs):
        start, end = day_of(run.start), day_of(run.end)
        before = runs[i - 1] if i else None
        if before is not None or not others:
            late = before is not None and not before.cancelled
            yield start, f"{BEGUN}{start - day_of(before.end) if before and late else NEVER}", 1
        gap = str(day_of(runs[i + 1].start) - end) if i + 1 < len(runs) else NEVER
        why = f"s{escape(run.reason)}" if run.reason else blamed_until(end, causes)
        yield end, f"{ENDED}{CANCELLED if run.cancelled else EXPIRED}{gap}:{end - start}:{why}", 1


def trimmed(subscriptions: Mapping[str, Steps], oldest: Micros) -> tuple[dict[str, Steps], bool]:
    """Without what is too old, or too much, to be corrected, and whether runs went: all that ended before
    ``oldest``, but for the last of them, which a new one may still follow."""
    short = {name: _short(steps, oldest) for name, steps in subscriptions.items()}
    kept = {name: steps for name, steps in short.items() if steps}
    if len(kept) > MOST_SUBSCRIPTIONS:
        ranked = sorted(kept, key=lambda name: (kept[name][-1].at, name), reverse=True)
        rest = [run for name in ranked[MOST_SUBSCRIPTIONS - 1 :] for run in _single(kept[name])]
        kept = {name: kept[name] for name in ranked[: MOST_SUBSCRIPTIONS - 1]}
        kept[TOGETHER] = [step for run in _together(rest) for step in _steps(run)]
    over = [run for run in runs(kept) if run.end < oldest][:-1]
    if not over:
        return kept, False
    left = {name: [step for step in steps if step.at > over[-1].end] for name, steps in kept.items()}
    return {name: steps for name, steps in left.items() if steps}, True


def _short(steps: Steps, oldest: Micros) -> Steps:
    """Those that are old put together, run by run."""
    cut = max(bisect_right(steps, oldest, key=_at), len(steps) - MOST_STEPS)
    if cut <= 2:
        return steps
    old = [step for run in _single(steps[:cut]) for step in _steps(run)]
    return [*old, *steps[cut:]] if len(old) < cut else steps


def _steps(run: Run) -> Iterator[TermStep]:
    """A run as one term, and perhaps its cancellation."""
    yield TermStep(run.start, run.end)
    if run.cancelled:
        yield TermStep(run.start, run.end, cancels=True, reason=run.reason)
