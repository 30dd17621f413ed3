"""The customer's side: after each event aliases are asked for that are new, and given up that the customer is
called by no more; and who may be the same person is sought."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from services.interactions.domain.aliases.called import MAX_CALLED, Called, CalledBy
from services.interactions.domain.duplicates.seeking import seeking, told_places
from services.interactions.domain.owners import part_of
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Told
from services.interactions.errors import INVALID_ALIAS, TOO_MANY_ALIASES
from shared.domain import Effects, Emit
from shared.facts.aliases import AliasError, Identity
from shared.facts.profile import value_of
from shared.schemas.commands.aliases import AliasClaimRequested, AliasReleaseRequested, AliasToldRequested
from shared.schemas.commands.duplicates import DuplicateFoundRequested, pair_key
from shared.schemas.customers import AliasAdded, AliasData, AliasKind
from shared.schemas.event import Event
from shared.schemas.times import Micros

PROFILE: tuple[AliasKind, ...] = ("email", "phone")
"""What of a profile is an alias."""


def asking(identity: Identity, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With the names that the event tells, and what is asked of aliases for that. Raises ``invalid_alias``,
    ``too_many_aliases``."""
    data, customer, whom = told.event.data, effects.state, told.event.told_of
    if isinstance(data, AliasData):
        called = _told(identity, customer, data, told)
    elif _by_itself(customer, whom).profile is not _by_itself(before, whom).profile:
        called = _of_profile(identity, before, customer, whom)
        called = seeking(identity, before, customer, called, whom)
    else:
        return effects
    called = called.asking_again(before.called)
    if called is customer.called or called == customer.called:
        return effects
    emits = (*_asked(before.called, called, told), *told_places(before.called, called, told.event))
    return replace(effects, state=altered(customer, called=called), emits=(*effects.emits, *emits))


def given_up(called: CalledBy, event: Event) -> Iterator[Emit]:
    """What is told of a customer who is erased: to every alias that they ever asked for, and wherever they
    are sought."""
    for one in called.names:
        release = AliasReleaseRequested(kind=one.kind, customer_id=one.customer, erased=True)
        yield Emit(release, event.time, one.key)
    yield from told_places(called, CalledBy(), event)


def answered(customer: Customer, event: Event) -> Effects[Customer]:
    """An alias has said whose it is. If that is another, both may be one person, unless they are already."""
    data = event.data
    assert isinstance(data, AliasToldRequested)
    one = customer.called.name(data.alias, data.customer_id)
    if one is None or not one.wanted or one.revision > data.revision:
        return Effects(customer)
    theirs = data.owner == one.customer
    new = altered(
        one,
        owner=None if theirs else data.owner,
        revision=data.revision,
        left_out=not data.waits and not theirs,
    )
    after = altered(customer, called=customer.called.with_name(new))
    owner = others_owner(customer, new)
    if owner is None or not data.waits or data.kind == "device":
        return Effects(after)
    found = DuplicateFoundRequested(customer_id=customer.customer_id, other_id=owner, reason=data.kind)
    return Effects(after, (Emit(found, event.time, pair_key(customer.customer_id, owner)),))


def others_owner(customer: Customer, one: Called) -> str | None:
    """Whose the name is, where that is none of whom the customer is."""
    ids = () if customer.merging is None else customer.merging.ids
    return None if one.owner in (customer.customer_id, *ids) else one.owner


def come(
    identity: Identity,
    before: Customer,
    pieces: Iterable[Customer],
    effects: Effects[Customer],
    told: Told,
) -> Effects[Customer]:
    """What an id is called by has come. Of two words that which does not hold has asked for a name, or for a
    place, that is not wanted; and what was answered may have come before it: so all is asked for anew."""
    came = [piece.called for piece in pieces if piece.called != CalledBy()]
    if not came:
        return effects
    customer, called = effects.state, effects.state.called
    for id in dict.fromkeys(one.customer for some in came for one in some.names):
        called = _as_profile(identity, customer, called, id, PROFILE)
    both = CalledBy(
        names=tuple(one for some in (before.called, *came) for one in some.wanted),
        sought=tuple(one for some in (before.called, *came) for one in some.sought),
    )
    wanted = {one.place for one in before.called.wanted} - {one.place for some in came for one in some.names}
    emits = (
        *_released(both, called, told),
        *(_claim(one, told) for one in called.wanted if one.place not in wanted),
        *told_places(both, called, told.event),
    )
    return replace(effects, state=altered(customer, called=called), emits=(*effects.emits, *emits))


