"""When the customer was in touch, about what, and what they said when asked."""

from services.followup.domain.history.state import Contacts, Review, Score
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import Micros

MOST_CONTACTS = 50
"""How many kinds of contacts are kept, of a product each: those that came last."""
MOST_TIMES = 5
"""How many times are kept of each: the latest."""
MOST_SKUS = 10
"""How many products count of one contact."""
MOST_REVIEWS = 20
"""How many reviews are kept: the latest, one a product."""


def contact(known: tuple[Contacts, ...], data: InteractionLogged, at: Micros) -> tuple[Contacts, ...]:
    """With one contact, under each of the products that it was about."""
    for sku in dict.fromkeys(data.skus[:MOST_SKUS] or (None,)):
        place = (data.kind, data.direction, sku)
        old = next((one for one in known if (one.kind, one.direction, one.sku) == place), None)
        times = tuple(sorted({at, *(old.times if old else ())}, reverse=True)[:MOST_TIMES])
        new = Contacts(kind=data.kind, direction=data.direction, sku=sku, times=times)
        every = sorted((*(one for one in known if one is not old), new), key=_place, reverse=True)
        known = tuple(every[:MOST_CONTACTS])
    return known


def _place(one: Contacts) -> tuple[Micros, str, str, str]:
    return one.times[0], one.kind, one.direction, one.sku or ""


def answered(known: tuple[Score, ...], data: SurveyAnswered, at: Micros) -> tuple[Score, ...]:
    """With an answer, if it is the latest to its survey; of one instant the later in the log holds."""
    if any(one.survey == data.survey and one.at > at for one in known):
        return known
    others = (one for one in known if one.survey != data.survey)
    return tuple(sorted((*others, Score(data.survey, data.score, at))))


def reviewed(known: tuple[Review, ...], data: ReviewPosted, at: Micros) -> tuple[Review, ...]:
    """With a review, if it is the latest of its product."""
    if any(one.sku == data.sku and one.at > at for one in known):
        return known
    others = (one for one in known if one.sku != data.sku)
    every = sorted((*others, Review(data.sku, data.rating, at)), key=lambda one: (one.at, one.sku))
    return tuple(every[-MOST_REVIEWS:])
