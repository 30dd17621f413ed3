"""A batch in steps: whole, most often; where the store refuses a step for good, smaller and smaller ones,
until what is at fault stands alone."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from shared.domain import S
from shared.journal.course import LiftTooSoonError
from shared.journal.step import Step
from shared.runtime.words import words
from shared.worker.processing import Message

Begin: TypeAlias = Callable[[Sequence[Message], int], Step[S]]
"""Makes a step of messages that are left, of at most so many events."""
Transact: TypeAlias = Callable[[Step[S]], Awaitable[None]]
"""Reads the timers that are due, cuts the step to its size and lets it take effect. Raises
``UnstorableError``, ``StatesTooLargeError`` or ``LiftTooSoonError``: nothing of the step is written then."""
SetAside: TypeAlias = Callable[[Step[S], Exception], Awaitable[None]]
"""Dead-letters a step's only message or timer, which the store refused with this error."""

WHOLE = sys.maxsize


class UnstorableError(Exception):
    """The store refused a step for good; ``error`` is what it said."""

    def __init__(self, error: Exception) -> None:
        super().__init__(words(error))
        self.error = error


class StatesTooLargeError(Exception):
    """A step needs more states than may be in memory at once."""


async def in_steps(
    messages: Sequence[Message], begin: Begin[S], transact: Transact[S], set_aside: SetAside[S]
) -> None:
    """Let messages, and the timers that fall due among them, take effect in their order.

    A step that is refused for good is tried at half its size; one that was not lets the next be twice as
    large. No timer is carried from one step to the next: each reads what is due then, as the step before may
    have set, moved or cancelled it.
    """
    left, most = messages, WHOLE
    while True:
        step = begin(left, most)
        try:
            await transact(step)
        except (StatesTooLargeError, LiftTooSoonError):
            most = max(1, step.size // 2)
            continue
        except UnstorableError as unstorable:
            if most > 1:  # at most one event, and none of the timers that it sets itself
                most = max(1, step.size // 2)
                continue
            await set_aside(step, unstorable.error)
        if step.last:
            return
        left = left[len(step.messages) :]
        most = min(most * 2, WHOLE)
