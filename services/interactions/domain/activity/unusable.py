"""Addresses that messages no longer reach, or whose owner called one unwanted, as followup tells it of its
messages. For which of them an address is used no more is followup's to judge; here it is what people see."""

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.rows import TimelineRow
from services.interactions.domain.state import Customer
from shared.schemas.outreach import OutreachBounced, OutreachComplained, OutreachSent
from shared.schemas.times import Micros

Why: TypeAlias = Literal["came_back", "called_unwanted"]
UNUSABLE_TYPES = (OutreachSent.event_type, OutreachBounced.event_type, OutreachComplained.event_type)
_SENT, _EMAIL, _PHONE = OutreachSent.event_type, "email", "phone"


class Unusable(NamedTuple):
    """``at``: when that was heard of a message, which went at ``sent_at``."""

    channel: str
    why: Why
    at: Micros
    sent_at: Micros


def heard_of(rows: Sequence[TimelineRow]) -> list[Unusable]:
    """Of each channel and each reason the latest, whatever the address was then. ``rows``: of
    ``UNUSABLE_TYPES``, the latest first; what came back for now says nothing."""
    told = [(row, json.loads(row.data)) for row in rows if row.note is None]
    went = {data["outreach_id"]: (data["channel"], row.at) for row, data in told if row.type == _SENT}
    found: dict[tuple[str, Why], Unusable] = {}
    for row, data in told:
        why, sent = _why(row.type, data.get("kind")), went.get(data["outreach_id"])
        if why is not None and sent is not None:
            found.setdefault((sent[0], why), Unusable(sent[0], why, row.at, sent[1]))
    return list(found.values())


def told_since(one: Unusable, now: Customer) -> bool:
    """Whether the address of its channel was told after the message went, be it the same again."""
    known = now.profile.get(_field(one.channel))
    return known is not None and known.at > one.sent_at


def same_address(channel: str, then: Customer, now: Customer) -> bool:
    """Whether the address that a channel uses is the one of then: another is free."""
    before, after = then.profile.get(_field(channel)), now.profile.get(_field(channel))
    return before is not None and after is not None and bool(after.value) and before.value == after.value


def _field(channel: str) -> str:
    return _EMAIL if channel == _EMAIL else _PHONE


def _why(type: str, kind: str | None) -> Why | None:
    if type == OutreachComplained.event_type:
        return "called_unwanted"
    return "came_back" if type == OutreachBounced.event_type and kind == "hard" else None
