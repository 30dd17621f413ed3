"""The platform's HTTP APIs, as commands use them: JSON in and out, one connection per thread, kept open."""

import http.client
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any, BinaryIO, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from rapport.connections import to_api
from rapport.home import Home, read_env
from rapport.trouble import TroubleError
from shared.runtime.https import untrusted
from shared.schemas.services import SERVICES

T = TypeVar("T")
R = TypeVar("R")

_TIMEOUT_S = 30.0
_THREADS = 6
_PIECE = 256 * 1024


def url_variable(service: str) -> str:
    """The variable that says where a service's API is reached."""
    return f"RAPPORT_{service.upper()}_URL"


def reached_env(service: str, environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The variables for a ``Client`` of this service: these, else those of the stack that runs in this home.
    Raises TroubleError where neither names its API or a key."""
    environ = os.environ if environ is None else environ
    variable = url_variable(service)
    found = environ if environ.get(variable) else read_env(Home.find(environ))
    if not found.get(variable):
        raise TroubleError(
            f"No API of {service} is known here: start the platform with `rapport up`, or set {variable}."
        )
    if not found.get("RAPPORT_API_KEY"):
        raise TroubleError(f"{found[variable]} needs a key: set RAPPORT_API_KEY.")
    return found


class Answer(NamedTuple):
    """As it came."""

    status: int
    body: bytes


class Client:
    """Calls services by the names of their URL variables. Use as a context: it closes what it opened."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """``env`` has the key, and the URL of each service that is called."""
        self.urls = {name: url for name in SERVICES if (url := env.get(url_variable(name)))}
        self._env, self._key = env, env["RAPPORT_API_KEY"]
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

    def page(self, service: str, path: str) -> str:
        """The HTML answer. Raises TroubleError for anything but 200."""
        answer = self._ask("GET", service, path, None, {"X-API-Key": self._key, "Accept": "text/html"})
        if answer.status != 200:
            raise TroubleError(f"{service} answered {answer.status} to GET {path}.")
        return answer.body.decode()

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
        answer = self._ask(method, service, path, content, headers)
        return answer.status, self._read(service, answer.status, answer.body)

    def fetch(
        self, service: str, path: str, accept: str, into: BinaryIO, report: Callable[[int], None]
    ) -> Answer:
        """A long answer: of 200 the body goes ``into`` a file as it comes, and ``report`` hears how many
        bytes there are by now; else it is in the answer. Raises TroubleError if nobody answers, or not in
        full."""
        headers = {"X-API-Key": self._key, "Accept": accept}

        def taken(answer: http.client.HTTPResponse) -> bytes:
            if answer.status != 200:
                return answer.read()
            into.seek(0)
            into.truncate()
            while piece := answer.read(_PIECE):
                into.write(piece)
                report(into.tell())
            if answer.length:  # read piece by piece, what is cut short looks like an end
                raise http.client.IncompleteRead(b"", answer.length)
            return b""

        return self._ask("GET", service, path, None, headers, taken)

    def _ask(
        self,
        method: str,
        service: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        taken: Callable[[http.client.HTTPResponse], bytes] = http.client.HTTPResponse.read,
    ) -> Answer:
        for attempt in (1, 2):
            connection = self._connection(service)
            try:
                connection.request(method, self._base(service) + path, body=content, headers=dict(headers))
                answer = connection.getresponse()
                return Answer(answer.status, taken(answer))
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # The server may have closed an idle one: once more, newly opened.
                if attempt == 2:
                    url = self.urls[service]
                    said = untrusted(error, url, url_variable(service))
                    raise TroubleError(said or f"{service} at {url} does not answer: {error}.") from error
        raise AssertionError("unreachable")

    def map(self, function: Callable[[T], R], over: Iterable[T]) -> list[R]:
        """The results in order, several calls at a time."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(function, over))

    def _read(self, service: str, status: int, body: bytes) -> Any:
        try:
            return json.loads(body or b"null")
        except ValueError:
            raise TroubleError(
                f"{service} at {self.urls[service]} answered {status} without JSON: is that its API?"
            ) from None

    def _base(self, service: str) -> str:
        return urlsplit(self.urls[service]).path.rstrip("/")

    def _connection(self, service: str) -> http.client.HTTPConnection:
        own: dict[str, http.client.HTTPConnection] = self._own.__dict__
        if service not in own:
            own[service] = to_api(self.urls[service], self._env, _TIMEOUT_S)
            self._opened.append(own[service])
        return own[service]
