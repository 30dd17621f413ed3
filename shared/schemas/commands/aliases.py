"""What customers ask the one writer of an alias, and what it answers (ADR 71). Keyed by the alias, which is a
keyed hash: no address stands in a key, nor in what is asked."""

from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command
from shared.schemas.customers import AliasKind
from shared.schemas.fields import Count

ALIAS = "alias"
"""How the ids of aliases' states begin; the subject of what is asked of one."""


def alias_state(key: str) -> str:
    """The id of an alias's state, so that it has the one writer of its key."""
    return f"{ALIAS}/{key}"


class AliasCommand(Command):
    """Common to what an alias is asked."""

    entity: ClassVar[str] = ALIAS

    def state_id(self, subject: str) -> str:
        return alias_state(subject)


class AliasClaimRequested(AliasCommand):
    """Be this customer's; or say whose it is, and be a new customer's if it is nobody's."""

    event_type: ClassVar[str] = "rapport.interactions.alias_claim.requested.v1"

    kind: AliasKind
    """What it is."""
    customer_id: Id | None = None
    """Whose it is to be; left out, whoever has it, or a new customer."""


class AliasReleaseRequested(AliasCommand):
    """Be this customer's no more."""

    event_type: ClassVar[str] = "rapport.interactions.alias_release.requested.v1"

    kind: AliasKind
    """What it is."""
    customer_id: Id
    """Whose it was, or who waited for it."""
    erased: bool = False
    """Nothing is to say that it ever was theirs."""


class AliasToldRequested(Command):
    """An alias says whose it is to a customer who waits for it. Keyed by the customer."""

    event_type: ClassVar[str] = "rapport.interactions.alias_told.requested.v1"
    tells_of: ClassVar[tuple[str, ...]] = ("owner",)

    alias: Id
    """The alias, by its key."""
    kind: AliasKind
    """What it is."""
    customer_id: Id
    """The customer who asked for it."""
    owner: Id
    """Whose it is: theirs, or another's."""
    waits: bool = False
    """They wait for it; not where too many do already: an address of so many says nothing of who they are."""
    revision: Count
    """How often the alias has changed: what is older says nothing."""
    at: Time
    """When it was asked for."""
