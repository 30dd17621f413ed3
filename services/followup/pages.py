"""Followup's pages behind links: in whose name and words. Their routes say what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import Request

from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import zone
from services.followup.domain.state import Customer
from shared.http import linked
from shared.http.linked import Words
from shared.pages.readers import reader

FOLDER = Path(__file__).parent / "templates" / "pages"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
"""Of a form that is read."""


@dataclass(frozen=True, slots=True)
class Page:
    """Makes the answers to one request."""

    policy: Policy
    """By the version in force."""
    accepted: str
    """The request's ``Accept-Language``."""

    def to(self, customer: Customer | None) -> Words:
        """The page in the customer's language."""
        rules = self.policy.rules
        locale, timezone = (None, None) if customer is None else (customer.locale, customer.timezone)
        return Words(
            reader([locale], self.accepted, zone(timezone, rules.timezone)), rules.sender.name, FOLDER
        )


def page_of(request: Request) -> Page:
    """What answers a request, by any version of the rules."""
    return Page(request.app.state.policy, request.headers.get("accept-language", ""))


def _to_anybody(request: Request) -> Words:
    return page_of(request).to(None)


page_router = partial(linked.page_router, _to_anybody)
"""A router of followup's pages."""


async def read_form(request: Request) -> Mapping[str, list[str]]:
    """The fields of a form as browsers send it; empty for any other body, such as a mail program's."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return {}
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qs(body, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
