"""How interactions' customers are merged and un-merged (ADR 68)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from msgspec import structs

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.growth.thanks import with_thanks
from services.interactions.domain.growth.work import work_rows
from services.interactions.domain.merging.absorbing import absorbed
from services.interactions.domain.merging.giving import given_back, left
from services.interactions.domain.merging.handing import Handed
from services.interactions.domain.routing.watch import watched
from services.interactions.domain.rows import TIMELINE
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Told
from services.interactions.domain.timeline import timeline_row
from services.interactions.errors import NOT_MERGED
from shared.domain import Append, Context, Effects, Emit, Outcome
from shared.merging.course import Course, Left
from shared.merging.state import Standing
from shared.merging.ways import with_those_of
from shared.schemas.commands.customers import CustomerMergeRequested, CustomerUnmergeRequested
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.times import micros

SOURCE = "/rapport/interactions"

Follow: TypeAlias = Callable[[Customer, Effects[Customer], Told], Effects[Customer]]
"""What follows of a change, for complaints and their clocks."""
Come: TypeAlias = Callable[[Customer, Iterable[Customer], Effects[Customer], Told], Effects[Customer]]
"""What follows for aliases of pieces that have come."""
Act: TypeAlias = Callable[[Customer, Event, Context], Effects[Customer]]


def merging(desk: Desk, follow: Follow, come: Come) -> Course[Customer, Handed]:
    """The course of merges at this desk."""

    def leave(customer: Customer, event: Event, context: Context) -> Left[Customer, Handed]:
        goes = left(customer)
        row = Append(TIMELINE, timeline_row(event, micros(event.time)).document())
        return replace(goes, effects=replace(goes.effects, rows=(*goes.effects.rows, row)))

    def join(customer: Customer, handed: Handed, event: Event, context: Context) -> Effects[Customer]:
        before = altered(customer, merging=_standing(customer, event))
        told = _told(event, context)
        effects = _shown(desk, before, absorbed(before, handed, told), event, context, follow)
        return come(before, handed.pieces, effects, told)

    def give_back(
        customer: Customer, ids: frozenset[str], event: Event, context: Context
    ) -> Left[Customer, Handed]:
        goes = given_back(customer, ids)
        return replace(goes, effects=_shown(desk, customer, goes.effects, event, context, follow))

    return Course("interactions", Handed, leave, join, give_back)


def _standing(customer: Customer, event: Event) -> Standing:
    """With the merges by which what is handed over comes: clocks go by them."""
    known = customer.merging or Standing()
    return altered(known, absorbed=with_those_of(known, event))


def _told(event: Event, context: Context) -> Told:
    return Told(event, micros(event.time), context)


def _shown(
    desk: Desk,
    before: Customer,
    effects: Effects[Customer],
    event: Event,
    context: Context,
    follow: Follow,
) -> Effects[Customer]:
    """With what clocks, teams and agents are to know. Nothing has come to a team by it."""
    told = _told(event, context)
    effects = watched(desk, before, follow(before, effects, told), told)
    effects = with_thanks(desk, before, effects, told)
    return replace(effects, rows=(*effects.rows, *work_rows(before, effects.state)))


def applied(
    course: Course[Customer, Handed], customer: Customer, event: Event, context: Context, act: Act
) -> Effects[Customer]:
    """What an event that concerns merging does. Raises as the course does."""
    effects = course.apply(customer, event, context, act)
    if isinstance(event.data, CustomerUnmerged) and effects.state is not customer:
        row = timeline_row(event, micros(event.time))
        return replace(effects, rows=(*effects.rows, Append(TIMELINE, row.document())))
    return effects


def asked(
    course: Course[Customer, Handed], customer: Customer, event: Event, context: Context, act: Act
) -> Effects[Customer]:
    """The fact that a command asks for: it takes effect at once, is emitted and answered. What is so already
    is answered as it was. Raises ``merge_cycle``, ``not_merged``."""
    command, moved = event.data, None if customer.merging is None else customer.merging.moved
    fact: CustomerMerged | CustomerUnmerged
    if isinstance(command, CustomerMergeRequested):
        done = Effects(customer, outcome=_answer(event.told_of, command.into))
        if command.into == (customer.customer_id if moved is None else moved.into) and (moved or event.been):
            return done
        if moved is not None:
            return course.apply(customer, event, context, act)
        fact, into = CustomerMerged(into=command.into, reason=command.reason or ""), command.into
    else:
        assert isinstance(command, CustomerUnmergeRequested)
        if moved is None or command.into not in (None, moved.into):
            raise NOT_MERGED(customer=customer.customer_id, into=command.into or "any other")
        fact = CustomerUnmerged.model_validate({"from": moved.into, "reason": command.reason or ""})
        into = customer.customer_id
    told = structs.replace(event, id=context.emitted(0), source=SOURCE, data=fact, came=(), been=())
    effects = applied(course, customer, told, context, act)
    emits = (Emit(fact, event.time), *effects.emits)
    return replace(effects, emits=emits, outcome=_answer(event.told_of, into))


def _answer(customer_id: str, into: str) -> Outcome:
    return Outcome(200, {"customer_id": customer_id, "into": into})
