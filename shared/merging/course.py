"""What merging does to one event, before the service's own domain is asked. Pure.

A customer who was merged into another has moved: whatever is told of them is relayed to the survivor, with
the merges by which it came. Circles are found by what has gone around: an event that comes back by the very
merge by which it went out. Of the merges in it that with the greatest rank does not hold, which every service
finds alike.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import BaseModel

from shared.domain import Context, Effects, Emit, ErrorCode, Outcome, S, Unseen
from shared.merging.parts import MOST_BYTES, divided
from shared.merging.relays import relayed, uid_at
from shared.merging.rows import merged_row
from shared.merging.state import Standing, last_of_each, together
from shared.merging.ways import astray, circle_of, path_of, replace_standing, with_those_of, with_undone
from shared.schemas.base import Data
from shared.schemas.commands import Command
from shared.schemas.commands.merging import MERGING, GiveBack, HandOver, MergingCommands
from shared.schemas.customers import CustomerErased, CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.merges import Merge
from shared.schemas.timer import TimerFired

H = TypeVar("H", bound=BaseModel)

MERGE_CYCLE = ErrorCode("merge_cycle", 409, "{into} is {customer}: one cannot be merged into the other.")
MOVED_STATUS = 308
"""Of a command's outcome at an old id: where the outcome itself is, is in its body."""

TOLD: frozenset[type[Data]] = frozenset(
    (CustomerMerged, CustomerUnmerged, *(kind for own in MERGING.values() for kind in own.all))
)
"""The classes of what merging itself is told."""


def concerns(standing: Standing | None, event: Event) -> bool:
    """Whether merging has to do with the event: mostly not, and that is quickly told."""
    return standing is not None or bool(event.been) or event.data.__class__ in TOLD


@dataclass(frozen=True, slots=True)
class Left(Generic[S, H]):
    """What is left behind where things go, and they."""

    effects: Effects[S]
    """The state without them (its standing is the course's), timers cancelled, rows, and facts beside."""
    handed: H
    """They, as a model of the service, all fields with defaults; tuples and mappings are cut into parts."""


