"""Batches to ``POST /events``: what is away is waited for, what is refused is told by row, the rest goes."""

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rapport.client import url_variable
from rapport.connections import to_api
from rapport.trouble import TroubleError
from shared.runtime.https import untrusted

BATCH = "application/cloudevents-batch+json"
_TIMEOUT_S = 60.0
_FIRST_WAIT_S, _MOST_WAIT_S = 0.5, 30.0
_AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Sent(NamedTuple):
    """An event on its way, with the row that it was made of."""

    row: int
    raw: bytes


class Refused(NamedTuple):
    """A row that the API refuses, or of which something has no effect."""

    row: int
    reason: str


class _Answer(NamedTuple):
    status: int
    retry_after: float | None
    body: bytes


class Sender:
    """One connection, kept open. Not for several threads."""

    def __init__(
        self,
        url: str,
        env: Mapping[str, str],
        *,
        patience_s: float,
        waiting: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``env`` has the key. ``patience_s``: how long an API that is away is waited for. ``waiting`` hears
        why, each time."""
        self._connection = to_api(url, env, _TIMEOUT_S)
        self._url, self._path = url, f"{urlsplit(url).path.rstrip('/')}/events"
        self._headers = {"X-API-Key": env["RAPPORT_API_KEY"], "Content-Type": BATCH}
        self._patience, self._waiting, self._clock = patience_s, waiting, clock
        self._stopped = Event()

    def close(self) -> None:
        self._connection.close()

    def stop(self) -> None:
        """Wait for nothing any more: what is being sent may still come to its end."""
        self._stopped.set()

    def send(self, events: Sequence[Sent]) -> list[Refused]:
        """Returns when all are in the log but those of the rows that it gives. Raises ``TroubleError``, after
        which some may be in the log: the same again has no second effect."""
        refused: dict[int, str] = {}
        left = list(events)
        while left:
            answer = self._patiently(b"[" + b",".join(event.raw for event in left) + b"]")
            match answer.status:
                case 202:
                    refused |= _vain_rows(left, answer.body)
                    break
                case 413 if len(left) > 1:
                    half = len(left) // 2
                    found = self.send(left[:half]) + self.send(left[half:])
                    return [Refused(*one) for one in (*refused.items(), *found)]
                case 413:
                    bad = {left[0].row: "is too large for an event"}
                case 422:
                    bad = _bad_rows(left, answer.body)
                case _:
                    raise TroubleError(f"{self._url} refuses events: {_said(answer)}")
            if not bad:
                raise TroubleError(f"{self._url} refuses events: {_said(answer)}")
            refused |= {row: reason for row, reason in bad.items() if row not in refused}
            left = [event for event in left if event.row not in refused]
        return [Refused(row, reason) for row, reason in refused.items()]

    def _patiently(self, body: bytes) -> _Answer:
        began, pause = self._clock(), _FIRST_WAIT_S
        while True:
            try:
                answer = self._ask(body)
                if answer.status not in _AWAY:
                    return answer
                why, wait = _said(answer), answer.retry_after or pause
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if said := untrusted(error, self._url, url_variable("interactions")):
                    raise TroubleError(said) from None
                why, wait = str(error) or type(error).__name__, pause
            if self._clock() + wait - began > self._patience:
                raise TroubleError(
                    f"{self._url} does not take events: {why} Run the same again to go on where this stopped."
                )
            self._waiting(why)
            if self._stopped.wait(wait):
                raise TroubleError("Stopped.")
            pause = min(pause * 2, _MOST_WAIT_S)

    def _ask(self, body: bytes) -> _Answer:
        self._connection.request("POST", self._path, body=body, headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        after = answer.getheader("Retry-After", "")
        return _Answer(answer.status, float(after) if after.isascii() and after.isdigit() else None, content)


def _bad_rows(events: Sequence[Sent], body: bytes) -> dict[int, str]:
    """Row -> why, of those that a 422 names."""
    found: dict[int, str] = {}
    for error in _problem(body).get("errors") or ():
        index = error.get("index") if isinstance(error, dict) else None
        if isinstance(index, int) and 0 <= index < len(events):
            detail, field = str(error.get("detail")), error.get("field")
            reason = detail if field is None or detail.startswith(str(field)) else f"{field}: {detail}"
            found.setdefault(events[index].row, reason)
    return found


def _vain_rows(events: Sequence[Sent], body: bytes) -> dict[int, str]:
    """Row -> why, of those of which an event changes nothing."""
    found: dict[int, str] = {}
    for one in _problem(body).get("without_effect") or ():
        index = one.get("index") if isinstance(one, dict) else None
        if isinstance(index, int) and 0 <= index < len(events):
            found.setdefault(events[index].row, f"has no effect: {one.get('detail')}")
    return found


def _said(answer: _Answer) -> str:
    problem = _problem(answer.body)
    detail = problem.get("detail") or problem.get("title") or "no reason was told"
    return f"{answer.status}, {str(detail).rstrip('.')}."


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
