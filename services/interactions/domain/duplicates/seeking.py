"""The customer's side: where others are sought who may be the same person, as the profile is by now."""

from collections.abc import Iterator

from services.interactions.domain.aliases.called import CalledBy, Sought, Trait
from services.interactions.domain.duplicates.names import beginning, compared
from services.interactions.domain.state import Customer
from shared.domain import Emit
from shared.facts.aliases import Identity
from shared.facts.profile import value_of
from shared.schemas.commands.duplicates import BlockJoinRequested, BlockLeaveRequested
from shared.schemas.event import Event

PARTS = ("name", "birthday", "preferences")
"""Of a profile, what decides it."""
POSTCODE = "postcode"
"""Of the preferences, the customer's postal code; where codes of several countries meet, with the country."""
LONGEST = 16


def seeking(identity: Identity, before: Customer, after: Customer, called: CalledBy, whom: str) -> CalledBy:
    """``called`` with the places of the profile as it is by now, where it has changed."""
    if all(before.profile.get(part) is after.profile.get(part) for part in PARTS):
        return called
    name = compared(str(value_of(after.profile, "name") or ""))
    traits: dict[Trait, str | None] = {
        "birthday": value_of(after.profile, "birthday"),
        "postcode": _postcode(value_of(after.profile, "preferences")),
    }
    for trait, value in traits.items():
        known, new = called.seeker(trait, whom), None
        if name and value:
            # Those of one postcode are many: each of its places holds those whose first word begins alike.
            place = f"{value} {beginning(name)}" if trait == "postcode" else value
            new = Sought(key=identity.block(trait, place), customer=whom, trait=trait, name=name)
        if known != new:
            called = called.with_sought(trait, whom, new)
    return called


def _postcode(preferences: object) -> str | None:
    """As it is compared: letters and digits, in upper case."""
    value = preferences.get(POSTCODE) if isinstance(preferences, dict) else None
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return "".join(c for c in str(value).upper() if c.isalnum())[:LONGEST] or None


def told_places(before: CalledBy, after: CalledBy, event: Event) -> Iterator[Emit]:
    """What is told to the places that the customer has left, and to those where they are by now."""
    old = {(one.key, one.customer): one for one in before.sought}
    new = {(one.key, one.customer): one for one in after.sought}
    for place, one in old.items():
        if place not in new:
            yield Emit(BlockLeaveRequested(customer_id=one.customer), event.time, one.key)
    for place, one in new.items():
        if old.get(place) != one:
            join = BlockJoinRequested(customer_id=one.customer, trait=one.trait, name=one.name)
            yield Emit(join, event.time, one.key)
