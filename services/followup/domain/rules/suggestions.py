"""What the rules file may say of products that are suggested since they are bought together."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.followup.domain.rules.times import Duration
from shared.schemas.base import Strict
from shared.schemas.fields import Label

SUGGESTED = "product.suggested"
"""The event that starts a rule which suggests one: as soon as one does, purchases are counted."""


class Suggestions(Strict):
    """How they are counted, and what is enough to suggest one. Of several versions the newest holds."""

    within: Duration = timedelta(days=30)
    """An order adds to the orders before it that are no older than this."""
    lines: Annotated[int, Field(ge=1, le=10)] = 3
    """How many products of an order count: the dearest. Each costs a command an order, and as many for each
    of the two orders before it."""
    worth: Annotated[int, Field(ge=1)] = 1
    """Of how many minor units a line must be to count: what is cheap is bought anyway, and often."""
    at_least: Annotated[int, Field(ge=1)] = 5
    """How many customers must have bought both within a year."""
    share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.1")
    """What part of those who bought the one must have bought both."""
    never: tuple[Label, ...] = ()
    """Products that are not suggested, such as a bag, which goes with everything."""


USUAL = Suggestions()
"""Where the file says nothing."""
