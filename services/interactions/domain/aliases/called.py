"""What a customer is called by, as the customer's own state keeps it: the last word on each name."""

from collections.abc import Iterable, Sequence

from shared.schemas.base import Open
from shared.schemas.customers import AliasKind
from shared.schemas.times import Micros

MAX_CALLED = 200
"""Names of one customer, those too that were removed; beyond that the ones removed first are forgotten."""


class Called(Open):
    """One name of a customer."""

    key: str
    """The alias's key."""
    customer: str
    """Of whom it was told: one whose things are here by now, if that is another."""
    kind: AliasKind
    value: str
    """As it is written here."""
    at: Micros | None = None
    """Time of the last word that added or removed it."""
    named: bool = False
    """That word added it."""
    profile: bool = False
    """The profile names it."""
    owner: str | None = None
    """Whose it is, where that is another."""
    revision: int = 0
    """Of the alias, when it said so."""

    @property
    def place(self) -> tuple[str, str]:
        """What it is found by."""
        return self.key, self.customer

    @property
    def wanted(self) -> bool:
        """Whether the customer is called so."""
        return self.named or self.profile


def found(called: Iterable[Called], key: str, customer: str) -> Called | None:
    """This name of this customer."""
    return next((one for one in called if one.place == (key, customer)), None)


def with_called(called: Sequence[Called], new: Called) -> tuple[Called, ...]:
    """With this one in the place of what was known of it; of too many those removed first go."""
    kept = [one for one in called if one.place != new.place]
    if len(kept) >= MAX_CALLED:
        gone = min((one for one in kept if not one.wanted), key=lambda one: one.at or 0, default=None)
        kept = [one for one in kept if one is not gone]
    return (*kept, new)
