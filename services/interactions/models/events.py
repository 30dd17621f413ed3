"""``POST /events``: what is answered."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from shared.domain import RefusedError
from shared.schemas.base import Frozen, Id, Open, Time
from shared.schemas.codec import BadRecordError


class CloudEvent(Open):
    """A CloudEvent 1.0 in structured mode. What ``data`` is like depends on the type: see docs/schemas."""

    specversion: Literal["1.0"]
    id: Id
    source: Annotated[str, Field(pattern=r"^[!-~]{1,256}$")]
    type: str
    subject: Id
    time: Time
    datacontenttype: str = "application/json"
    data: Mapping[str, Any] = {}


class WithoutEffect(Frozen):
    """An event that is in the log and changes nothing, by its place in the request."""

    index: int
    code: str
    detail: str


class Accepted(Frozen):
    """So many events are in the log."""

    accepted: int
    without_effect: list[WithoutEffect] | None = None
    """What is told of customers who have been erased (``erased``), and an import's grants of what their
    customers have withdrawn themselves (``withdrawn``), as far as is known yet; left out where there are
    none."""


class BadEvent(Frozen):
    """One event at fault, by its place in the request."""

    index: int
    code: str
    detail: str
    field: str | None

    @classmethod
    def unreadable(cls, index: int, bad: BadRecordError) -> Self:
        return cls(index=index, code=bad.code, detail=bad.detail, field=bad.field)

    @classmethod
    def refused(cls, index: int, refusal: RefusedError) -> Self:
        return cls(index=index, code=refusal.code, detail=refusal.detail, field=refusal.field)


class InvalidEvents(Open):
    """A problem (RFC 9457) whose ``errors`` name each event at fault. Nothing was published."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[BadEvent] | None = None
