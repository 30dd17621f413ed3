"""Whose the things of an account are, in which there are some of others who are the member (ADR 67)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.loyalty.domain.membership import Apart
from shared.facts.names import Name, with_name
from shared.facts.profile import Known

if TYPE_CHECKING:
    from services.loyalty.domain.account.book import Book

Profile = Mapping[str, Known]


class Whose:
    """A working copy of ``Apart``; most accounts have none."""

    __slots__ = ("credited", "lifetime", "names", "profiles", "stayed", "things")

    def __init__(self, apart: Apart | None) -> None:
        apart = apart or NOTHING
        self.things = dict(apart.things)
        self.profiles = dict(apart.profiles)
        self.names = dict(apart.names)
        self.credited = dict(apart.credited)
        self.lifetime = dict(apart.lifetime)
        self.stayed = apart.stayed

    def copy(self) -> "Whose":
        return Whose(self._apart())

    def closed(self, book: "Book") -> Apart | None:
        """As the state keeps it, of what is there yet; None where that is nothing."""
        for row in book.entries:
            owner = self.things.get(f"lot {row.entry_id}")
            if owner is not None and row.opened is not None:
                self.credited[owner] = self.credited.get(owner, 0) + row.points
        if self.things:
            here = _things_of(book)
            self.things = {thing: owner for thing, owner in self.things.items() if thing in here}
        apart = self._apart()
        return None if apart == NOTHING else apart

    def heard(self, of: str, name: Name, day: int) -> None:
        """The name was told of an old id."""
        self.names[of] = with_name(self.names.get(of, b""), name, day)

    def combined(self) -> Profile:
        """What is known of the member by all that was told: of each field the latest word."""
        found: dict[str, Known] = {}
        for _, profile in sorted(self.profiles.items()):
            for name, known in profile.items():
                if name not in found or (found[name].at, found[name].encoded) < (known.at, known.encoded):
                    found[name] = known
        return found

    def _apart(self) -> Apart:
        return Apart(
            things=self.things,
            profiles=self.profiles,
            names=self.names,
            credited=self.credited,
            lifetime=self.lifetime,
            stayed=self.stayed,
        )


def _things_of(book: "Book") -> set[str]:
    facts = (*book.waiting, *book.ahead, *book.early)
    return {
        *(f"lot {lot.entry_id}" for lot in book.lots.active),
        *(f"lot {pending.lot.entry_id}" for pending in book.pending),
        *(f"lot {piece.entry_id}" for voucher in book.vouchers for piece in voucher.pieces),
        *(f"order {order.order_id}" for order in book.orders),
        *(f"voucher {voucher.code}" for voucher in book.vouchers),
        *(f"told {' '.join(fact.cause)}" for fact in facts),
    }


NOTHING = Apart()
