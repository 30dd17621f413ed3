"""The ways by which things and events come, and what a standing makes of them. Pure."""

from shared.merging.state import Standing, last_of_each, together
from shared.schemas.commands.merging import HandOver
from shared.schemas.event import Event
from shared.schemas.merges import Merge


def replace_standing(standing: Standing, **changed: object) -> Standing:
    """The standing with some of it changed."""
    return standing.model_copy(update=changed)


def with_undone(standing: Standing, merge: Merge) -> tuple[Merge, ...]:
    return standing.undone if standing.holds_undone(merge) else (*standing.undone, merge)


def may_be_coming(standing: Standing | None, event: Event) -> bool:
    """Whether the things that an event is about may be behind it, on a way of their own: by a merge, or
    home. Of who was never merged all is here."""
    return standing is not None or bool(event.came)


def path_of(event: Event) -> tuple[Merge, ...]:
    """The merges by which what the event is about came here, the first one first."""
    data = event.data
    return (*data.path, *event.came) if isinstance(data, HandOver) else event.came


def with_those_of(standing: Standing, event: Event) -> tuple[Merge, ...]:
    """By which merges things are here once those of a hand-over are."""
    data, here = event.data, event.subject
    told = data.absorbed if isinstance(data, HandOver) else ()
    came = (merge for merge in told if merge.customer != here)
    return together(standing.absorbed, came, last_of_each(path_of(event), here))


def astray(path: tuple[Merge, ...], standing: Standing, here: str) -> int | None:
    """Where on its way the event went by a merge that was undone, and its customer has not sent it by
    another since."""
    last = {merge.customer: place for place, merge in enumerate(path)}
    for place, merge in enumerate(path):
        if merge.customer != here and last[merge.customer] == place and standing.holds_undone(merge):
            return place
    return None


def circle_of(path: tuple[Merge, ...], moved: Merge) -> tuple[Merge, ...]:
    """The merges of the circle that the way has closed, if it went out of here by ``moved`` and came back."""
    for place in range(len(path) - 1, -1, -1):
        if path[place].uid == moved.uid:
            return path[place:]
    return ()
