"""What goes from one account into another, as commands carry it: each thing with whose it is."""

from typing import Literal

from services.loyalty.domain.membership import Invited, Period, UsedCode
from services.loyalty.domain.state import Bonus, Exempt, Lot, Order, Pending, Told, Voucher
from shared.facts.names import Names
from shared.facts.profile import Known
from shared.schemas.base import Id, Open
from shared.schemas.times import Micros


class OrderOf(Open):
    """An order, with what returns need to know of it."""

    of: Id
    order: Order
    bonuses: tuple[Bonus, ...] = ()
    exempt: tuple[Exempt, ...] = ()
    returned: tuple[tuple[str, str, int], ...] = ()


class ToldOf(Open):
    """A fact that waits."""

    of: Id
    where: Literal["waiting", "ahead", "early"]
    fact: Told


class LotOf(Open):
    """Points that can be spent."""

    of: Id
    lot: Lot


class PendingOf(Open):
    """Points that cannot be spent yet."""

    of: Id
    pending: Pending


class VoucherOf(Open):
    """A voucher; its ``pieces`` are lots of the account that it comes from."""

    of: Id
    voucher: Voucher


class ProfileOf(Open):
    """What was told of a customer's profile in one field."""

    of: Id
    field: str
    known: Known


class NamesOf(Open):
    """Names that a customer was told of: some of them."""

    of: Id
    names: Names


class Handed(Open):
    """A part of an account, or all of it."""

    other: str = ""
    """Whose account it comes from."""
    home: bool = False
    """Whether it comes home: the merge is undone."""
    missing: int = 0
    """Points of what had come by the merge that are not given back."""
    debt: int = 0
    enrolled_at: Micros | None = None
    period: Period | None = None
    """The tier as it is held."""
    bought_at: Micros | None = None
    invited: Invited | None = None
    birthday_given_at: Micros | None = None
    told_at: Micros | None = None
    told_until: Micros = 0
    lots: tuple[LotOf, ...] = ()
    pending: tuple[PendingOf, ...] = ()
    orders: tuple[OrderOf, ...] = ()
    vouchers: tuple[VoucherOf, ...] = ()
    told: tuple[ToldOf, ...] = ()
    names: tuple[NamesOf, ...] = ()
    profiles: tuple[ProfileOf, ...] = ()
    lifetime: tuple[tuple[Id, int], ...] = ()
    """By customer, lifetime points beside those of the lots."""
    campaigns: tuple[tuple[str, int], ...] = ()
    referrals: tuple[Micros, ...] = ()
    used: tuple[UsedCode, ...] = ()
