"""What goes from a customer's state: all of it, or what came of some ids. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from services.followup.domain.effects import then
from services.followup.domain.journeys.dates import holds
from services.followup.domain.journeys.kept import Occasion
from services.followup.domain.journeys.occasions import start_named, where_of
from services.followup.domain.merging import votes
from services.followup.domain.merging.anew import seen_anew
from services.followup.domain.merging.handed import Handed
from services.followup.domain.merging.pieces import pieces_of
from services.followup.domain.merging.shares import alone, shares_of
from services.followup.domain.merging.tags import kept_as, leaders, named, on_way
from services.followup.domain.merging.view import Fields, view_of
from services.followup.domain.policy import Policy
from services.followup.domain.quiet_time import timer_name
from services.followup.domain.results.counting import with_results
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Anchor, Customer, Told
from shared.domain import CancelTimer, Context, Effects
from shared.merging.course import Left
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros

Goes: TypeAlias = Callable[[Any], bool]
"""Whether a message, or what is kept of one, goes."""


def leave(state: Customer, event: Event, context: Context) -> Left[Customer, Handed]:
    """Everything goes, and its timers with it."""
    handed = Handed(
        shares=pieces_of(shares_of(state)),
        anchors=state.anchors,
        occasions=tuple(_come(state.occasions)),
        walked=state.walked,
        unreached=state.unreached,
        early=state.early,
        **_addresses(state),
        **_sent_off(state, lambda one: True),
    )
    timers = [*_timers(state, lambda one: True)]
    timers += [CancelTimer(timer_name(anchor.rule)) for anchor in state.anchors if anchor.armed]
    timers += [CancelTimer(one.timer) for one in state.occasions if one.due_at is not None]
    return Left(Effects(Customer(customer_id=state.customer_id), timers=tuple(timers)), handed)


def give_back(
    policy: Policy, state: Customer, going: frozenset[str], event: Event, context: Context
) -> Left[Customer, Handed]:
    """What came of these ids goes, and what came of what was told of them since; of the rest it is as if they
    had never been here, from now on. What is in one mail with others goes where the first in it does."""
    here, now = state.customer_id, cut(micros(context.now))
    first = leaders(state.in_flight, state.traces)

    def goes(one: Any) -> bool:
        mail = getattr(one, "mail", None)
        return (one.whose if mail is None else first.get(mail, one.whose)) in going

    shares = shares_of(state)
    theirs = [one for one in shares if one.customer_id in going]
    ours = [one for one in shares if one.customer_id not in going]
    their_view, our_view = _as_one(theirs, here), _as_one(ours, here)
    stays = our_view.model_copy(
        update={
            **_staying(state, goes),
            "shares": tuple(ours) if len(ours) > 1 else (),
            "anchors": tuple(_known(our_view.anchors, state.anchors)),
            "occasions": tuple(_own(state.occasions, our_view, policy, now)),
            "merging": state.merging,
            "early": tuple(one for one in state.early if one.whose not in going),
        }
    )
    handed = Handed(
        shares=pieces_of(theirs),
        anchors=tuple(_known(their_view.anchors, state.anchors)),
        occasions=tuple(_come(_own(state.occasions, their_view, policy, now))),
        walked=state.walked,
        early=tuple(one for one in state.early if one.whose in going),
        **_addresses(state),
        **_sent_off(state, goes),
    )
    effects = Effects(stays, timers=tuple(_timers(state, goes)))
    anew = partial(seen_anew, policy=policy, before=state.anchors, now=now, new_id=context.new_id)
    effects = then(effects, anew)
    counted = votes.told(
        policy, [our_view.history, their_view.history], state.history, context.now, parting=True
    )
    effects = then(effects, lambda s: Effects(s, emits=counted))
    return Left(with_results(policy, stays, event.data, effects), handed)


def _as_one(shares: Sequence[Told], here: str) -> Customer:
    return alone(Told.model_construct(customer_id=here, **view_of(shares, here)))


MESSAGES = ("planned", "waiting", "in_flight")
KEPT = ("traces", "sends", "hopes", "trials")


def _sent_off(state: Customer, goes: Goes) -> Fields:
    """The messages that go, and what is kept of them; each says whose it is."""
    here = state.customer_id
    found: Fields = {
        name: tuple(named(one, here) for one in getattr(state, name) if goes(one)) for name in MESSAGES
    }
    for name in KEPT:
        found[name] = tuple(kept_as(one, one.whose or here) for one in getattr(state, name) if goes(one))
    ways = [one for one in state.journeys if goes(one.first)]
    return found | {"journeys": tuple(on_way(one, named(one.first, here)) for one in ways)}


def _staying(state: Customer, goes: Goes) -> Fields:
    found: Fields = {
        name: tuple(one for one in getattr(state, name) if not goes(one)) for name in (*MESSAGES, *KEPT)
    }
    found["journeys"] = tuple(one for one in state.journeys if not goes(one.first))
    return found | {"walked": state.walked, "unreached": state.unreached} | _addresses(state)


def _addresses(state: Customer) -> Fields:
    """What was found out of addresses is so of them whoever has them."""
    return {name: getattr(state, name) for name in ("refused", "suppressed", "soft_bounces")}


def _timers(state: Customer, goes: Goes) -> Iterator[CancelTimer]:
    yield from (CancelTimer(one.timer) for one in state.planned if goes(one))
    yield from (CancelTimer(one.timer) for one in state.journeys if one.wakes is not None and goes(one.first))


def _known(told: Iterable[Anchor], stood: Sequence[Anchor]) -> Iterator[Anchor]:
    """Silences of some of the ids; the one that stood for all is known to be over, if it is."""
    for one in told:
        over = one.over or any(other.over for other in stood if _same(one, other))
        yield one.model_copy(update={"armed": False, "over": over})


def _same(one: Anchor, other: Anchor) -> bool:
    return (one.rule, one.order) == (other.rule, other.order)


def _come(occasions: Iterable[Occasion]) -> Iterator[Occasion]:
    """The dates that came."""
    for one in occasions:
        if one.done is not None:
            yield one.model_copy(update={"base": None, "due_at": None})


def _own(occasions: Iterable[Occasion], state: Customer, policy: Policy, now: Micros) -> Iterator[Occasion]:
    """Of dates that came it is known only where they are of those of whom ``state`` knows."""
    where = where_of(state, policy, now)
    for one in occasions:
        rule = policy.rule(one.rule, now)
        start = None if rule is None else start_named(rule, one.trigger)
        own = start is None or one.done is None or holds(state, start, one.thing, one.done, where)
        yield one if own else one.model_copy(update={"done": None})
