"""``POST /events``: what is answered."""

from typing import Self

from shared.domain import RefusedError
from shared.schemas.base import Frozen
from shared.schemas.codec import BadRecordError


class Accepted(Frozen):
    """So many events are in the log."""

    accepted: int


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
