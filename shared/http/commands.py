"""Writes over HTTP: an API asks its worker by a command event and waits for the outcome.

The event's source is ``/api/<service>/<principal>/<route>`` and its id the caller's Idempotency-Key,
so a retry is the same event and has the same answer. The worker writes the outcome into the journal;
nothing else passes between the two. What is not there in time is asked for later at
``/commands/{token}``: the token holds the event's source and id, since a key alone does not say under
which route it was used, and is signed, so that only what was sent can be asked for.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Protocol
from urllib.parse import quote

from fastapi import Header
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic_core import PydanticSerializationError
from pymongo.asynchronous.database import AsyncDatabase

from shared.domain import Outcome, RefusedError
from shared.facts.erased import entry_mark, erased_hash
from shared.http import audit
from shared.http.auth import Principal
from shared.http.clock import ApiClock
from shared.http.polling import polled
from shared.http.problems import ProblemError, from_refusal, phrase
from shared.kafka.publisher import Record
from shared.merging.course import MOVED_STATUS
from shared.runtime.digest import digest
from shared.runtime.telemetry import COMMANDS
from shared.runtime.tracing import current_traceparent
from shared.schemas.base import CUSTOMER, ID_PATTERN, Data
from shared.schemas.codec import encode
from shared.schemas.event import Event

TOPIC = "commands"
HEADER = "Idempotency-Key"
NAME_LIMIT = 160
"""Characters of a source for who sent it: the rest of the 256 is for the service and the route."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        pattern=ID_PATTERN,
        description="Names this request for ever: the same key again has no second effect and the same "
        "answer; with another body it is 422 idempotency_mismatch.",
    ),
]
"""``key: IdempotencyKey = None`` in a route."""


class Sender(Protocol):
    """What publishes; a ``Publisher`` does. Raises ``BrokerAwayError``."""

    async def publish(self, records: Sequence[Record]) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer(Outcome):
    """An outcome as HTTP gives it; 202 says where to ask later."""

    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        return JSONResponse(
            jsonable_encoder(dict(self.body)), status_code=self.status, headers=dict(self.headers)
        )


class _Asked(NamedTuple):
    """What tells a request from another under its key."""

    digest: str
    erased: tuple[str, str]
    """What would be left in the journal of whom it is about, were they erased; and what was left once."""

    def is_of(self, entry: Mapping[str, Any]) -> bool:
        """Whether the journal's entry may be its own."""
        return entry.get("digest") in (None, self.digest) and entry.get("erased") in (None, *self.erased)