def _told(identity: Identity, customer: Customer, data: AliasData, told: Told) -> CalledBy:
    """The last word by time holds; of one time the later in the log. A profile that is older than a removal
    names it no more, until it is told anew."""
    called = customer.called
    try:
        alias = identity.alias(data.kind, data.value)
    except AliasError as error:
        raise INVALID_ALIAS(why=str(error), field="data.value") from None
    key, named = identity.key(alias), isinstance(data, AliasAdded)
    known = called.name(key, told.event.told_of)
    if known is not None and known.at is not None and told.at < known.at:
        return called
    if known is None:
        if named and len(called.wanted) >= MAX_CALLED:
            raise TOO_MANY_ALIASES(most=MAX_CALLED)
        known = Called(key=key, customer=told.event.told_of, kind=alias.kind, value=alias.value)
    profile = known.profile and (named or _named_at(identity, customer, known) >= told.at)
    return called.with_name(altered(known, at=told.at, named=named, profile=profile))


def _of_profile(identity: Identity, before: Customer, after: Customer, customer: str) -> CalledBy:
    """As the profile is by now, of what the event has changed: its address and its number, and no others."""
    old, new = _by_itself(before, customer).profile, _by_itself(after, customer).profile
    changed = [kind for kind in PROFILE if new.get(kind) is not old.get(kind)]
    return _as_profile(identity, after, after.called, customer, changed)


def _as_profile(
    identity: Identity, customer: Customer, called: CalledBy, id: str, kinds: Collection[AliasKind]
) -> CalledBy:
    """What one of the ids is called by, as its profile is. A removal holds against what is older."""
    own = _by_itself(customer, id)
    names = identity.found({kind: value_of(own.profile, kind) for kind in kinds})
    for one in called.names:
        if one.profile and one.kind in kinds and one.customer == id and one.key not in names:
            called = called.with_name(altered(one, profile=False))
    for key, alias in names.items():
        known = called.name(key, id) or Called(key=key, customer=id, kind=alias.kind, value=alias.value)
        at = _told_at(own, known.kind)
        removed = not known.named and known.at is not None and known.at > at
        if not removed:
            called = called.with_name(altered(known, profile=True, profile_at=at))
        elif known.profile:
            called = called.with_name(altered(known, profile=False))
    return called


def _by_itself(customer: Customer, id: str) -> Customer:
    """What one of the ids is, whoever it is merged with by now."""
    return (part_of(customer, id) or customer) if customer.parts else customer


def _named_at(identity: Identity, customer: Customer, known: Called) -> Micros:
    """When the profile named it: that of whom it was told, whoever they are merged with by now."""
    if known.profile_at is not None:
        return known.profile_at
    stands = known.key in identity.found({known.kind: value_of(customer.profile, known.kind)})
    return _told_at(customer, known.kind) if stands else 0


def _told_at(customer: Customer, kind: AliasKind) -> Micros:
    """When the profile's address or number was told."""
    told = customer.profile.get(kind)
    return 0 if told is None else told.at


def _asked(before: CalledBy, after: CalledBy, told: Told) -> Iterator[Emit]:
    """What is wanted by now and was not, and what is wanted no more."""
    yield from _released(before, after, told)
    wanted = {one.place: one for one in before.wanted}
    for one in after.wanted:
        known = wanted.get(one.place)
        if known is None or (known.outside and not one.outside):
            yield _claim(one, told)


def _released(before: CalledBy, after: CalledBy, told: Told) -> Iterator[Emit]:
    now = {one.place for one in after.wanted}
    for place, one in {one.place: one for one in before.wanted}.items():
        if place not in now:
            release = AliasReleaseRequested(kind=one.kind, customer_id=one.customer)
            yield Emit(release, told.event.time, one.key)


def _claim(one: Called, told: Told) -> Emit:
    return Emit(AliasClaimRequested(kind=one.kind, customer_id=one.customer), told.event.time, one.key)
