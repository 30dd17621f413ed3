"""Who is who, as the API is told and answers it."""

from shared.schemas.base import Frozen, Id, Strict
from shared.schemas.commands import Text


class MergeInto(Strict):
    into: Id
    """The survivor, as whom all goes on. One who was merged stands for their survivor."""
    reason: Text | None = None
    """Why it is believed that they are one."""


class Unmerge(Strict):
    into: Id | None = None
    """The survivor whom they were merged into; left out: whoever that is."""
    reason: Text | None = None
    """Why they are not one."""


class Merged(Frozen):
    """``into`` is whom ``customer_id`` answers as from now on."""

    customer_id: str
    into: str
