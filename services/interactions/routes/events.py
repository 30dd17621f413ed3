"""``POST /events``: CloudEvents over HTTP onto their topics, all of a request or none."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import Headers

from shared.http.auth import Principal, require
from shared.http.dependencies import get_producer
from shared.http.problems import Problem, too_large
from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.runtime.tracing import current_traceparent
from shared.schemas.codec import JSON, STRUCTURED, BadRecord, parse_cloudevent, split_batch
from shared.schemas.complaints import CompensationGranted
from shared.schemas.envelope import utf8
from shared.schemas.event import Event
from shared.schemas.services import SERVICES
from shared.schemas.topics import OWN_TYPES

router = APIRouter(tags=["events"])

BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (STRUCTURED, BATCH, JSON)
SLICE = 200
"""Events checked before other requests get a turn."""
UNREADABLE = frozenset({"empty", "bytes", "json"})
"""Codes that mean the body is not JSON at all."""

# A service takes its own facts and commands for done when it reads them: nobody else may sign as one.
_own_source = re.compile(rf"/(rapport|api)/({'|'.join(SERVICES)})(/.*)?").fullmatch
_attribute = re.compile(r"ce-([a-z0-9]+)").fullmatch
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw = msgspec.json.Decoder(msgspec.Raw)
_write = msgspec.json.Encoder().encode

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": {"type": "object"}},
            BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
            JSON: {"schema": {}},
        },
    }
}


@router.post("/events", summary="Tell what happened", status_code=202, openapi_extra=BODY)
async def post_events(
    request: Request, principal: Annotated[Principal, Depends(require("events:write"))]
) -> dict[str, int]:
    """One CloudEvent, a batch of them, or one in binary mode (``ce-`` headers).

    202 ``{"accepted": n}`` once the broker has them all. 422 ``invalid_events`` names each bad one by
    its index, and nothing is published. After 503 some may have been: send the same again, under the
    same ids.
    """
    events = split(request.headers, await request.body())
    records = await check(events, principal)
    await get_producer(request).publish(records)
    return {"accepted": len(records)}


def split(headers: Headers, body: bytes) -> list[bytes]:
    """The structured events of a body. Raises 400 ``not_json``, 415, 422 ``invalid_events``."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in MEDIA_TYPES:
        detail = f"Send {STRUCTURED}, {BATCH} or {JSON}."
        raise Problem(415, "unsupported_media_type", detail, headers={"Accept": ", ".join(MEDIA_TYPES)})
    try:
        if media == JSON and "ce-specversion" in headers:
            return [_from_binary(headers, body)]
        if media == BATCH or (media == JSON and body.lstrip(b" \t\r\n").startswith(b"[")):
            return _from_batch(body)
        return [utf8(body)]
    except BadRecord as bad:
        raise _refusal([_error(0, bad.code, bad.detail, bad.field)]) from None


def _from_binary(headers: Headers, body: bytes) -> bytes:
    """An event in binary mode as a structured one. Header values may be percent-encoded (HTTP binding)."""
    attributes: dict[str, Any] = {"datacontenttype": JSON}
    for header, value in headers.items():
        if named := _attribute(header):
            attributes[named[1]] = unquote(value)
    attributes["data"] = _json(body) if body else {}
    return _write(attributes)


def _from_batch(body: bytes) -> list[bytes]:
    try:
        return split_batch(body)
    except BadRecord:
        _json(body)  # what is no array may be no JSON either
        raise


def _json(body: bytes) -> msgspec.Raw:
    try:
        return _raw.decode(utf8(body))
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecord("json", str(error)) from None


async def check(events: Sequence[bytes], principal: Principal) -> list[Record]:
    """The records to publish, if every event is good. Raises 400, 403, 413, 422."""
    now = datetime.now(UTC)
    records: list[Record] = []
    errors: list[dict[str, Any]] = []
    for index, raw in enumerate(events):
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        try:
            event = parse_cloudevent(raw, now)
        except BadRecord as bad:
            errors.append(_error(index, bad.code, bad.detail, bad.field))
            continue
        if (refused := _not_for_you(index, event, principal)) is not None:
            errors.append(refused)
        elif not errors:
            records.append(_record(event, raw))
    if errors and all(error["code"] == "forbidden" for error in errors):
        principal.demand("admin")
    if errors:
        raise _refusal(errors)
    return records


def _not_for_you(index: int, event: Event, principal: Principal) -> dict[str, Any] | None:
    if event.type in OWN_TYPES:
        return _error(index, "forbidden_type", f"only Rapport itself writes {event.type}", "type")
    if _own_source(event.source):
        return _error(index, "forbidden_source", f"only Rapport itself writes as {event.source}", "source")
    if isinstance(event.data, CompensationGranted) and not principal.may("admin"):
        return _error(index, "forbidden", f"{event.type} needs the scope admin", "type")
    return None


def _record(event: Event, raw: bytes) -> Record:
    """The event as it came, extensions and unknown fields too, with this request's trace if it has none."""
    fields = _fields.decode(raw)
    trace = current_traceparent()
    if event.traceparent is None and trace is not None:
        fields["traceparent"] = msgspec.Raw(_write(trace))
    value = _write(fields)
    if len(value) > MAX_RECORD_BYTES:
        raise too_large(MAX_RECORD_BYTES)
    headers = (("content-type", STRUCTURED.encode()),)
    return Record(event.data.topic, event.subject.encode(), value, headers)


def _error(index: int, code: str, detail: str, field: str | None) -> dict[str, Any]:
    return {"index": index, "code": code, "detail": detail, "field": field}


def _refusal(errors: Sequence[dict[str, Any]]) -> Problem:
    if any(error["code"] in UNREADABLE for error in errors):
        return Problem(400, "not_json", "The body is not JSON in UTF-8.")
    named = ", ".join(str(error["index"]) for error in errors[:20])
    more = ", …" if len(errors) > 20 else ""
    detail = f"Nothing was published; bad by index: {named}{more}."
    return Problem(422, "invalid_events", detail, errors=errors)
