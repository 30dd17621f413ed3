"""Effects put together: none, and one step after another."""

from collections.abc import Callable
from dataclasses import replace

from services.followup.domain.state import Customer
from shared.domain import Context, Effects, Unseen
from shared.schemas.event import Event

Step = Callable[[Customer], Effects[Customer]]
NewId = Callable[[str], str]
"""``Context.new_id``: an id made of the event and a tag."""


def nothing(state: Customer) -> Effects[Customer]:
    """No effect but this state, which may be the old one."""
    return Effects(state)


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
