"""Numbers that are integers as JSON Schema has it, however they are written: 1299.0 and 1.299e3 are 1299."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

MOST = 2**53
"""Beyond it a reader that takes numbers for floats no longer tells integers apart."""

# Decimals keep what was written: a float would take 9007199254740993.0 for its neighbour.
_reader = msgspec.json.Decoder(float_hook=Decimal)
_writer = msgspec.json.Encoder(decimal_format="number")


def with_integers(content: bytes, places: Iterable[tuple[str | int, ...]]) -> bytes | None:
    """The JSON with each number at one of ``places`` (paths) that has a zero fraction written as the
    integer it is; None if there is none. Other numbers, numbers past 2^53 and truth values stay."""
    document = _reader.decode(content)
    found = False
    for place in places:
        holder: Any = document
        try:
            for step in place[:-1]:
                holder = holder[step]
            value = holder[place[-1]]
        except (LookupError, TypeError):
            continue  # a step of the model's own, not of the document's
        if isinstance(value, Decimal) and value.copy_abs() <= MOST and value == value.to_integral_value():
            holder[place[-1]] = int(value)
            found = True
    return _writer.encode(document) if found else None
