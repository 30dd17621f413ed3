"""What followup tells itself of products: who bought what together, and what to suggest. From the one writer
of a customer to that of a product, and back."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.schemas.base import Id, Open
from shared.schemas.commands import Command
from shared.schemas.fields import Count, Label
from shared.schemas.products import PRODUCT, product_state

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""


class Vote(Open):
    """One customer more, or less, who bought a product, or another with it."""

    other: Label | None = None
    """What was bought with it or after it; null: it was bought at all."""
    period: Count
    """When that came to be, in periods of 91 days from 1970."""
    by: Literal[1, -1]
    """One more, or one less."""


class Ask(Open):
    """A question of a customer, who has bought it: what goes with it?"""

    customer_id: Id
    """Who is to be answered."""
    order_id: Id
    """The order that it is about."""
    at_least: Count
    """How many must have bought both."""
    share: Share
    """What part of the product's buyers these must be."""
    following: tuple[Label, ...] = ()
    """Other products of the order, which are asked next where this one has nothing to say."""


class Candidate(Open):
    """A product that may be suggested."""

    sku: Label
    """The product."""
    together: Count
    """How many bought both."""
    share: Share
    """What part they are of the buyers: the score."""


class ProductCountRequested(Command):
    """Count for a product, and perhaps answer a customer. Keyed by the product."""

    event_type: ClassVar[str] = "rapport.followup.product_count.requested.v1"
    entity: ClassVar[str] = PRODUCT

    sku: Label
    """The product."""
    votes: tuple[Vote, ...] = ()
    """Whom to count, or no longer."""
    ask: Ask | None = None
    """What is asked once that is done."""

    def state_id(self, subject: str) -> str:
        return product_state(subject)


class ProductSuggestRequested(Command):
    """Suggest one of these products: the answer to what was asked. Keyed by the customer."""

    event_type: ClassVar[str] = "rapport.followup.product_suggest.requested.v1"

    order_id: Id
    """The order that it was asked about."""
    because: Label
    """The product that was bought."""
    buyers: Count
    """How many bought it."""
    found: tuple[Candidate, ...]
    """What goes with it, the best first."""
