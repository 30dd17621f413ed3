"""What else a customer is called by, as the API answers it."""

from services.interactions.domain.aliases.asking import others_owner
from services.interactions.domain.state import Customer
from shared.schemas.base import Frozen
from shared.schemas.customers import AliasKind


class AliasView(Frozen):
    """One name of a customer."""

    kind: AliasKind
    value: str
    """As all its spellings are written here."""
    of: str
    """Of whom it was told: the customer, or one who was merged into them."""
    owner: str
    """Whose it is: whoever had it first, as long as they keep it."""


def alias_views(state: Customer) -> list[AliasView]:
    """By kind and value."""
    wanted = sorted(state.called.wanted, key=lambda one: (one.kind, one.value))
    return [
        AliasView(
            kind=one.kind, value=one.value, of=one.customer, owner=others_owner(state, one) or one.customer
        )
        for one in wanted
    ]
