"""Effects put together: none, and one step after another."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.followup.domain.state import Customer
from shared.domain import Context, Effects, Outcome, Unseen
from shared.schemas.base import Data
from shared.schemas.event import Event
from shared.schemas.times import Micros

Step = Callable[[Customer], Effects[Customer]]
NewId = Callable[[str], str]
"""``Context.new_id``: an id made of the event and a tag."""


def nothing(state: Customer) -> Effects[Customer]:
    """No effect but this state, which may be the old one."""
    return Effects(state)


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer says by a page of ours."""

    facts: tuple[tuple[Data, Micros], ...]
    """What is told to everybody, and when it happened."""
    outcome: Outcome
    more: Step = nothing
    """What else it does, once these are heard."""


def unseen(effects: Effects[Customer], event: Event, context: Context) -> Effects[Customer]:
    """The effects of an event whose id counts as not seen."""
    return replace(effects, unseen=(Unseen(event, context.origin),))


def then(effects: Effects[Customer], step: Step) -> Effects[Customer]:
    """The effects, followed by those of ``step`` on the state they leave."""
    more = step(effects.state)
    return Effects(
        more.state,
        effects.emits + more.emits,
        effects.timers + more.timers,
        effects.rows + more.rows,
        more.outcome,
    )
