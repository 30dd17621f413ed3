"""Parts of a customer's record: messages and what is tried of a rule; terms of subscriptions; what it has of
others' that were merged into it."""

import msgspec

from shared.schemas.times import Micros


class Message(msgspec.Struct, array_like=True):
    """What is known of a message to the customer."""

    latest: Micros = 0
    """Time of the latest that was heard of it, as far as it has passed."""
    rule: str = ""
    """That asked for it; unknown before it is told that it went."""
    sent: Micros | None = None
    failed: Micros | None = None
    returned: bool = False
    """It came back."""
    asks: bool = False
    """It links to a survey."""
    answered: bool = False
    """The survey was answered."""


class Trial(msgspec.Struct, array_like=True):
    """A customer among those who a rule is for."""

    start: Micros
    """When it first was: a message went, or was held out."""
    held: bool
    """The customer gets none of its messages, for comparison."""
    bought: bool = False
    """In time after the start."""


class GivenUp(msgspec.Struct, array_like=True, frozen=True):
    """That P(alive) fell below the policy's bound after a purchase."""

    after: int
    """So many days after it."""
    lasted: int
    """So many days before it the customer had come, or come back."""


class TermStep(msgspec.Struct, array_like=True, frozen=True):
    """A term of a subscription, or a cancellation."""

    at: Micros
    ends: Micros
    """When the term ends, or what is cancelled."""
    cancels: bool = False
    reason: str = ""
    """Why it was cancelled, as ``root_causes.named`` has it."""
    told: int = 0
    """Tells what was told of a term from other accounts (``shared.facts.names.Name.told``)."""


class Merging(msgspec.Struct, array_like=True):
    """What of a record has to do with merging (``merging``)."""

    standing: bytes = b""
    """JSON of ``shared.merging.state.Standing``: who is here, and whom the customer is now."""
    parts: dict[str, bytes] = {}
    """What is known of the customer and of each who is here, by itself, as records: the record that has this
    is what they come to together. Empty where nobody else is."""
    pending: dict[str, dict[int, str]] = {}
    """Of hand-overs, by a name, the pieces that have come, where not all have."""