class Commands:
    """Sends one service's commands and finds their outcomes."""

    def __init__(
        self,
        service: str,
        database: AsyncDatabase[dict[str, Any]],
        sender: Sender,
        clock: ApiClock,
        *,
        timeout: float,
        keys: Sequence[bytes],
        erased_by: bytes,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """``erased_by``: the key under which ids that were erased are kept."""
        self._service = service
        self._journal = database["journal"]
        self._sender = sender
        self._clock = clock
        self._timeout = timeout
        self._keys = tuple(keys)
        self._erased_by = erased_by
        self._new_id = new_id

    async def submit(
        self, principal: Principal, route: str, subject: str, data: Data, key: str | None
    ) -> Answer:
        """Ask the worker of ``subject`` (a customer id) for ``data`` and wait for what it says.

        ``route`` is a stable name such as ``members.redemptions``; ``key`` the Idempotency-Key, if the
        caller gave one. Answers 202 with ``Location`` when nothing is there within the timeout. Raises
        ``ProblemError``: the refusal with its status and code, 422 ``invalid`` for a bad key or subject, 422
        ``idempotency_mismatch``; ``BrokerAwayError`` (it may have been sent: the same key again is
        safe), or PyMongo's errors, where nothing was sent.
        """
        for name, value in ((f"header.{HEADER}", key), ("subject", subject)):
            if value is not None and not re.fullmatch(ID_PATTERN, value):
                raise _bad_id(name)
        if data.entity == CUSTOMER:
            audit.touched(subject)
        source = self._source(principal, route)
        id = key if key is not None else self._new_id()
        whom, uid = data.state_id(subject), f"{source} {id}"
        marks = entry_mark(self._erased_by, uid, whom), erased_hash(self._erased_by, whom)
        asked = _Asked(digest(subject, data), marks)
        deadline = asyncio.get_running_loop().time() + self._timeout
        # A fresh id cannot be in the journal: only a caller's own key is worth the question.
        known = await self._journal.find_one({"_id": uid}) if key is not None else None
        if known is not None:
            return await self._told(route, source, id, known, asked, "repeated", deadline)
        time = await self._clock.now(subject)
        event = Event(id, source, subject, time, data, current_traceparent())
        try:
            payload, headers = encode(event)
        except PydanticSerializationError:
            # JSON can escape half a surrogate pair, which no UTF-8 can hold.
            raise ProblemError(422, "invalid", "The body holds text that is not Unicode.") from None
        await self._sender.publish([Record(TOPIC, subject.encode(), payload, tuple(headers))])
        entry = await self._wait(event.uid, deadline)
        return await self._told(route, source, id, entry, asked, "answered", deadline)

    async def outcome(self, principal: Principal, token: str) -> Answer:
        """What became of a command of this principal: its answer, or 202 while there is none.

        Raises 404 ``not_found`` for a token that is not from here or is another principal's.
        """
        source, id = self._read_token(token)
        if not source.startswith(self._source(principal, "")):
            raise _no_command()
        entry = await self._journal.find_one({"_id": f"{source} {id}"})
        while entry is not None and (uid := _where_else(entry)) is not None:
            entry = await self._journal.find_one({"_id": uid})
        if entry is None:
            return self._pending(source, id)
        return self._answer(source.rpartition("/")[2], entry, "repeated")

    def _source(self, principal: Principal, route: str) -> str:
        return f"/api/{self._service}/{_segment(principal.name)}/{route}"

    async def _wait(self, uid: str, deadline: float) -> Mapping[str, Any] | None:
        """Poll the journal. The command is in the log: an error from here on is a 202, never a 503."""
        return await polled(lambda: self._journal.find_one({"_id": uid}), deadline)

    async def _told(
        self,
        route: str,
        source: str,
        id: str,
        entry: Mapping[str, Any] | None,
        asked: _Asked,
        how: str,
        deadline: float,
    ) -> Answer:
        """What the journal's entry says, if it is for what was asked; where the customer is another by now,
        what that one's worker says of it."""
        if entry is not None and not asked.is_of(entry):
            COMMANDS.labels(self._service, route, "mismatch").inc()
            raise _mismatch()
        while entry is not None and (uid := _where_else(entry)) is not None:
            entry = await self._wait(uid, deadline)
        if entry is None:
            COMMANDS.labels(self._service, route, "pending").inc()
            return self._pending(source, id)
        return self._answer(route, entry, how)

    def _answer(self, route: str, entry: Mapping[str, Any], how: str) -> Answer:
        """The journal's entry as an answer."""
        count = COMMANDS.labels
        outcome = entry.get("outcome") or {}
        status, body = int(outcome.get("status", 200)), dict(outcome.get("body") or {})
        refused = status >= 400
        count(self._service, route, "refused" if refused and how == "answered" else how).inc()
        if refused:
            raise _refused(status, body)
        return Answer(status, body)

    def _pending(self, source: str, id: str) -> Answer:
        location = f"/commands/{self._token(source, id)}"
        return Answer(202, {"status": "pending", "location": location}, {"Location": location})

    def _token(self, source: str, id: str) -> str:
        payload = json.dumps([source, id], separators=(",", ":")).encode()
        return f"{_base64(payload)}.{_base64(_sign(self._keys[0], payload))}"

    def _read_token(self, token: str) -> tuple[str, str]:
        payload, _, signature = token.partition(".")
        try:
            content = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _no_command() from None
        signatures = (_base64(_sign(key, content)).encode() for key in self._keys)
        if not any(hmac.compare_digest(one, signature.encode()) for one in signatures):
            raise _no_command()
        source, id = json.loads(content)
        return source, id


def _sign(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, b"command\0" + payload, hashlib.sha256)[:16]


def _where_else(entry: Mapping[str, Any]) -> str | None:
    """Of a command for a customer who is another by now: the uid of the entry with its outcome."""
    outcome = entry.get("outcome") or {}
    return str(outcome["body"]["uid"]) if outcome.get("status") == MOVED_STATUS else None


def _segment(name: str) -> str:
    """A principal's name in a source, which has 256 characters at most: two must never share one, and with
    it their keys. Escaped, not stripped; a long one is cut, with ``*`` (as no escaped name) and its hash."""
    escaped = quote(name, safe="", errors="surrogatepass")
    if len(escaped) <= NAME_LIMIT:
        return escaped
    beginning = re.sub("%.?$", "", escaped[: NAME_LIMIT - 65])
    return f"{beginning}*{hashlib.sha256(escaped.encode()).hexdigest()}"


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _refused(status: int, body: dict[str, Any]) -> ProblemError:
    code, detail = str(body.get("code", "refused")), str(body.get("detail") or phrase(status))
    return from_refusal(RefusedError(code, detail, status=status, field=body.get("field")))


def _no_command() -> ProblemError:
    return ProblemError(404, "not_found", "There is no such command of yours.")


def _bad_id(name: str) -> ProblemError:
    detail = "It must be 1 to 128 characters out of A-Z, a-z, 0-9 and . _ : - in any order."
    return ProblemError(
        422,
        "invalid",
        f"The request is not valid at {name}.",
        errors=[{"field": name, "code": "id", "detail": detail}],
    )


def _mismatch() -> ProblemError:
    detail = f"This {HEADER} was used for something else; use another."
    return ProblemError(
        422,
        "idempotency_mismatch",
        detail,
        errors=[{"field": f"header.{HEADER}", "code": "idempotency_mismatch", "detail": detail}],
    )
