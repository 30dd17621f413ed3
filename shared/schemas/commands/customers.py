"""What is asked about who a customer is. Keyed by the customer."""

from typing import ClassVar

from shared.schemas.base import Id
from shared.schemas.commands import Command, Text


class CustomerMergeRequested(Command):
    """Say that this customer is another one."""

    event_type: ClassVar[str] = "rapport.interactions.customer_merge.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("into",)
    told_anyway: ClassVar[bool] = True

    into: Id
    """The survivor."""
    reason: Text | None = None
    """Why it is believed."""


class CustomerUnmergeRequested(Command):
    """Say that this customer is one of their own after all."""

    event_type: ClassVar[str] = "rapport.interactions.customer_unmerge.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("into",)
    told_anyway: ClassVar[bool] = True

    into: Id | None = None
    """The survivor; none: whoever that is."""
    reason: Text | None = None
    """Why."""


class CustomerEraseRequested(Command):
    """Forget this customer, everywhere and for good."""

    event_type: ClassVar[str] = "rapport.interactions.customer_erase.requested.v1"
