"""What comes into a customer's state: another's, who is the same person, or what comes home. Pure."""

from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, TypeVar

from services.followup.domain.deliverability.receipts import MOST_TRACES
from services.followup.domain.deliverability.suppression import MOST_SUPPRESSED
from services.followup.domain.effects import then
from services.followup.domain.gate.kept import Unreached
from services.followup.domain.journeys.goals import MOST_HOPES
from services.followup.domain.journeys.kept import Occasion
from services.followup.domain.journeys.walk import MOST_WALKED
from services.followup.domain.merging import early, votes
from services.followup.domain.merging.anew import seen_anew
from services.followup.domain.merging.handed import Handed
from services.followup.domain.merging.shares import shares_of
from services.followup.domain.merging.tags import at_home, kept_as, on_way
from services.followup.domain.merging.view import view_of
from services.followup.domain.policy import Policy
from services.followup.domain.reports import MOST_REFUSED
from services.followup.domain.results.counting import with_results
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Anchor, Customer, Told
from shared.domain import Context, Effects, SetTimer
from shared.schemas.event import Event
from shared.schemas.times import micros, moment

T = TypeVar("T")


def join(
    policy: Policy, state: Customer, handed: Handed, event: Event, context: Context
) -> Effects[Customer]:
    """All that was told of both is known, and what was made of it goes on. It does not matter in what order
    parts come, and before or after what else is told."""
    now = cut(micros(context.now))
    mine = _settled(handed, state.customer_id)
    together = _together(state, mine)
    timers = [SetTimer(one.timer, moment(one.wakes)) for one in mine.planned]
    timers += [SetTimer(one.timer, moment(one.wakes)) for one in mine.journeys if one.wakes is not None]
    anew = partial(seen_anew, policy=policy, before=state.anchors, now=now, new_id=context.new_id)
    effects = Effects(together, timers=tuple(timers))
    effects = then(effects, partial(early.arrived, policy=policy, now=now, new_id=context.new_id))
    effects = then(effects, anew)
    theirs = view_of(handed.shares, state.customer_id)["history"]
    counted = votes.told(policy, [state.history, theirs], together.history, context.now)
    effects = then(effects, lambda s: Effects(s, emits=counted))
    # What the one was to reach the other may have reached.
    before = together.model_copy(update={"signals": ()})
    return with_results(policy, before, event.data, effects)


def _settled(handed: Handed, here: str) -> Handed:
    """With what is the customer's own marked as any of theirs is."""
    update: dict[str, Any] = {
        name: tuple(at_home(one, here) for one in getattr(handed, name))
        for name in ("planned", "waiting", "in_flight")
    }
    for name in ("traces", "sends", "hopes", "trials"):
        update[name] = tuple(kept_as(one, "") if one.whose == here else one for one in getattr(handed, name))
    update["journeys"] = tuple(on_way(one, at_home(one.first, here)) for one in handed.journeys)
    return handed.model_copy(update=update)


def _together(state: Customer, more: Handed) -> Customer:
    here = state.customer_id
    shares = _with_shares(shares_of(state), more.shares, here)
    told = view_of(shares, here)
    anchors = tuple(_anchors(told["anchors"], (*state.anchors, *more.anchors)))
    return state.model_copy(
        update={
            **told,
            "shares": shares if len(shares) > 1 else (),
            "anchors": anchors,
            "planned": _each((*state.planned, *more.planned), _named),
            "waiting": (*state.waiting, *more.waiting),
            "in_flight": _each((*state.in_flight, *more.in_flight), _named),
            "journeys": _each((*state.journeys, *more.journeys), lambda one: one.first.outreach_id),
            "traces": _latest(_each((*state.traces, *more.traces), _named), "at")[-MOST_TRACES:],
            "early": early.together((*state.early, *more.early)),
            "sends": _latest((*state.sends, *more.sends), "at"),
            "hopes": _latest(_each((*state.hopes, *more.hopes), _named), "sent_at")[-MOST_HOPES:],
            "trials": (*state.trials, *more.trials),
            "walked": _latest(dict.fromkeys((*state.walked, *more.walked)), "end")[-MOST_WALKED:],
            "occasions": _occasions(state.occasions, more.occasions),
            "unreached": _unreached((*state.unreached, *more.unreached)),
            "refused": tuple(dict.fromkeys((*more.refused, *state.refused)))[-MOST_REFUSED:],
            "suppressed": _latest(
                _each((*state.suppressed, *more.suppressed), lambda one: (one.mark, one.of, one.why)), "at"
            )[-MOST_SUPPRESSED:],
            "soft_bounces": _latest(_each((*state.soft_bounces, *more.soft_bounces), _named), "at")[
                -MOST_SUPPRESSED:
            ],
        }
    )


def _named(one: Any) -> Hashable:
    name: str = one.outreach_id
    return name


def _each(things: Iterable[T], name: Any) -> tuple[T, ...]:
    """Each once."""
    return tuple({name(one): one for one in things}.values())


def _latest(things: Iterable[T], field: str) -> tuple[T, ...]:
    return tuple(sorted(things, key=lambda one: getattr(one, field)))


def _with_shares(known: tuple[Told, ...], more: tuple[Told, ...], here: str) -> tuple[Told, ...]:
    """One share an id, the customer's own first."""
    found: dict[str, list[Told]] = {here: []}
    for one in (*known, *more):
        found.setdefault(one.customer_id, []).append(one)
    return tuple(
        some[0] if len(some) == 1 else Told(customer_id=id, **view_of(some, id)) for id, some in found.items()
    )


def _anchors(told: Iterable[Anchor], stood: Iterable[Anchor]) -> Iterable[Anchor]:
    over = {(one.rule, one.order) for one in stood if one.over}
    for one in told:
        yield one.model_copy(update={"over": one.over or (one.rule, one.order) in over})


def _occasions(known: Iterable[Occasion], more: Iterable[Occasion]) -> tuple[Occasion, ...]:
    found = {one.key: one for one in known}
    for one in more:
        old = found.get(one.key)
        done = max((o.done for o in (old, one) if o is not None and o.done is not None), default=None)
        found[one.key] = (old or one).model_copy(update={"done": done})
    return tuple(found.values())


def _unreached(told: Iterable[Unreached]) -> tuple[Unreached, ...]:
    return tuple({one.rule: one for one in sorted(told, key=lambda one: one.at)}.values())
