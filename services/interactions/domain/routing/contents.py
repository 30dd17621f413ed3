"""What agents carry, as commands say it and as states keep it."""

from services.interactions.domain.routing.state import Carried, Contact
from shared.schemas.commands.routing import Contact as ToldContact
from shared.schemas.commands.routing import Load
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
