"""That a theme was acted upon: whom to tell, and what the caller is answered. Pure.

A row of ``acts`` says how far those who had spoken of the theme are told. They are gone through in the order
of the rows of ``raised``, so each is told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Self

from shared.schemas.event import Event
from shared.schemas.times import Micros, micros, moment

ACTS, ANSWERS = "acts", "journal"
"""The collections of acts, and of what callers are answered (as ``shared.http.commands`` reads it)."""
_LAST = "\U0010ffff"
"""After all that an id may go on with."""


@dataclass(frozen=True, slots=True)
class Act:
    """A theme was acted upon."""

    id: str
    theme: str
    text: str
    """For customers: what is different now."""
    at: Micros
    """Who had spoken of it before this is told."""
    after: str = ""
    """Up to this ``_id`` of ``raised`` they are."""
    told: int = 0
    """Customers."""
    done: bool = False

    @classmethod
    def of(cls, event: Event, text: str) -> Self:
        """What a command asks for."""
        id = sha256(event.uid.encode()).hexdigest()[:32]
        return cls(id, event.subject, text, micros(event.time))

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        return cls(id=row["_id"], **{name: value for name, value in row.items() if name != "_id"})

    @property
    def row(self) -> dict[str, Any]:
        named = {"theme": self.theme, "text": self.text, "at": self.at}
        return {"_id": self.id, **named, "after": self.after, "told": self.told, "done": self.done}

    def further(self, rows: Sequence[Mapping[str, Any]], most: int) -> tuple["Act", list[str]]:
        """After the next rows of ``raised``, of which at most ``most`` were read; and their customers."""
        customers = [*dict.fromkeys(row["customer"] for row in rows)]
        done = len(rows) < most
        after = raised_until(self.theme, customers[-1]) if customers else self.after
        after = "" if done else after  # it names a customer
        return replace(self, after=after, told=self.told + len(customers), done=done), customers


def raised_from(theme: str) -> str:
    """Before all rows of a theme."""
    return f"{theme}/"


def raised_until(theme: str, customer: str = "") -> str:
    """After all rows of a theme, or of one customer's of it."""
    return f"{theme}/{customer}/{_LAST}" if customer else f"{theme}/{_LAST}"


def answer_row(event: Event, act: Act, digest: str) -> dict[str, Any]:
    """What the caller is answered; ``digest``: of what was asked."""
    body = {"act_id": act.id, "theme": act.theme, "text": act.text, "at": moment(act.at).isoformat()}
    outcome = {"status": 201, "body": body}
    return {"_id": event.uid, "outcome": outcome, "digest": digest}
