"""Bisection: a step that the store refuses for good is halved until what is at fault stands alone."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from shared.domain import S
from shared.journal.step import Step

Transact: TypeAlias = Callable[[Step[S]], Awaitable[None]]
"""Lets a step take effect. Raises ``UnstorableError``, and nothing of the step is written then."""
SetAside: TypeAlias = Callable[[Step[S], Exception], Awaitable[None]]
"""Dead-letters a step's only message or timer, which the store refused with this error."""


class UnstorableError(Exception):
    """The store refused a step for good; ``error`` is what it said."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def by_halves(step: Step[S], transact: Transact[S], set_aside: SetAside[S]) -> None:
    """Let a step take effect: whole, or by halves where the store refuses it for good.

    Raises ``UnstorableError`` where the store refuses even a step of nothing (its watermark).
    """
    try:
        await transact(step)
    except UnstorableError as unstorable:
        if step.size == 0:
            raise
        if step.size == 1:
            await set_aside(step, unstorable.error)
            return
        first, second = halves(step)
        await by_halves(first, transact, set_aside)
        await by_halves(second, transact, set_aside)


def halves(step: Step[S]) -> tuple[Step[S], Step[S]]:
    """The earlier half of a step of two or more, by time, and the later one. Pure."""
    messages, due = step.messages, step.due
    times = sorted([*(t.due_at for t in due), *(m.at for m in messages)])
    middle = times[(len(times) - 1) // 2]
    late_messages, late_due = [m for m in messages if m.at > middle], [t for t in due if t.due_at > middle]
    if late_messages or late_due:
        early_messages, early_due = (
            [m for m in messages if m.at <= middle],
            [t for t in due if t.due_at <= middle],
        )
    else:  # nothing is later than the middle: timers first, then the messages by halves
        half = len(messages) // 2 if not due else 0
        early_messages, early_due, late_messages = list(messages[:half]), list(due), list(messages[half:])
    first = replace(
        step, messages=early_messages, due=early_due, horizon=min(step.horizon, middle), states={}
    )
    return first, replace(step, messages=late_messages, due=late_due, states={})
