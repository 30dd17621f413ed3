"""What an alias is asked, one by one: state in, effects out. Pure.

The first customer who asks has it until they give it up; of those who wait the one with the earliest event
has it then. So of any number who ask at once, in any order, one has it, and nothing that was asked is lost.
"""

from services.interactions.domain.aliases.state import (
    MAX_TURNS,
    MAX_WAITING,
    AliasState,
    Turn,
    Waiting,
    new_customer,
)
from services.interactions.domain.state import altered
from shared.domain import Context, Effects, Emit, Outcome
from shared.schemas.commands.aliases import AliasClaimRequested, AliasReleaseRequested, AliasToldRequested
from shared.schemas.customers import AliasKind
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros, moment


def apply(alias: AliasState, event: Event, context: Context) -> Effects[AliasState]:
    """A command's effects; of a claim the outcome says whose the alias is, and whether it was made for it."""
    data, at = event.data, micros(event.time)
    if isinstance(data, AliasReleaseRequested):
        return _released(alias, data, at)
    assert isinstance(data, AliasClaimRequested)
    if data.customer_id is None:
        return _found_or_made(alias, at)
    return _claimed(alias, data.customer_id, data.kind, at)


def _found_or_made(alias: AliasState, at: Micros) -> Effects[AliasState]:
    if alias.owner is not None:
        return Effects(alias, outcome=_answer(alias))
    nth = alias.made + 1
    new = _given(altered(alias, made=nth), new_customer(alias.key, nth), at, known=False)
    return Effects(new, outcome=_answer(new))


def _claimed(alias: AliasState, customer: str, kind: AliasKind, at: Micros) -> Effects[AliasState]:
    if alias.owner is None:
        new = _given(alias, customer, at, known=True)
        # Nobody had it yet: nobody was told that it is another's.
        first = not alias.revision
        return Effects(new, () if first else (_told(new, customer, kind, at),), outcome=_answer(new))
    if alias.owner == customer:
        if alias.known:  # they ask again: something that they were told before may be on its way yet
            return Effects(alias, (_told(alias, customer, kind, at),), outcome=_answer(alias))
        new = altered(alias, known=True)
        return Effects(new, outcome=_answer(new))
    new, waits = alias, any(one.customer == customer for one in alias.waiting)
    if not waits and len(alias.waiting) < MAX_WAITING:
        waits = True
        waiting = sorted(
            (*alias.waiting, Waiting(customer=customer, at=at)), key=lambda one: (one.at, one.customer)
        )
        new = _turned(altered(alias, waiting=tuple(waiting)), Turn(at=at, customer=customer, what="waits"))
    return Effects(new, (_told(new, customer, kind, at, waits=waits),), outcome=_answer(new))


def _released(alias: AliasState, data: AliasReleaseRequested, at: Micros) -> Effects[AliasState]:
    """Who waited longest has it next; all who wait are told so."""
    customer, new = data.customer_id, alias
    left = tuple(one for one in alias.waiting if one.customer != customer)
    if len(left) < len(alias.waiting):
        new = altered(new, waiting=left)
    emits: tuple[Emit, ...] = ()
    if alias.owner == customer:
        new = altered(new, owner=None, since=None, known=False)
        new = _turned(new, Turn(at=at, customer=customer, what="released"))
        if left:
            first, *others = left
            new = _given(altered(new, waiting=tuple(others)), first.customer, first.at, known=True)
            emits = (
                _told(new, first.customer, data.kind, first.at),
                *(_told(new, one.customer, data.kind, one.at, waits=True) for one in others),
            )
    if data.erased and any(turn.customer == customer for turn in new.turns):
        new = altered(new, turns=tuple(turn for turn in new.turns if turn.customer != customer))
    return Effects(new, emits, outcome=_answer(new))


def _given(alias: AliasState, customer: str, at: Micros, *, known: bool) -> AliasState:
    given = altered(alias, owner=customer, since=at, known=known)
    return _turned(given, Turn(at=at, customer=customer, what="given"))


def _turned(alias: AliasState, turn: Turn) -> AliasState:
    return altered(alias, revision=alias.revision + 1, turns=(*alias.turns, turn)[-MAX_TURNS:])


def _told(alias: AliasState, customer: str, kind: AliasKind, at: Micros, *, waits: bool = False) -> Emit:
    assert alias.owner is not None
    said = AliasToldRequested(
        alias=alias.key,
        kind=kind,
        customer_id=customer,
        owner=alias.owner,
        waits=waits,
        revision=alias.revision,
        at=moment(at),
    )
    return Emit(said, moment(at), customer)


def _answer(alias: AliasState) -> Outcome:
    return Outcome(200, {"customer_id": alias.owner, "known": alias.known})
