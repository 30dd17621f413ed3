"""The events behind a figure: read from interactions, which has them, in pages.

The caller's own credentials go along: nobody is shown more than interactions would show them.
"""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx
import structlog

from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.why import Choose, Span
from services.metrics.figures_store import FiguresStore
from shared.http.auth import forbidden
from shared.http.paging import Page, bad_cursor
from shared.http.problems import ProblemError
from shared.runtime.words import words
from shared.schemas.base import Frozen
from shared.schemas.times import DAY, micros, moment
from shared.schemas.topics import TYPES

TIMEOUT_S = 5.0
MOST_PAGES = 10
"""So many pages of interactions are looked through for one of ours."""
CREDENTIALS = ("x-api-key", "authorization")

log = structlog.get_logger(__name__)


class Told(Frozen):
    """An event of interactions' list, as far as it is used here."""

    id: str
    source: str
    type: str
    time: datetime
    customer_id: str
    summary: str
    note: str | None = None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interactions:
    """Its API, as a caller sees it."""

    url: str | None
    credentials: Mapping[str, str]
    trust: ssl.SSLContext
    transport: httpx.AsyncBaseTransport | None = None
    """For tests."""

    async def told(
        self, types: Sequence[str], since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> Page[Told]:
        """A page of the events of these types. Raises 503 ``why_unavailable``, 403, 422."""
        if self.url is None:
            raise _away()
        query: dict[str, Any] = {"type": types, "from": since.isoformat(), "to": until.isoformat()}
        query |= {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        try:
            client = httpx.AsyncClient(timeout=TIMEOUT_S, verify=self.trust, transport=self.transport)
            async with client:
                answer = await client.get(
                    f"{self.url.rstrip('/')}/events", params=query, headers=dict(self.credentials)
                )
            if answer.status_code == 403:
                raise forbidden("customers:read")
            if answer.status_code == 422 and cursor is not None:
                problem = answer.json()
                raise ProblemError(422, problem["code"], problem["detail"], errors=problem.get("errors"))
            answer.raise_for_status()
            return Page[Told].model_validate_json(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
            log.warning("the events behind a figure cannot be read", error=words(error))
            raise _away() from error


class Asked(Protocol):
    """A figure whose events are asked for."""

    @property
    def spans(self) -> Sequence[Span]: ...

    def chooser(self, customer: Tracked) -> Choose | None: ...


async def behind(
    figure: Asked,
    interactions: Interactions,
    store: FiguresStore,
    *,
    segment: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[tuple[Told, str]], str | None]:
    """The next events that the figure rests on, each with what its customer is in it: ``limit`` at most, the
    newest first, and the cursor of those after them; there may be none in a page that is not the last."""
    place, inner = _place(cursor, len(figure.spans))
    for _ in range(MOST_PAGES):
        span = figure.spans[place]
        types = [event.event_type for event in span.types]
        since, until = moment(span.first * DAY), moment((span.last + 1) * DAY)
        page = await interactions.told(types, since, until, inner, limit)
        records = await store.records({one.customer_id for one in page.items})
        found = _of_page(figure, page.items, records, segment)
        inner = page.cursor
        place += inner is None
        following = None if place == len(figure.spans) else f"{place}.{inner or ''}"
        if found or following is None:
            return found, following
    return [], following


def _place(cursor: str | None, spans: int) -> tuple[int, str | None]:
    """Which of the spans, and where in it. Raises 422 ``invalid_cursor``."""
    if cursor is None:
        return 0, None
    number, _, inner = cursor.partition(".")
    if not re.fullmatch("[0-9]", number) or int(number) >= spans:
        raise bad_cursor()
    return int(number), inner or None


def _of_page(
    figure: Asked, items: Sequence[Told], records: Mapping[str, Customer], segment: str | None
) -> list[tuple[Told, str]]:
    choosers = {
        name: choose
        for name, customer in records.items()
        if (segment is None or customer.segment == segment)
        and (choose := figure.chooser(Tracked(customer))) is not None
    }
    found = []
    for one in items:
        choose = choosers.get(one.customer_id) if one.note is None else None
        if choose is not None:
            role = choose(TYPES[one.type].model_validate(one.data), micros(one.time))
            if role is not None:
                found.append((one, role))
    return found


def _away() -> ProblemError:
    return ProblemError(503, "why_unavailable", "Interactions, which has the events, does not answer.")
