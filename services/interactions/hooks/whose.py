"""Whom a webhook is about: the customer by whichever name the shop knows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import structs

from services.interactions.accepting import Told
from services.interactions.hooks.heard import UNRESOLVED, Heard, Who
from shared.domain import RefusedError
from shared.schemas.commands.orders import OrderTellRequested
from shared.schemas.customers import AliasAdded
from shared.schemas.event import Event

Kind = Literal["email", "phone", "account"]


class Names(Protocol):
    """Finds who has an alias. Both raise ``RefusedError`` where it is none."""

    async def resolve(self, kind: Kind, value: str) -> str | None: ...

    async def resolve_or_make(
        self, kind: Kind, value: str, *, name: str | None = None, at: datetime | None = None
    ) -> str: ...


async def told_of(heard: Heard, names: Names) -> Sequence[Told] | None:
    """The events with the customer in them; None where nothing says who it is."""
    if heard.who is None or not heard.events:
        return [Told(event) for event in heard.events]
    first, account = heard.events[0], heard.who.account
    known = None if account is None else await names.resolve("account", account)
    # Whoever has the account in the shop, since people change addresses.
    customer = known or await _named(heard.who, names, first.time)
    if customer is None:
        return None
    told = [Told(_with(event, customer)) for event in heard.events]
    if account is not None and known is None:
        alias = AliasAdded(kind="account", value=account)
        told.append(Told(Event(f"{first.id[:100]}:account", first.source, customer, first.time, alias)))
    return told


async def _named(who: Who, names: Names, at: datetime) -> str | None:
    """Whoever has the address, or else the number or the account, or a new customer with it; None where
    nothing names them."""
    aliases: tuple[tuple[Kind, str | None], ...] = (
        ("email", who.email),
        ("phone", who.phone),
        ("account", who.account),
    )
    for kind, value in aliases:
        if value is None:
            continue
        try:
            return await names.resolve_or_make(kind, value, name=who.name, at=at)
        except RefusedError:  # no address, no number: the shop lets people write what they like
            continue
    return None


def _with(event: Event, customer: str) -> Event:
    if event.subject == UNRESOLVED:
        return structs.replace(event, subject=customer)
    if isinstance(event.data, OrderTellRequested):
        order = event.data.order.model_copy(update={"customer_id": customer})
        return structs.replace(event, data=event.data.model_copy(update={"order": order}))
    return event
