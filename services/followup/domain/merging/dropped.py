"""What arrives at a customer who was erased meanwhile: nothing of it is known any more, or goes. Pure."""

from services.followup.domain.gate.verdicts import No
from services.followup.domain.merging.handed import Handed
from services.followup.domain.results.cells import RESULTS, cell_of_outreach
from services.followup.domain.rows import row
from services.followup.domain.state import Outreach
from shared.domain import Aftermath, Context, Increment, Put
from shared.schemas.commands.merging import HandOver
from shared.schemas.event import Event
from shared.schemas.times import micros


def of_erased(hash: str, event: Event, context: Context) -> Aftermath | None:
    """Messages that were under way to the erased one are cancelled; their documents say no more whose they
    were. Other things of a merge have no document that acts."""
    if not isinstance(event.data, HandOver):
        return None
    handed = Handed.model_validate(event.data.state)
    announced = [one for one in handed.planned if one.announced]
    flights = [one for one in handed.in_flight if not one.cancelled]
    now = micros(context.now)
    gone: list[Outreach] = [*announced, *flights]
    rows = (row("", one, "cancelled", now, no=No("erased")) for one in gone)
    named = (Put(one.collection, {**one.document, "customer": hash}) for one in rows)
    # It is a command, which is heard once: the sums hold.
    sums = (Increment(RESULTS, cell_of_outreach(one).key, {"cancelled_erased": 1}) for one in gone)
    return Aftermath((*named, *sums))
