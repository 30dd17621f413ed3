"""Numbers as text: amounts of money, shares, and what changed."""

from collections.abc import Callable
from decimal import Decimal

from shared.schemas.money import written

NONE = "-"


def number(value: int) -> str:
    return f"{value:,}"


def money(minor: int | Decimal, currency: str) -> str:
    """Minor units as ``1,234.56 EUR``."""
    return written(int(minor), currency)


def share(value: Decimal | None) -> str:
    """A share as per cent; ``-`` where there is none."""
    return NONE if value is None else f"{value:.2%}"


def change(before: int | Decimal, after: int | Decimal, show: Callable[[Decimal], str]) -> str:
    """The difference by ``show`` with its sign, and in per cent of what was before; ``0`` for none."""
    by = Decimal(after) - Decimal(before)
    if not by:
        return "0"
    sign = "+" if by > 0 else "-"
    rate = f" ({by / Decimal(before):+.1%})" if before else ""
    return f"{sign}{show(abs(by))}{rate}"


def change_of_share(before: Decimal | None, after: Decimal | None, decimals: int = 2) -> str:
    """The difference of two shares in percentage points."""
    if before is None or after is None:
        return NONE
    return "0" if before == after else f"{(after - before) * 100:+.{decimals}f} pp"


def plain(value: Decimal) -> str:
    """A decimal without trailing zeros: ``1.25``, ``2``."""
    return f"{value.normalize():f}"
