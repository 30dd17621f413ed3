"""What a search finds while somebody types."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.interactions.desk.views.customer import initials
from services.interactions.domain.people import CustomerRow
from services.interactions.domain.rows import ComplaintRow, ConversationRow


@dataclass(frozen=True, slots=True)
class Hit:
    """A customer who was found; ``before``, ``hit`` and ``after`` are the name, or the id of one without, in
    three parts: ``hit`` is what was typed, empty where it was found by something else."""

    customer_id: str
    initials: str
    name: str | None
    email: str | None
    segment: str | None
    before: str
    hit: str
    after: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A complaint or a conversation whose whole id was typed."""

    kind: str
    """``complaint``, ``conversation``."""
    id: str
    customer_id: str
    status: str
    about: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """``asked``: whether anything was typed."""

    asked: str
    hits: tuple[Hit, ...]
    things: tuple[Thing, ...]
    more: bool
    """There are others; more letters would tell them apart."""


def found(
    asked: str,
    customers: Sequence[CustomerRow],
    limit: int,
    complaints: Sequence[ComplaintRow] = (),
    conversations: Sequence[ConversationRow] = (),
) -> Found:
    """``customers``: one more than ``limit``, where there are so many."""
    things = [Thing("complaint", c.complaint_id, c.customer_id, c.status, c.summary) for c in complaints]
    things += [
        Thing("conversation", c.conversation_id, c.customer_id, c.status, c.channel) for c in conversations
    ]
    hits = tuple(_hit(row, asked) for row in customers[:limit])
    return Found(asked, hits, tuple(things), len(customers) > limit)


def _hit(row: CustomerRow, asked: str) -> Hit:
    shown = row.name or row.customer_id
    at, typed = _place(shown, asked.strip()), len(asked.strip())
    parts = ("", "", shown) if at is None else (shown[:at], shown[at : at + typed], shown[at + typed :])
    return Hit(row.customer_id, initials(shown), row.name, row.email, row.segment, *parts)


def _place(shown: str, typed: str) -> int | None:
    """Where it stands in the name, at the beginning of a word; None where it is not to be seen there."""
    plain, wanted = shown.casefold(), typed.casefold()
    if not wanted or len(plain) != len(shown):
        return None
    at = plain.find(wanted)
    while at > 0 and plain[at - 1].isalnum():
        at = plain.find(wanted, at + 1)
    return None if at < 0 else at
