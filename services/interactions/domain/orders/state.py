"""What is known of a shop's order: how it stands there, and what of it was told of its customer."""

from collections.abc import Iterable
from hashlib import blake2b

from services.interactions.domain.state import altered
from shared.schemas.base import Open
from shared.schemas.commands.orders import ShopOrder, ShopRefund, ShopReturn
from shared.schemas.money import minor
from shared.schemas.times import Micros, micros

Rank = tuple[Micros, Micros, bool, bool, int, int, int, str]
"""Of two accounts of an order the greater one is how it stands."""


class PartLine(Open):
    """A line as it was told, in one part of the order."""

    line: str
    sku: str
    quantity: int
    """How many of it were bought."""
    amount: int
    """What was paid for them."""
    left: int
    """How many of them did not come back."""


class Part(Open):
    """A purchase that was told: the order, or what an edit added to it."""

    order_id: str
    total: int
    left: int
    """What of the total was not returned."""
    lines: tuple[PartLine, ...] = ()


class Refund(Open):
    """A refund that is known, told or not."""

    refund: ShopRefund
    told: bool = False


class Order(Open):
    """The state: one document an order."""

    key: str
    """Shop and id: ``shopify:450789469``."""
    shown: ShopOrder | None = None
    """The order as it stands by the latest account."""
    customer_id: str | None = None
    """Of whom it was told; it stays theirs."""
    parts: tuple[Part, ...] = ()
    refunds: tuple[Refund, ...] = ()
    """By time and name."""
    deleted: bool = False
    deleted_at: Micros | None = None
    """When the latest deletion was heard, though a later account says that it is there."""
    restored_at: Micros | None = None
    """When it was modified by the latest account that told it is there again."""
    early: bool = False
    """Nothing was deleted when that came: the deletion is still to come."""
    changes: int = 0
    """How many edits were told, each under a number of its own."""
    listed: str | None = None
    """Whom its row names."""
    forgotten: bool = False
    """Whose it was has been erased: it is nobody's, and nothing is told of it any more."""

    @property
    def owner(self) -> str | None:
        """Whose it is by all that is known."""
        return self.customer_id or (None if self.shown is None else self.shown.customer_id)

    @property
    def net(self) -> int:
        """What is told and not returned."""
        return sum(part.left for part in self.parts)

    @property
    def counts(self) -> bool:
        """Whether it is worth something."""
        return self.shown is not None and self.shown.paid and not self.shown.void and not self.deleted

    @property
    def refunded(self) -> int:
        """What went back by all that is known; of another currency it is in what the shop says."""
        shown = self.shown
        if shown is None:
            return 0
        known = {one.refund.refund_id: one.refund for one in self.refunds}
        known |= {one.refund_id: one for one in shown.refunds}
        return sum(refunded_amount(one, shown.currency) or 0 for one in known.values())

    @property
    def target(self) -> int:
        """What the order is worth by all that is known."""
        shown = self.shown
        if shown is None or not self.counts:
            return 0
        if shown.worth is None:
            left = shown.total - self.refunded
            return max(0, left if shown.current is None else min(left, shown.current))
        seen = {one.refund_id for one in shown.refunds}
        later = [one.refund for one in self.refunds if one.refund.refund_id not in seen]
        with_goods, alone = (
            sum(refunded_amount(one, shown.currency) or 0 for one in later if bool(one.items) is goods)
            for goods in (True, False)
        )
        unpaid = sum(refunded_amount(one, shown.currency) or 0 for one in later if one.unpaid)
        # Money alone pays first for goods that are gone, which are not in what the shop says, or off it here.
        return max(0, shown.worth - with_goods - max(0, alone - shown.owed - unpaid))


def initial(state_id: str) -> Order:
    """An order never heard of, from ``order/<key>``."""
    return Order(key=state_id.partition("/")[2])


def rank(shown: ShopOrder) -> Rank:
    """The later account is greater. Shops count seconds: of one second it is the one told later, else the one
    in which more has happened, else always the same of them, so that it does not matter which came first."""
    content = shown.model_dump_json(exclude={"told_at"}).encode()
    return (
        micros(shown.updated_at),
        0 if shown.told_at is None else micros(shown.told_at),
        shown.void,
        shown.paid,
        len(shown.refunds),
        len(shown.lines),
        shown.total,
        blake2b(content, digest_size=8).hexdigest(),
    )


def refunded_amount(refund: ShopRefund, currency: str) -> int | None:
    """In minor units; None where it is in another currency."""
    return minor(refund.amount, currency) if refund.currency in (None, currency) else None


def with_refunds(known: tuple[Refund, ...], heard: Iterable[ShopRefund]) -> tuple[Refund, ...]:
    """With those that were not known: each holds as it was heard first. Until it is told its time is the
    earliest that was heard: some shops do not say when it was, and it is that of an account."""
    by_name = {one.refund.refund_id: one for one in known}
    new = dict(by_name)
    for refund in heard:
        had = by_name.get(refund.refund_id)
        if had is None:
            new.setdefault(refund.refund_id, Refund(refund=refund))
        elif not had.told and micros(refund.at) < micros(had.refund.at):
            new[refund.refund_id] = altered(had, refund=altered(had.refund, at=refund.at))
    if new == by_name:
        return known
    return tuple(sorted(new.values(), key=lambda one: (micros(one.refund.at), one.refund.refund_id)))


def returned_units(items: Iterable[ShopReturn]) -> dict[str, int]:
    """How many came back of each line."""
    units: dict[str, int] = {}
    for item in items:
        units[item.line] = units.get(item.line, 0) + item.quantity
    return units
