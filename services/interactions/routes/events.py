"""``POST /events``: CloudEvents over HTTP onto their topics, all of a request or none."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
from fastapi import APIRouter, Request
from msgspec import structs
from starlette.datastructures import Headers

from services.interactions.accepting import SLICE, Told, accept
from services.interactions.domain.profile.consents import WITHDRAWN, has_no_effect
from services.interactions.erasure_store import ErasedIds
from services.interactions.errors import (
    FORBIDDEN,
    FORBIDDEN_SOURCE,
    FORBIDDEN_TYPE,
    INVALID_ALIAS,
    INVALID_EVENTS,
    NOT_JSON,
    OTHERS_SOURCE,
    OTHERS_TYPE,
    UNSUPPORTED_MEDIA_TYPE,
)
from services.interactions.models.events import Accepted, BadEvent, CloudEvent, InvalidEvents, WithoutEffect
from services.interactions.person_store import PersonStore
from services.interactions.resolving import resolved
from services.interactions.routes.dependencies import Source, get_erased_ids, get_resolver
from shared.domain import ERASED, RefusedError
from shared.facts.aliases import AliasError, Identity, is_alias
from shared.facts.consents import is_unproven_grant
from shared.http.audit import note, touched
from shared.http.auth import Principal, forbidden
from shared.http.dependencies import get_database, get_producer
from shared.http.errors import responses
from shared.http.keys import fits
from shared.http.openapi import flat
from shared.http.problems import ProblemError, from_refusal
from shared.schemas.base import CUSTOMER
from shared.schemas.bindings import of_request
from shared.schemas.codec import AHEAD, JSON, STRUCTURED, BadRecordError, parse_cloudevent, split_batch
from shared.schemas.complaints import CompensationGranted
from shared.schemas.customers import CustomerErased, CustomerMerged, CustomerUnmerged
from shared.schemas.envelope import is_json, json_of, members_of, utf8
from shared.schemas.event import Event
from shared.schemas.quick.records import QuickReader
from shared.schemas.services import SERVICES
from shared.schemas.topics import OWN_TYPES

router = APIRouter(tags=["events"])

BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (STRUCTURED, BATCH, JSON)
NEED_ADMIN = (CompensationGranted, CustomerErased, CustomerMerged, CustomerUnmerged)
STAND_IN = msgspec.Raw(b'"alias"')
UNREADABLE = frozenset({"empty", "bytes", "json"})
"""Codes that mean the body is not JSON at all, unless they are about a header or data in base64."""

# A service takes its own facts and commands for done when it reads them: nobody else may sign as one.
_own_source = re.compile(rf"/(rapport|api)/({'|'.join(SERVICES)})(/.*)?").fullmatch
_write = msgspec.json.Encoder().encode
_quick = QuickReader()
"""Learns each type as it is met; what it says is what is said without it."""
_DENIED = frozenset({FORBIDDEN.code, OTHERS_SOURCE.code, OTHERS_TYPE.code})

ONE = flat(CloudEvent)
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": ONE},
            BATCH: {"schema": {"type": "array", "items": ONE}},
            JSON: {"schema": {}},
        },
    }
}


@router.post(
    "/events",
    summary="Tell what happened",
    status_code=202,
    response_model_exclude_none=True,
    openapi_extra=BODY,
    responses=responses(NOT_JSON, UNSUPPORTED_MEDIA_TYPE)
    | {
        403: {"model": InvalidEvents, "description": f"forbidden: {', '.join(sorted(_DENIED))}"},
        422: {"model": InvalidEvents, "description": INVALID_EVENTS.code},
    },
)
async def post_events(request: Request, principal: Source) -> Accepted:
    """One CloudEvent, a batch of them, or one in binary mode (``ce-`` headers, in which a value in double
    quotes is unquoted and percents are decoded, once).

    202 ``{"accepted": n}`` once the broker has them all. 422 ``invalid_events`` names each bad one by
    its index, and nothing is published; 403 each that the caller's key may not write. After 503 some may
    have been: send the same again, under the same ids. ``without_effect`` names what will change
    nothing, as far as is known: what is told of somebody who has been erased (``erased``), and consents that
    an import grants without evidence, though the customer withdrew them (``withdrawn``).
    """
    # Taken from the app itself: a dependency of FastAPI's costs 18 µs a request.
    resolver, erased = await get_resolver(request), await get_erased_ids(request)
    producer, database = await get_producer(request), await get_database(request)
    events = split(request.headers, await request.body())
    told = await check(events, principal, partial(note, request), resolver.identity)
    for one in told:
        if one.event.data.entity == CUSTOMER:
            touched(one.event.subject)
    vain: list[WithoutEffect] = []

    async def naming(told: Sequence[Told]) -> Sequence[Told]:
        named = await resolved(told, resolver)
        vain.extend(await without_effect(named, PersonStore(database), erased))
        return named

    return Accepted(accepted=await accept(told, producer, naming), without_effect=vain or None)


async def without_effect(told: Sequence[Told], store: PersonStore, erased: ErasedIds) -> list[WithoutEffect]:
    """Which of these events will change nothing, and why, as far as is known now."""
    # To erase somebody once more is no vain wish.
    about = {i: one.event for i, one in enumerate(told) if not isinstance(one.event.data, CustomerErased)}
    about = {index: event for index, event in about.items() if event.data.entity == CUSTOMER}
    gone = await erased.among(event.subject for event in about.values())
    asked = {i: e for i, e in about.items() if e.subject not in gone and is_unproven_grant(e)}
    known = await store.customers(event.subject for event in asked.values()) if asked else {}
    vain = {index: (ERASED.code, ERASED.sentence) for index, e in about.items() if e.subject in gone}
    for index, event in asked.items():
        if event.subject in known and has_no_effect(known[event.subject], event):
            vain[index] = ("withdrawn", WITHDRAWN)
    return [WithoutEffect(index=i, code=code, detail=why) for i, (code, why) in sorted(vain.items())]


def split(headers: Headers, body: bytes) -> list[bytes]:
    """The structured events of a body. Raises 400 ``not_json``, 415, 422 ``invalid_events``."""
    content_type = headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    other_format = media.startswith("application/cloudevents") and media not in MEDIA_TYPES
    binary = "ce-specversion" in headers and media not in (STRUCTURED, BATCH)
    known = (not content_type or is_json(content_type)) if binary else media in MEDIA_TYPES
    if other_format or not known:
        raise from_refusal(
            UNSUPPORTED_MEDIA_TYPE(types=f"{STRUCTURED}, {BATCH} or {JSON}"),
            headers={"Accept": ", ".join(MEDIA_TYPES)},
        )
    try:
        if binary:
            return [_write(of_request(headers.raw, body))]
        text = utf8(body)
        if media == BATCH or (media == JSON and text.lstrip(b" \t\r\n").startswith(b"[")):
            return _from_batch(text)
        return [text]
    except BadRecordError as bad:
        raise _problem([BadEvent.unreadable(0, bad)]) from None


def _from_batch(body: bytes) -> list[bytes]:
    try:
        return split_batch(body)
    except BadRecordError:
        json_of(body)  # what is no array may be no JSON either
        raise


async def check(
    events: Sequence[bytes], principal: Principal, admin: Callable[[str], None], identity: Identity
) -> list[Told]:
    """The events, if every one is good; ``admin`` hears of whom an event needs that scope. Raises 400, 403,
    422."""
    now = datetime.now(UTC)
    told: list[Told] = []
    errors: list[BadEvent] = []
    for index, raw in enumerate(events):
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        try:
            event = _read(raw, now, identity)
        except BadRecordError as bad:
            errors.append(BadEvent.unreadable(index, bad))
            continue
        except RefusedError as refused:
            errors.append(BadEvent.refused(index, refused))
            continue
        if isinstance(event.data, NEED_ADMIN):
            admin(event.subject)
        if (refusal := _not_for_you(event, principal)) is not None:
            errors.append(BadEvent.refused(index, refusal))
        elif not errors:
            told.append(Told(event, raw))
    if errors and all(error.code in _DENIED for error in errors):
        raise _denied(errors)
    if errors:
        raise _problem(errors)
    return told


def _read(raw: bytes, now: datetime, identity: Identity) -> Event:
    """The event, its subject as it came: a customer's id, or ``kind:value``. Raises ``BadRecordError``,
    ``invalid_alias``."""
    try:
        event = _parsed(raw, now)
    except BadRecordError as bad:
        subject = alias_subject(raw) if bad.field == "subject" else None
        if subject is None:
            raise
        # Read as if it was of a customer with an id: the alias is judged here.
        event = parse_cloudevent(_write(members_of(raw) | {"subject": STAND_IN}), now)
        if event.data.entity != CUSTOMER:
            raise
        event = structs.replace(event, subject=subject)
    if is_alias(event.subject) and event.data.entity == CUSTOMER:
        try:
            identity.read(event.subject)
        except AliasError as error:
            raise INVALID_ALIAS(why=str(error), field="subject") from None
    return event


def _parsed(raw: bytes, now: datetime) -> Event:
    """As ``parse_cloudevent``: what is as most is, of a type that was met before, in one pass."""
    event = _quick.read_text(raw)
    if event is not None and event.time - now <= AHEAD:
        return event
    event = parse_cloudevent(raw, now)
    _quick.learn(event.data.__class__)
    return event


def alias_subject(raw: bytes) -> str | None:
    """The subject of a JSON CloudEvent, if it is an alias."""
    try:
        subject = msgspec.json.decode(members_of(raw).get("subject", b"null"), type=str)
    except msgspec.DecodeError:
        return None
    return subject if is_alias(subject) else None


def _not_for_you(event: Event, principal: Principal) -> RefusedError | None:
    type = event.type
    if type in OWN_TYPES:
        return FORBIDDEN_TYPE(type=type, field="type")
    if _own_source(event.source):
        return FORBIDDEN_SOURCE(source=event.source, field="source")
    if isinstance(event.data, NEED_ADMIN) and not principal.may("admin"):
        return FORBIDDEN(type=type, field="type")
    if principal.sources is not None and not fits(event.source, principal.sources):
        allowed = ", ".join(principal.sources)
        return OTHERS_SOURCE(source=event.source, allowed=allowed, field="source")
    if principal.types is not None and not fits(type, principal.types):
        return OTHERS_TYPE(type=type, allowed=", ".join(principal.types), field="type")
    return None


def _denied(errors: Sequence[BadEvent]) -> ProblemError:
    """403 ``forbidden``: the events are good, but not for this caller to write. It names each."""
    needs_admin = any(error.code == FORBIDDEN.code for error in errors)
    told = forbidden("admin") if needs_admin else None
    return ProblemError(
        403,
        "forbidden",
        f"Nothing was published. Event {errors[0].index}: {errors[0].detail}",
        errors=[error.model_dump() for error in errors],
        headers=None if told is None else told.headers,
    )


def _problem(errors: Sequence[BadEvent]) -> ProblemError:
    """400 ``not_json`` where the body is no JSON at all; else 422 ``invalid_events``, which names each."""
    if any(error.code in UNREADABLE and error.field in (None, "data") for error in errors):
        return from_refusal(NOT_JSON())
    named = ", ".join(str(error.index) for error in errors[:20])
    more = ", …" if len(errors) > 20 else ""
    refusal = INVALID_EVENTS(indexes=named + more)
    return from_refusal(refusal, errors=[error.model_dump() for error in errors])
