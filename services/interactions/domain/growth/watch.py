"""What each event of a customer means for people at the desk: thanks, work that is done, work that came."""

from dataclasses import replace

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.growth.arrivals import arrivals
from services.interactions.domain.growth.thanks import with_thanks
from services.interactions.domain.growth.work import work_rows
from services.interactions.domain.state import Customer
from services.interactions.domain.telling import Told
from shared.domain import Effects, Increment, Put


def watched(desk: Desk, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With what is to be told, and the rows that have changed."""
    effects = with_thanks(desk, before, effects, told)
    after = effects.state
    more: tuple[Put | Increment, ...] = (*work_rows(before, after), *arrivals(before, after))
    return replace(effects, rows=(*effects.rows, *more)) if more else effects
