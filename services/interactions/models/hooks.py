"""Webhooks: what is answered."""

from shared.schemas.base import Frozen


class HookHeard(Frozen):
    """A webhook was taken."""

    accepted: int
    """So many events of it are in the log."""
    left_out: str | None = None
    """Why there are none: ``test``, ``draft``, ``ping``, ``privacy``, ``edit`` (it comes with the order),
    ``nobody`` (nothing says whose it is), ``topic`` (nothing is known of such), ``when`` (its mapping)."""
