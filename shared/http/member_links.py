"""The link to a member's own page: followup puts it into messages, loyalty reads it."""

from typing import NamedTuple

from shared.http.key_ring import KeyRing
from shared.schemas.times import MILLISECOND, Micros

MEMBER = "member"


class MemberLink(NamedTuple):
    """Whose page, and until when."""

    customer_id: str
    ends_at: Micros
    """To the millisecond; at this time it is too late."""


def member_link(base_url: str, ring: KeyRing, customer_id: str, ends_at: Micros, language: str | None) -> str:
    """Without a slash at the end of ``base_url``, loyalty's. ``language``: the page's, unless the reader
    chooses another."""
    spoken = f"?lang={language}" if language else ""
    return f"{base_url}/m/{ring.sign(MEMBER, customer_id, ends_at // MILLISECOND)}{spoken}"


def read_member(ring: KeyRing, token: str) -> MemberLink | None:
    """What a good token opens, over or not; else None."""
    fields = ring.read(MEMBER, token)
    if fields is None or len(fields) != 2 or not isinstance(fields[1], int):
        return None
    return MemberLink(str(fields[0]), fields[1] * MILLISECOND)
