"""What agents carry, as commands say it and as states keep it."""

from services.interactions.domain.routing.state import Carried, Contact
from shared.schemas.commands.routing import AgentLoadRequested, Load, RoutingNewsRequested
from shared.schemas.commands.routing import Contact as ToldContact
from shared.schemas.times import micros, moment


def load(one: Carried) -> Load:
    """As it is told."""
    said = one.model_dump(include=set(Carried.model_fields) - {"at"}, exclude_none=True)
    return Load.model_validate(said | {"at": moment(one.at)})


def carried(told: Load) -> Carried:
    """As it is kept."""
    said = told.model_dump(include=set(Carried.model_fields) - {"at"})
    return Carried(**said, at=micros(told.at))


def told_contact(one: Contact) -> ToldContact:
    """As it is told."""
    return ToldContact(at=moment(one.at), key=one.key, difficult=one.difficult, rested=one.rested)


def contact(told: ToldContact) -> Contact:
    """As it is kept."""
    return Contact(at=micros(told.at), key=told.key, difficult=told.difficult, rested=told.rested)


def news_of(agent_id: str, told: AgentLoadRequested) -> RoutingNewsRequested:
    """The same, as their team is told of it."""
    said = told.model_dump(exclude={"holds", "told"}, exclude_none=True)
    whose = {"agent_id": agent_id} if told.holds else {"no_more": agent_id}
    return RoutingNewsRequested.model_validate(said | whose)