@dataclass(frozen=True, slots=True)
class Course(Generic[S, H]):
    """How a service's customers are merged: by three functions of its own.

    Joining must give the same whatever the order of parts, and of the survivor's own events. The state has
    ``merging: Standing | None = None``.
    """

    service: str
    handed: type[H]
    leave: Callable[[S, Event, Context], Left[S, H]]
    """Everything goes. The event is the fact; its subject is the customer who goes."""
    join: Callable[[S, H, Event, Context], Effects[S]]
    """Things come, of whomever, such as this very customer's, who comes home. The event is the command."""
    give_back: Callable[[S, frozenset[str], Event, Context], Left[S, H]]
    """What came of these customers goes, and what was told of them since. The event is the command."""
    home: Callable[[S, Event, Context], Effects[S]] = lambda state, event, context: Effects(state)
    """The customer is themselves again: what they have at once, before their things come home. The event is
    the fact, or any that has closed a circle."""
    standing: Callable[[S], Standing | None] = lambda state: getattr(state, "merging")  # noqa: B009 - S names no field
    with_standing: Callable[[S, Standing | None], S] = lambda state, standing: state.model_copy(
        update={"merging": standing}
    )
    tells: Callable[[H], tuple[str, ...]] = lambda handed: ()
    """The other customers whom things name."""
    most: int = MOST_BYTES
    """Bytes of a part."""

    @property
    def commands(self) -> MergingCommands:
        return MERGING[self.service]

    def apply(
        self, state: S, event: Event, context: Context, act: Callable[[S, Event, Context], Effects[S]]
    ) -> Effects[S]:
        """What an event does that ``concerns`` merging; ``act`` is the service's own, for what is to take
        effect here. Raises as that does, and ``merge_cycle``."""
        standing = self.standing(state) or Standing()
        if standing.moved is None:
            return self._here(state, standing, event, context, act)
        return self._away(state, standing, standing.moved, event, context, act)

    # --- a customer who has moved

    def _away(
        self,
        state: S,
        standing: Standing,
        moved: Merge,
        event: Event,
        context: Context,
        act: Callable[[S, Event, Context], Effects[S]],
    ) -> Effects[S]:
        data = event.data
        match data:
            case CustomerUnmerged():
                return self._home(state, standing, moved, event, context)
            case CustomerMerged(into=into) if into == moved.into:
                return Effects(state)
            case TimerFired():
                return Effects(state)  # it was cancelled as it fell due
            case GiveBack():
                marked = with_undone(standing, data.merge)
                passed = self._relay(state, event, moved.into, (*event.came, moved))
                return replace(passed, state=self._standing(state, standing, undone=marked))
        path = path_of(event)
        if (place := astray(path, standing, event.subject)) is not None:
            return self._relay(state, event, path[place].customer, path[: place + 1])
        circle = circle_of(path, moved)
        if circle and moved == max(circle, key=lambda merge: merge.rank):
            home = self._home(state, standing, moved, event, context)
            effects = self._here(home.state, self.standing(home.state) or Standing(), event, context, act)
            # The facts of its own come first: the domain counts on their places.
            return replace(
                effects,
                emits=(*effects.emits, *home.emits),
                timers=(*home.timers, *effects.timers),
                rows=(*home.rows, *effects.rows),
            )
        passed = self._relay(state, event, moved.into, (*event.came, moved))
        if isinstance(data, CustomerErased) and (gone := act(state, event, context)).erase:
            known = moved.into in event.been  # it was told from there
            return gone if known else replace(gone, emits=(*gone.emits, *passed.emits))
        owed = self._owed(standing, data.absorbed if isinstance(data, HandOver) else (), event, moved.into)
        return replace(passed, emits=(*passed.emits, *owed))

    def _home(self, state: S, standing: Standing, moved: Merge, event: Event, context: Context) -> Effects[S]:
        """The merge by which the customer went does not hold: they are themselves again, and what came by it
        is asked back."""
        back = self.commands.give_back(customer=event.subject, merge=moved)
        effects = self.home(state, event, context)
        return replace(
            effects,
            state=self._standing(effects.state, standing, moved=None, returned=True),
            emits=(*effects.emits, Emit(back, event.time, moved.into)),
            rows=(*effects.rows, merged_row(event.subject, None)),
        )

    def _relay(self, state: S, event: Event, customer: str, path: tuple[Merge, ...]) -> Effects[S]:
        emit = relayed(self.commands.relay, event, customer, path)
        outcome = Outcome()
        if isinstance(event.data, Command):
            outcome = Outcome(MOVED_STATUS, {"merged_into": customer, "uid": uid_at(event, customer)})
        return Effects(state, (emit,), outcome=outcome)

    # --- a customer who is here

    def _here(
        self,
        state: S,
        standing: Standing,
        event: Event,
        context: Context,
        act: Callable[[S, Event, Context], Effects[S]],
    ) -> Effects[S]:
        match event.data:
            case CustomerMerged():
                return self._merge(state, standing, event, context)
            case CustomerUnmerged():
                return Effects(state)
            case GiveBack():
                return self._give_back(state, standing, event, context)
        path = path_of(event)
        if (place := astray(path, standing, event.subject)) is not None:
            return self._relay(state, event, path[place].customer, path[: place + 1])
        if isinstance(event.data, HandOver):
            return self._join(state, standing, event, event.data, context)
        effects = act(state, event, context)
        if effects.erase:
            return replace(effects, emits=(*effects.emits, *self._erased_with(standing, event)))
        absorbed = together(standing.absorbed, last_of_each(path, event.subject))
        if absorbed != standing.absorbed:  # it has overtaken the things of whom it was told of
            return replace(effects, state=self._standing(effects.state, standing, absorbed=absorbed))
        return effects

    def _merge(self, state: S, standing: Standing, event: Event, context: Context) -> Effects[S]:
        data, here = event.data, event.subject
        assert isinstance(data, CustomerMerged)
        merge = Merge(customer=here, into=data.into, at=event.time, uid=event.uid)
        way = standing.way_of(data.into)
        if data.into == here or (way and merge.rank > max(step.rank for step in way)):
            if event.came:
                return Effects(state)  # an old id was told to be what it is already
            if self.service != data.judge:
                return Effects(state, unseen=(Unseen(event, context.origin),))
            raise MERGE_CYCLE(field="into", into=data.into, customer=here)
        left = self.leave(state, event, context)
        gone = self._standing(left.effects.state, standing, moved=merge, absorbed=())
        emits = self._hand_over(left, here, merge.into, (merge,), standing.absorbed, event)
        rows = (*left.effects.rows, merged_row(here, merge.into))
        return replace(left.effects, state=gone, emits=(*left.effects.emits, *emits), rows=rows)

    def _join(
        self, state: S, standing: Standing, event: Event, data: HandOver, context: Context
    ) -> Effects[S]:
        handed = self.handed.model_validate_json(json.dumps(data.state, ensure_ascii=False))
        effects = self.join(state, handed, event, context)
        absorbed = with_those_of(standing, event)
        owed = self._owed(standing, absorbed, event, event.subject)
        joined = self._standing(effects.state, standing, absorbed=absorbed)
        return replace(effects, state=joined, emits=(*effects.emits, *owed))

    def _give_back(self, state: S, standing: Standing, event: Event, context: Context) -> Effects[S]:
        data = event.data
        assert isinstance(data, GiveBack)
        undone = with_undone(standing, data.merge)
        left = tuple(merge for merge in standing.absorbed if merge.uid != data.merge.uid)
        if left == standing.absorbed or any(merge.customer == data.customer for merge in left):
            # Nothing of theirs is here: not yet, or not any more. Or it is by another merge, which holds.
            return Effects(self._standing(state, standing, absorbed=left, undone=undone))
        going = standing.with_those_by(data.customer)
        gone = self.give_back(state, going, event, context)
        with_them = tuple(m for m in standing.absorbed if m.customer in going - {data.customer})
        staying = tuple(m for m in standing.absorbed if m.customer not in going)
        emits = self._hand_over(gone, data.customer, data.customer, (), with_them, event)
        after = self._standing(gone.effects.state, standing, absorbed=staying, undone=undone)
        return replace(gone.effects, state=after, emits=(*gone.effects.emits, *emits))

    def _erased_with(self, standing: Standing, event: Event) -> list[Emit]:
        """Who is erased is so under all ids: those that are here hear of it too."""
        others = [id for id in standing.ids if id not in event.been]
        return [relayed(self.commands.relay, event, id, ()) for id in others]

    # --- both

    def _owed(self, standing: Standing, merges: Iterable[Merge], event: Event, to: str) -> tuple[Emit, ...]:
        """Things come, or pass, that came by merges of which it is known here that they were undone: they are
        asked back of whoever has them then."""
        undone = [merge for merge in merges if standing.holds_undone(merge)]
        back = (self.commands.give_back(customer=merge.customer, merge=merge) for merge in undone)
        return tuple(Emit(one, event.time, to) for one in back)

    def _hand_over(
        self,
        left: Left[S, H],
        customer: str,
        to: str,
        path: tuple[Merge, ...],
        absorbed: tuple[Merge, ...],
        event: Event,
    ) -> list[Emit]:
        parts = divided(left.handed, self.most)
        return [
            Emit(
                self.commands.hand_over(
                    customer=customer,
                    path=path,
                    absorbed=absorbed,
                    part=number,
                    parts=len(parts),
                    state=json.loads(part.model_dump_json()),
                    **({"tells": named} if (named := self.tells(part)) else {}),
                ),
                event.time,
                to,
            )
            for number, part in enumerate(parts, 1)
        ]

    def _standing(self, state: S, before: Standing, **changed: object) -> S:
        after = replace_standing(before, **changed)
        return self.with_standing(state, None if after == Standing() else after)
