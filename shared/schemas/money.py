"""How money reads: minor units as an amount of its currency (ISO 4217's decimal places)."""

import re
from decimal import ROUND_HALF_UP, Decimal

_WITHOUT_CENTS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
)  # fmt: skip
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS = {**dict.fromkeys(_WITHOUT_CENTS, 0), **dict.fromkeys(_THOUSANDTHS, 3)}
"""Decimal places of the currencies that do not have two."""
MOST_DIGITS = 30
"""Before the point. What has an exponent beyond that costs as much memory as it likes."""
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?"
"""Python reads ``1_000`` and digits of other scripts too, which no shop writes."""
_is_number = re.compile(NUMBER).fullmatch


def digits(currency: str) -> int:
    """The decimal places of a currency's amounts."""
    return _DIGITS.get(currency, 2)


def number(amount: str) -> Decimal:
    """``"1299.50"``, as programs write numbers. Raises ValueError for what is none."""
    if _is_number(said := amount.strip()) is None:
        raise ValueError("not a number")
    return Decimal(said)


def minor(amount: str, currency: str) -> int:
    """``"1299.50", "EUR"`` -> ``129950``; halves of a minor unit up. Raises ValueError for what is no
    number, or none that money has."""
    found = number(amount)
    if found.adjusted() > MOST_DIGITS:
        raise ValueError("not an amount")
    return int(found.scaleb(digits(currency)).to_integral_value(rounding=ROUND_HALF_UP))


def written(amount: int, currency: str) -> str:
    """``129950, "EUR"`` -> ``1,299.50 EUR``; ``500, "JPY"`` -> ``500 JPY``."""
    return f"{figure(amount, currency)} {currency}"


def figure(amount: int, currency: str) -> str:
    """As ``written``, without the currency's code."""
    places = digits(currency)
    whole, rest = divmod(abs(amount), 10**places)
    sign, decimals = "-" if amount < 0 else "", f".{rest:0{places}d}" if places else ""
    return f"{sign}{whole:,}{decimals}"
