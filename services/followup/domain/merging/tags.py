"""Whose things are, while several ids are one customer. Pure."""

from collections.abc import Iterable
from typing import TypeVar

from services.followup.domain.deliverability.heard import Trace
from services.followup.domain.journeys.kept import Hope
from services.followup.domain.results.trial import Trial
from services.followup.domain.state import InFlight, Journey, Outreach, Planned, Send

M = TypeVar("M", bound=Outreach)
K = TypeVar("K", Trace, Trial, Send, Hope)


def named(outreach: M, here: str) -> M:
    """A message that goes from the customer ``here`` to another: it says whose it is, and keeps its arm."""
    said = {"whose": outreach.whose or here, "person": outreach.person or here}
    return _with(outreach, said)


def at_home(outreach: M, here: str) -> M:
    """A message that has come to the customer ``here``: of their own it says nothing."""
    told = {name: getattr(outreach, name) for name in ("whose", "person")}
    return _with(outreach, {name: "" if of == here else of for name, of in told.items()})


def _with(outreach: M, said: dict[str, str]) -> M:
    update: dict[str, object] = {**said}
    if isinstance(outreach, InFlight) and outreach.plan is not None:
        update["plan"] = outreach.plan.model_copy(update=said)
    return outreach.model_copy(update=update)


def on_way(journey: Journey, first: Planned) -> Journey:
    """The way, whose trigger is now ``first``."""
    return journey.model_copy(update={"first": first})


def kept_as(one: K, whose: str) -> K:
    """What is kept of a message, as that id's."""
    return one._replace(whose=whose) if isinstance(one, tuple) else one.model_copy(update={"whose": whose})


def leaders(flights: Iterable[InFlight], traces: Iterable[Trace]) -> dict[str, str]:
    """Whose the first message in each mail is: what is heard of the mail comes to them."""
    known = {one.outreach_id: one.whose for one in traces}
    return known | {one.outreach_id: one.whose for one in flights}
