"""Who a customer is and what they allow. The topic is kept for a month: stores know the rest."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Data, Id
from shared.schemas.fields import Birthday, CollectionName, Count, Email, Label, Locale, Phone, Timezone


class CustomersData(Data):
    """Common to the topic ``customers``."""

    topic: ClassVar[str] = "customers"
    again: ClassVar[str] = "Nothing: it says what is known."


class Profile(CustomersData):
    """What a source says of a customer. A field not named stays as it is, null clears it (not the name);
    tags and preferences are replaced whole. The latest event time wins, field by field."""

    late: ClassVar[str] = "Fills the fields that no later event told; of one time the later in the log holds."

    name: str = ""
    """Full name; it cannot be cleared."""
    email: Email | None = None
    """One e-mail address."""
    phone: Phone | None = None
    """Phone number, as the source writes it."""
    locale: Locale | None = None
    """Language tag, e.g. en-GB."""
    timezone: Timezone | None = None
    """IANA time zone, for quiet hours and birthdays."""
    birthday: Birthday | None = None
    """YYYY-MM-DD, or --MM-DD without the year."""
    preferred_channel: Id | None = None
    """Channel to reach the customer on first."""
    preferences: Mapping[str, Any] | None = {}
    """Anything the source knows, by name."""
    tags: tuple[Label, ...] | None = ()
    """Labels that the source gives, any number."""
    segment: Label | None = None
    """The one segment that the source counts the customer to."""


class CustomerRegistered(Profile):
    """A customer is known for the first time."""

    event_type: ClassVar[str] = "rapport.customer.registered.v1"

    name: str
    """Full name."""


class CustomerUpdated(Profile):
    """Of a customer's profile, what changed."""

    event_type: ClassVar[str] = "rapport.customer.updated.v1"


class ConsentChanged(CustomersData):
    """A customer allowed or forbade a purpose on a channel."""

    event_type: ClassVar[str] = "rapport.consent.changed.v1"
    late: ClassVar[str] = (
        "The later event time holds; of one time a withdrawal. To a withdrawal that is heard later, a grant "
        "of the future is as old as when it was heard. An import's grant without evidence never outweighs "
        "what the person withdrew themself."
    )

    purpose: Literal["marketing", "service", "survey"]
    """What messages it is about."""
    channel: Id
    """The channel that it holds for, no other."""
    topic_: Annotated[Label | None, Field(alias="topic")] = None
    """What the messages are about, such as events or offers; null: all of the purpose. A word about a topic
    beats one about the channel."""
    granted: bool
    """True: allowed; false: withdrawn."""
    evidence: str | None = None
    """How it was given, e.g. a form's version."""


class CustomerMerged(CustomersData):
    """Two customers are one person: what there is of the subject, the old id, goes on under the other's."""

    event_type: ClassVar[str] = "rapport.customer.merged.v1"
    late: ClassVar[str] = (
        "Takes effect when it is heard. Of merges that make a circle the one with the latest event time does "
        "not hold."
    )
    again: ClassVar[str] = "Nothing: the old id is merged already. Into another: so is its survivor."
    tells_of: ClassVar[tuple[str, ...]] = ("into",)
    told_anyway: ClassVar[bool] = True

    into: Id
    """The survivor."""
    reason: str
    """Why it is believed, in the words of who says so."""


class CustomerUnmerged(CustomersData):
    """The subject, an old id, is a customer of their own after all."""

    event_type: ClassVar[str] = "rapport.customer.unmerged.v1"
    late: ClassVar[str] = "Takes effect when it is heard."
    again: ClassVar[str] = "Nothing: there is no merge to undo."
    tells_of: ClassVar[tuple[str, ...]] = ("from_",)
    told_anyway: ClassVar[bool] = True

    from_: Annotated[Id, Field(alias="from")]
    """The survivor that they are not."""
    reason: str
    """Why, in the words of who says so."""


class CustomerErased(CustomersData):
    """The person asked to be forgotten; every store follows."""

    event_type: ClassVar[str] = "rapport.customer.erased.v1"
    late: ClassVar[str] = "Takes effect when it is heard."
    again: ClassVar[str] = "Takes effect again."


class ErasureData(CustomersData):
    """Common to what Rapport tells of an erasure."""

    late: ClassVar[str] = "Takes effect when it is heard."


class ErasureCompleted(ErasureData):
    """A service has nothing left of the customer but a keyed hash of the id."""

    event_type: ClassVar[str] = "rapport.erasure.completed.v1"

    service: Id
    """Which one."""
    removed: Mapping[CollectionName, Count] = {}
    """How many documents went, by collection; of the journal also those that lost what they held."""


class ErasureLifted(ErasureData):
    """The customer may come back under this id: what is told from now on has its effect again, on nothing."""

    event_type: ClassVar[str] = "rapport.erasure.lifted.v1"
    again: ClassVar[str] = "Nothing: nobody is erased."


AliasKind = Literal["email", "phone", "card", "account", "device"]
"""What else a customer is called by."""


class AliasData(CustomersData):
    """Common to what is told of a customer's other names."""

    known_by: ClassVar[str] = "step: customer, `kind`, `value`"
    late: ClassVar[str] = "Of what was added and removed the later event time holds."

    kind: AliasKind
    """An e-mail address, a phone number, a loyalty card, an account of another system, or a device."""
    value: Annotated[str, Field(min_length=1, max_length=254, pattern=r"^[^\x00-\x1f\x7f]+$")]
    """The name itself, as people write it: case and spaces of an address, a number, a card do not matter."""


class AliasAdded(AliasData):
    """A customer is called so too: what comes under this name is theirs. The first customer who has a name
    keeps it until it is removed; who is second waits for it, and both may be one person."""

    event_type: ClassVar[str] = "rapport.alias.added.v1"


class AliasRemoved(AliasData):
    """A customer is called so no more: the name is free for the next."""

    event_type: ClassVar[str] = "rapport.alias.removed.v1"
