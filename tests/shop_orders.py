"""The plain list of a shop's orders, in minor units."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Line:
    id: int
    sku: str
    quantity: int
    price: int
    off: int
    tax: int
    removed: int = 0
    """How many an edit took away without a refund that names them."""

    @property
    def worth(self) -> int:
        return self.price * self.quantity - self.off + self.tax


@dataclass
class Refund:
    id: int
    at: datetime
    amount: int
    units: dict[int, int]
    goods: int = 0
    """What its goods had cost, where the shop counts that."""


@dataclass
class Order:
    """An order of the shop, in minor units."""

    id: int
    email: str
    at: datetime
    updated: datetime
    lines: list[Line]
    shipping: int
    paid: bool = True
    cancelled: datetime | None = None
    deleted: bool = False
    refunds: list[Refund] = field(default_factory=list)
    accounts: int = 0
    placed_total: int = 0
    added: int = 0
    """What edits added that makes up for goods that are gone."""

    @property
    def total(self) -> int:
        return sum(line.worth for line in self.lines) + self.shipping

    @property
    def gone(self) -> int:
        """What goods had cost that are not in it any more."""
        taken = sum(line.worth * line.removed // line.quantity for line in self.lines)
        return taken + sum(one.goods for one in self.refunds)

    @property
    def net(self) -> int:
        """What the plain list of orders says it is worth: what was paid back for goods that are gone is not
        less of it once more, but for those that others have made up for."""
        return self.worth if self.paid and not self.cancelled and not self.deleted else 0

    @property
    def worth(self) -> int:
        alone = sum(max(0, one.amount - one.goods) for one in self.refunds)
        unpaid = self.gone - sum(min(one.amount, one.goods) for one in self.refunds)
        return max(0, self.total - self.gone - max(0, alone - max(0, unpaid - self.added)))

    def left(self, line: Line) -> int:
        return line.quantity - line.removed - sum(one.units.get(line.id, 0) for one in self.refunds)
