"""The platform's HTTP API, as the demo uses it: JSON in and out, one connection per thread, kept open."""

import http.client
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from rapport.trouble import TroubleError
from shared.schemas.services import SERVICES

T = TypeVar("T")
R = TypeVar("R")

_TIMEOUT_S = 30.0
_THREADS = 6


class Client:
    """Calls the four services by the names of their URL variables. Use as a context: it closes what it
    opened."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.urls = {name: env[f"RAPPORT_{name.upper()}_URL"] for name in SERVICES}
        self._key = env["RAPPORT_API_KEY"]
        self._own = local()
        self._opened: list[http.client.HTTPConnection] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()

    def get(self, service: str, path: str) -> Any:
        """The JSON answer. Raises TroubleError for anything but 200."""
        status, body = self.call("GET", service, path)
        if status != 200:
            raise TroubleError(f"{service} answered {status} to GET {path}: {str(body)[:200]}.")
        return body

    def items(self, service: str, path: str) -> list[Any]:
        """All items of a list, page after page, newest first."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            joint = "&" if "?" in path else "?"
            page = self.get(service, path + (f"{joint}cursor={quote(cursor)}" if cursor else ""))
            found += page["items"]
            cursor = page["cursor"]
            if not cursor:
                return found

    def call(
        self, method: str, service: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON body; ``key`` is the Idempotency-Key. Raises TroubleError if nobody answers."""
        headers = {"X-API-Key": self._key}
        if key is not None:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        for attempt in (1, 2):
            connection = self._connection(service)
            try:
                connection.request(method, path, body=content, headers=headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # The server may have closed an idle one: once more, newly opened.
                if attempt == 2:
                    raise TroubleError(
                        f"{service} at {self.urls[service]} does not answer: {error}."
                    ) from error
        raise AssertionError("unreachable")

    def map(self, function: Callable[[T], R], over: Iterable[T]) -> list[R]:
        """The results in order, several calls at a time."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(function, over))

    def _connection(self, service: str) -> http.client.HTTPConnection:
        own: dict[str, http.client.HTTPConnection] = self._own.__dict__
        if service not in own:
            place = urlsplit(self.urls[service])
            own[service] = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_TIMEOUT_S)
            self._opened.append(own[service])
        return own[service]
