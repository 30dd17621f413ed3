"""States with an anchor, a plan or what waits put in or taken out."""

from collections.abc import Collection

from services.followup.domain.state import Anchor, Customer, Journey, Planned


def with_anchor(state: Customer, anchor: Anchor) -> Customer:
    """The state with this rule's anchor put in or replaced."""
    if state.anchor(anchor.rule) == anchor:
        return state
    others = tuple(a for a in state.anchors if a.rule != anchor.rule)
    return state.model_copy(update={"anchors": (*others, anchor)})


def with_plan(state: Customer, planned: Planned) -> Customer:
    """The state with this plan put in or replaced, by its id."""
    state = without_plan(state, planned.outreach_id)
    return state.model_copy(update={"planned": (*state.planned, planned)})


def without_plan(state: Customer, outreach_id: str) -> Customer:
    """The state without this plan."""
    rest = tuple(p for p in state.planned if p.outreach_id != outreach_id)
    return state if len(rest) == len(state.planned) else state.model_copy(update={"planned": rest})


def without_plans(state: Customer, outreach_ids: Collection[str]) -> Customer:
    """The state without these plans."""
    rest = tuple(p for p in state.planned if p.outreach_id not in outreach_ids)
    return state.model_copy(update={"planned": rest})


def with_waiting(state: Customer, rule: str, waiting: tuple[Planned, ...]) -> Customer:
    """The state with these triggers of a rule, and no other of it, waiting for their turn."""
    if waiting == tuple(w for w in state.waiting if w.rule == rule):
        return state
    others = tuple(w for w in state.waiting if w.rule != rule)
    return state.model_copy(update={"waiting": (*others, *waiting)})


def with_journey(state: Customer, journey: Journey) -> Customer:
    """The state with this way put in or replaced."""
    return state.model_copy(update={"journeys": (*without_journey(state, journey).journeys, journey)})


def without_journey(state: Customer, journey: Journey) -> Customer:
    """The state without this way."""
    rest = tuple(one for one in state.journeys if one.timer != journey.timer)
    return state if len(rest) == len(state.journeys) else state.model_copy(update={"journeys": rest})
