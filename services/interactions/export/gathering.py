"""What the four services hold of a person: this one by its own store, the others by their APIs."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.export.held import HOLDING
from services.interactions.settings import InteractionsSettings
from shared.runtime.https import untrusted
from shared.runtime.mongo import Document
from shared.schemas.services import SERVICES

TIMEOUT_S = 30.0
"""Without a byte from a service."""


class ServiceSilentError(Exception):
    """A service does not tell what it holds, or not all of it."""

    def __init__(self, service: str, why: str) -> None:
        super().__init__(f"{service} {why}")
        self.service = service
        self.why = why


@dataclass(frozen=True, slots=True)
class Held:
    """A row of a service."""

    service: str
    collection: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the services are asked."""

    database: AsyncDatabase[Document]
    urls: Mapping[str, str | None]
    key: str | None
    erased_by: bytes
    """The key of erased ids' hashes."""
    trust: ssl.SSLContext
    transport: httpx.AsyncBaseTransport | None = None
    """For tests."""

    async def held(self, ids: Sequence[str]) -> AsyncIterator[Held]:
        """All rows about these ids, service by service, of each as it sorts them. Raises
        ``ServiceSilentError``: then what was told so far is not all."""
        # A redirect could lead the key away, so none is followed.
        async with httpx.AsyncClient(
            timeout=TIMEOUT_S, verify=self.trust, transport=self.transport
        ) as client:
            for service in SERVICES:
                for id in ids:
                    told = (
                        HOLDING.told(self.database, id, self.erased_by)
                        if service == HOLDING.service
                        else self._lines(client, service, id)
                    )
                    async for one in _whole(service, id, told):
                        yield one

    async def _lines(self, client: httpx.AsyncClient, service: str, id: str) -> AsyncIterator[dict[str, Any]]:
        url = self.urls[service]
        if url is None:
            raise ServiceSilentError(service, f"is not known here: RAPPORT_{service.upper()}_URL is not set")
        if self.key is None:
            raise ServiceSilentError(service, "cannot be asked: RAPPORT_EXPORT_API_KEY is not set")
        try:
            asked = client.stream(
                "GET", f"{url.rstrip('/')}/customers/{id}/held", headers={"X-API-Key": self.key}
            )
            async with asked as answer:
                if answer.status_code != 200:
                    raise ServiceSilentError(service, f"answered {answer.status_code}")
                async for line in answer.aiter_lines():
                    yield json.loads(line)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = untrusted(error, url, f"RAPPORT_{service.upper()}_URL") or type(error).__name__
            raise ServiceSilentError(service, f"does not answer ({why.rstrip('.')})") from error
        except ValueError as error:
            raise ServiceSilentError(service, "answered what is no list of rows") from error


async def _whole(service: str, id: str, told: AsyncIterator[dict[str, Any]]) -> AsyncIterator[Held]:
    """The rows of an answer that says at last that these were all."""
    seen: dict[str, int] = {}
    end: dict[str, Any] | None = None
    async for one in told:
        if "end" in one:
            end = one["end"]
            continue
        seen[one["collection"]] = seen.get(one["collection"], 0) + 1
        yield Held(service, one["collection"], one["row"])
    if end is None:
        raise ServiceSilentError(service, "stopped in the middle of its answer")
    counted = {name: n for name, n in end["rows"].items() if n}
    if (end["service"], end["customer"], counted) != (service, id, seen):
        raise ServiceSilentError(service, "answered for something else")


def sources_of(settings: InteractionsSettings, database: AsyncDatabase[Document]) -> Sources:
    """As the settings name them."""
    key = settings.export_api_key or settings.api_key
    return Sources(
        database,
        {service: getattr(settings, f"{service}_url") for service in SERVICES},
        None if key is None else key.get_secret_value(),
        settings.erased_by,
        settings.https_trust,
    )
