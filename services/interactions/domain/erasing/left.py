"""What is still done about somebody who has been erased, without knowing who it was. Pure."""

import json

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.erasing.gone import BEGUN, completed, given_away
from services.interactions.domain.merging.handing import Handed
from services.interactions.domain.merging.joining import joined
from services.interactions.domain.routing.commands import said
from services.interactions.domain.state import initial
from services.interactions.domain.telling import Told
from shared.domain import Aftermath, Context, Emit, Outcome
from shared.schemas.commands.customers import CustomerEraseRequested
from shared.schemas.commands.erasures import ErasureLiftRequested, ErasureNoteRequested
from shared.schemas.commands.merging import HandOver
from shared.schemas.commands.orders import (
    OrderForgetRequested,
    PurchaseTellRequested,
    ReturnTellRequested,
)
from shared.schemas.commands.routing import RoutingCommand
from shared.schemas.customers import ErasureCompleted, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.times import micros


def of_erased(desk: Desk, hash: str, event: Event, context: Context) -> Aftermath | None:
    """Of the certificate, of its lift, of a second wish, and of what was on its way from another id, a team
    or an order."""
    match event.data:
        case ErasureCompleted():
            return Aftermath(emits=(completed(hash, event.data, event.time),))
        case CustomerEraseRequested():
            return Aftermath(outcome=BEGUN)
        case ErasureLiftRequested():
            now = context.now
            lifted = Emit(ErasureNoteRequested(what="lifted", at=now), now, hash)
            body = {"status": "lifted", "erasure": hash}
            return Aftermath(
                emits=(Emit(ErasureLifted(), now), lifted), outcome=Outcome(200, body), lift=True
            )
        case HandOver():
            return Aftermath(emits=_dropped(desk, event, event.data, context))
        case PurchaseTellRequested(order=str(key)) | ReturnTellRequested(order=str(key)):
            return Aftermath(emits=(Emit(OrderForgetRequested(), context.now, key),))
        case RoutingCommand():
            # Told to let it go an hour ago, they know it no more, and may have got it again from each other.
            told = said(initial(event.subject), event.data, Told(event, micros(event.time), context))
            return Aftermath(emits=told.emits) if told.emits else None
    return None


def _dropped(desk: Desk, event: Event, data: HandOver, context: Context) -> tuple[Emit, ...]:
    """Things come to somebody who has been erased meanwhile: whoever was told of them is told that there is
    nothing any more."""
    handed = Handed.model_validate_json(json.dumps(data.state, ensure_ascii=False))
    whole = initial(event.subject)
    for piece in handed.pieces:
        whole = joined(whole, piece)
    return given_away(desk, whole, Told(event, micros(event.time), context))
