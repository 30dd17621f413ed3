"""The links of a message: what they lead to, and how templates ask for them. Pure: who signs is passed in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, cast

from services.followup.domain.rules.surveys import Surveys
from services.followup.domain.state import Outreach
from shared.schemas.base import ID_PATTERN, Frozen, Id
from shared.schemas.feedback import SCORES
from shared.schemas.times import DAY, Micros

MESSAGE = "outreach"
"""What a question is about that a template asks about nothing in particular: the message itself, so that of
two answers to it the later holds."""
POINTS_LINK_LASTS: Micros = 90 * DAY
"""From when the message was due. The page shows vouchers' codes, which are worth money."""
PLACEHOLDER = re.compile(r"<\w+>").fullmatch
"""What previews show in place of a variable of a trigger that has not happened."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one link unsubscribes from."""

    customer_id: str
    purpose: str
    channel: str
    topic: str | None = None
    """Of the message's consent, where it had one."""


class Question(Frozen):
    """What one link asks, of whom, and until when."""

    customer_id: str
    survey: Literal["nps", "csat", "ces"]
    about_kind: Id
    about_id: Id
    outreach_id: Id
    """The message that asks."""
    closes_at: Micros
    """To the millisecond; an answer at this time is too late."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes signed links to the pages."""

    unsubscribe: Callable[[Subscription], str]
    preferences: Callable[[str], str]
    """Of the customer of this id."""
    survey: Callable[[Question], str]
    member: Callable[[str, Micros, str | None], str]
    """To the points of the customer of this id, until when, in the language of which locale."""


def for_template(
    links: Links, surveys: Surveys, customer_id: str, outreach: Outreach, locale: str | None = None
) -> Mapping[str, Any]:
    """What a message's template sees: ``preferences_url``, ``survey_link(survey, about_kind, about_id)``, to
    which ``?score=9`` may be added, and ``points_link()``. ``locale``: the customer's."""
    asking = partial(_survey_link, links, surveys, customer_id, outreach)
    points = partial(links.member, customer_id, outreach.due_at + POINTS_LINK_LASTS, locale)
    return {"preferences_url": links.preferences(customer_id), "survey_link": asking, "points_link": points}


@cache
def example_links() -> Mapping[str, Any]:
    """Stand-ins of ``for_template``, to try a template with: what it asks for wrongly is refused here too."""
    outreach = Outreach(
        at=0, by=0, outreach_id="outreach", key="", rule="", template="", purpose="", channel="", due_at=0
    )
    nowhere = Links(
        unsubscribe=lambda _: "https://example.org/u",
        preferences=lambda _: "https://example.org/p",
        survey=lambda _: "https://example.org/s",
        member=lambda *_: "https://example.org/m",
    )
    return for_template(nowhere, Surveys(), "customer", outreach)


def _survey_link(
    links: Links,
    surveys: Surveys,
    customer_id: str,
    outreach: Outreach,
    survey: str,
    about_kind: str | None = None,
    about_id: str | None = None,
) -> str:
    """Raises ``ValueError``, which a template's error quotes."""
    if survey not in SCORES:
        raise ValueError(f"survey_link: there is no survey {survey}, only {', '.join(SCORES)}")
    known = about_kind and about_id and not PLACEHOLDER(str(about_id))
    kind, id = (about_kind, about_id) if known else (MESSAGE, outreach.outreach_id)
    for name in (kind, id):
        if not re.fullmatch(ID_PATTERN, str(name)):
            raise ValueError(f"survey_link: {str(name)[:64]!r} is no id")
    asked = cast(Literal["nps", "csat", "ces"], survey)
    closes_at = surveys.closes_at(asked, outreach.due_at)
    return links.survey(
        Question(
            customer_id=customer_id,
            survey=asked,
            about_kind=str(kind),
            about_id=str(id),
            outreach_id=outreach.outreach_id,
            closes_at=closes_at,
        )
    )
