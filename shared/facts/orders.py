"""Orders and what goes back of them, in minor units of the order's currency."""

from shared.facts.names import KEEP_DAYS

RETURN_WAITS_DAYS = 730
"""How long a return waits for its order."""
RETURNABLE_DAYS = KEEP_DAYS
"""How long an order can be returned: as long as it is known by its name."""


def counted_refund(left: int, refund: int, lines: int) -> int | None:
    """What of a refund counts: all of it, or what is left of the total where it is at most one minor unit a
    line above that, since tax is rounded line by line. None where it is more: the return is refused.

    ``lines``: those that the return names, or those of the order where it names none.
    """
    if refund <= left:
        return refund
    return left if refund - left <= max(lines, 1) else None
