"""The customer's side: after each event aliases are asked for that are new, and given up that the customer is
called by no more."""

from collections.abc import Iterator
from dataclasses import replace

from services.interactions.domain.aliases.called import MAX_CALLED, Called, found, with_called
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Told
from services.interactions.errors import INVALID_ALIAS, TOO_MANY_ALIASES
from shared.domain import Effects, Emit
from shared.facts.aliases import AliasError, Identity
from shared.facts.profile import value_of
from shared.schemas.commands.aliases import AliasClaimRequested, AliasReleaseRequested, AliasToldRequested
from shared.schemas.customers import AliasAdded, AliasData, CustomerErased
from shared.schemas.event import Event


def asking(identity: Identity, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With the names that the event tells, and what is asked of aliases for that. Raises ``invalid_alias``,
    ``too_many_aliases``."""
    data, customer = told.event.data, effects.state
    if isinstance(data, CustomerErased):
        return _forgotten(effects, told)
    if isinstance(data, AliasData):
        called = _told(identity, customer, data, told)
    elif customer.profile is not before.profile:
        called = _of_profile(identity, customer, told)
    else:
        return effects
    if called is customer.called:
        return effects
    emits = tuple(_asked(before.called, called, told))
    return replace(effects, state=altered(customer, called=called), emits=(*effects.emits, *emits))


def answered(customer: Customer, data: AliasToldRequested) -> Effects[Customer]:
    """An alias has said whose it is. One whose things are here is no other."""
    one = found(customer.called, data.alias, data.customer_id)
    if one is None or not one.wanted or one.revision >= data.revision:
        return Effects(customer)
    owner = None if data.owner == one.customer else data.owner
    new = altered(one, owner=owner, revision=data.revision)
    return Effects(altered(customer, called=with_called(customer.called, new)))


def whom(event: Event) -> str:
    """Of whom it was told."""
    return event.subject


def _told(identity: Identity, customer: Customer, data: AliasData, told: Told) -> tuple[Called, ...]:
    """The last word by time holds; of one time the later in the log."""
    try:
        alias = identity.alias(data.kind, data.value)
    except AliasError as error:
        raise INVALID_ALIAS(why=str(error), field="data.value") from None
    key, named = identity.key(alias), isinstance(data, AliasAdded)
    known = found(customer.called, key, whom(told.event))
    if known is not None and known.at is not None and told.at < known.at:
        return customer.called
    if known is None:
        if named and sum(one.wanted for one in customer.called) >= MAX_CALLED:
            raise TOO_MANY_ALIASES(most=MAX_CALLED)
        known = Called(key=key, customer=whom(told.event), kind=alias.kind, value=alias.value)
    return with_called(customer.called, altered(known, at=told.at, named=named))


def _of_profile(identity: Identity, customer: Customer, told: Told) -> tuple[Called, ...]:
    """As the profile is by now: its address and its number, and no others."""
    names = identity.found({kind: value_of(customer.profile, kind) for kind in ("email", "phone")})
    called = customer.called
    for one in called:
        if one.profile and one.key not in names:
            called = with_called(called, altered(one, profile=False))
    for key, alias in names.items():
        known = found(called, key, whom(told.event))
        if known is None:
            known = Called(key=key, customer=whom(told.event), kind=alias.kind, value=alias.value)
        if not known.profile:
            called = with_called(called, altered(known, profile=True))
    return called


def _asked(before: tuple[Called, ...], after: tuple[Called, ...], told: Told) -> Iterator[Emit]:
    """What is wanted by now and was not, and what is wanted no more."""
    wanted = {one.place: one for one in before if one.wanted}
    now = {one.place: one for one in after if one.wanted}
    for place, one in wanted.items():
        if place not in now:
            yield Emit(
                AliasReleaseRequested(kind=one.kind, customer_id=one.customer), told.event.time, one.key
            )
    for place, one in now.items():
        if place not in wanted:
            yield Emit(AliasClaimRequested(kind=one.kind, customer_id=one.customer), told.event.time, one.key)


def _forgotten(effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """The customer is erased: nothing is called after them."""
    customer = effects.state
    released = tuple(
        Emit(
            AliasReleaseRequested(kind=one.kind, customer_id=one.customer, erased=True),
            told.event.time,
            one.key,
        )
        for one in customer.called
    )
    if not released:
        return effects
    return replace(effects, state=altered(customer, called=()), emits=(*effects.emits, *released))
