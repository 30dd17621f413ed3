"""What the links in messages carry: made, and read back."""

from functools import partial
from typing import get_args

from pydantic import ValidationError

from services.followup.domain.links import Links, Question, Subscription
from services.followup.domain.rules.rule import Purpose
from shared.http.key_ring import KeyRing
from shared.http.member_links import member_link
from shared.pages.readers import language_of
from shared.schemas.times import MILLISECOND, Micros

UNSUBSCRIBE, SURVEY, PREFERENCES = "unsubscribe", "survey", "preferences"


def links(base_url: str, ring: KeyRing, loyalty_url: str = "") -> Links:
    """Links to the pages, which start with ``base_url``, and to loyalty's, with ``loyalty_url``."""
    return Links(
        unsubscribe=partial(_unsubscribe_link, base_url, ring),
        preferences=partial(_preferences_link, base_url, ring),
        survey=partial(_survey_link, base_url, ring),
        member=partial(_member_link, loyalty_url, ring),
    )


def _unsubscribe_link(base_url: str, ring: KeyRing, what: Subscription) -> str:
    """A page for a GET, done by a POST (RFC 8058). It never expires."""
    fields = (what.customer_id, what.purpose, what.channel, *((what.topic,) if what.topic else ()))
    return f"{base_url}/u/{ring.sign(UNSUBSCRIBE, *fields)}"


def read_subscription(ring: KeyRing, token: str) -> Subscription | None:
    """What a good token unsubscribes from; else None."""
    fields = ring.read(UNSUBSCRIBE, token)
    if fields is None or len(fields) not in (3, 4) or fields[1] not in get_args(Purpose):
        return None
    return Subscription(*map(str, fields))


def _preferences_link(base_url: str, ring: KeyRing, customer_id: str) -> str:
    """A customer's preference centre. As what it can undo, it never expires."""
    return f"{base_url}/p/{ring.sign(PREFERENCES, customer_id)}"


def read_customer(ring: KeyRing, token: str) -> str | None:
    """Whose preferences a good token opens; else None."""
    fields = ring.read(PREFERENCES, token)
    return str(fields[0]) if fields is not None and len(fields) == 1 else None


def _member_link(
    loyalty_url: str, ring: KeyRing, customer_id: str, ends_at: Micros, locale: str | None
) -> str:
    """The member's own page, which loyalty serves."""
    return member_link(loyalty_url, ring, customer_id, ends_at, language_of(locale))


def _survey_link(base_url: str, ring: KeyRing, asked: Question) -> str:
    """A question; what it asks about and until when stand in the token."""
    closes_at = asked.closes_at // MILLISECOND
    fields = (asked.customer_id, asked.survey, asked.about_kind, asked.about_id, asked.outreach_id, closes_at)
    return f"{base_url}/s/{ring.sign(SURVEY, *fields)}"


def read_question(ring: KeyRing, token: str) -> Question | None:
    """What a good token asks, open still or not; else None."""
    fields = ring.read(SURVEY, token)
    if fields is None or len(fields) != len(Question.model_fields) or not isinstance(fields[-1], int):
        return None
    try:
        told = (*fields[:-1], fields[-1] * MILLISECOND)
        return Question.model_validate(dict(zip(Question.model_fields, told, strict=True)))
    except ValidationError:
        return None
