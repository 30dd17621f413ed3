"""A rule's steps, one after the other, with the places to go on at: what a journey stands at is a number."""

from datetime import time
from typing import NamedTuple, TypeAlias

from services.followup.domain.rules.course import (
    BranchStep,
    SendStep,
    Step,
    WaitForStep,
    WaitStep,
    WaitUntilStep,
    step_names,
)
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.times import span
from services.followup.domain.state import Planned
from shared.schemas.times import Micros


class Say(NamedTuple):
    """Send a message, and go on when it is decided."""

    name: str
    template: str


class Pause(NamedTuple):
    span: Micros


class Until(NamedTuple):
    at: time


class Await(NamedTuple):
    what: str
    """The signal's."""
    at_most: Micros


class Choose(NamedTuple):
    """Go on at the next place where the condition is met, else at ``other``."""

    condition: str
    other: int


class Jump(NamedTuple):
    to: int


Instruction: TypeAlias = Say | Pause | Until | Await | Choose | Jump
Program: TypeAlias = tuple[Instruction, ...]


def first_said(rule: Rule | None, planned: Planned) -> Planned:
    """The message that the trigger would have begun with: of a rule with steps, the first of them."""
    first = next((one for one in program_of(rule) if isinstance(one, Say)), None) if rule else None
    return planned if first is None else planned.model_copy(update={"step": first.name})


def program_of(rule: Rule) -> Program:
    """The rule's steps. Places only rise."""
    names = iter(step_names(rule.steps))
    found: list[Instruction] = []

    def lay(steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case SendStep():
                    found.append(Say(next(names), step.send))
                case WaitStep():
                    found.append(Pause(span(step.wait)))
                case WaitUntilStep():
                    found.append(Until(step.wait_until))
                case WaitForStep():
                    found.append(Await(step.signal, span(step.wait_for.at_most)))
                case BranchStep():
                    branch(step)

    def branch(step: BranchStep) -> None:
        place = len(found)
        found.append(Jump(0))  # until its end is known
        lay(step.branch.then)
        end = len(found)
        found.append(Jump(0))
        found[place] = Choose(step.branch.if_, len(found))
        lay(step.branch.else_)
        found[end] = Jump(len(found))

    lay(rule.steps)
    return tuple(found)
