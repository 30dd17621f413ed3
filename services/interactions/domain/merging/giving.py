"""What leaves a customer: all of it for the survivor, or what came by a merge that is undone."""

from collections.abc import Collection

from services.interactions.domain.complaints import waiting
from services.interactions.domain.complaints.promises import TIMER as SLA
from services.interactions.domain.conversations import rest
from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.folds import rows_of
from services.interactions.domain.merging.absorbing import conversations_joined
from services.interactions.domain.merging.handing import Handed, all_pieces, parts_now
from services.interactions.domain.merging.joining import joined
from services.interactions.domain.people import customer_row
from services.interactions.domain.routing.told import Routing
from services.interactions.domain.rows import CONVERSATIONS, CUSTOMERS
from services.interactions.domain.search import profile_rows, was_row
from services.interactions.domain.state import Customer, altered, initial
from shared.domain import CancelTimer, Effects, Put, SetTimer
from shared.merging.course import Left


def left(customer: Customer) -> Left[Customer, Handed]:
    """All goes; what conversations are told as goes on from the last revision, should any come home."""
    empty = altered(
        initial(customer.customer_id),
        merging=customer.merging,
        routing=Routing(revision=customer.routing.revision),
    )
    return Left(Effects(empty, timers=_timers(customer, empty)), all_pieces(parts_now(customer)))


def given_back(before: Customer, ids: Collection[str]) -> Left[Customer, Handed]:
    """What belongs to these ids goes; what is left is as if it had never been there, but that nothing is told
    again."""
    parts = parts_now(before)
    home = [part for part in parts if part.customer_id in ids]
    stays = [part for part in parts if part.customer_id not in ids]
    own = next(part for part in stays if part.customer_id == before.customer_id)
    whole = altered(
        own,
        merging=before.merging,
        parts=tuple(stays) if len(stays) > 1 else (),
        routing=Routing(revision=before.routing.revision, routed=own.routing.routed),
    )
    talk, held = own.conversations, own.held
    for part in stays:
        if part is not own:
            whole = joined(whole, part)
            talk = conversations_joined(talk, part.conversations)
            held = (*held, *part.held)
    timed = {one.complaint_id: one.next_at for one in before.complaints}
    whole = altered(
        whole,
        conversations=talk,
        held=held,
        complaints=tuple(altered(one, next_at=timed[one.complaint_id]) for one in whole.complaints),
        routing=altered(
            whole.routing, routed=tuple(altered(one, told_as=None) for one in whole.routing.routed)
        ),
    )
    rows = _rows(before, whole)
    for part in home:
        rows.append(was_row(before, part.customer_id, holds=False))
    return Left(Effects(whole, timers=_timers(before, whole), rows=tuple(rows)), all_pieces(home))


def _timers(before: Customer, after: Customer) -> tuple[SetTimer | CancelTimer, ...]:
    """Those of what is not there any more."""
    stay = {one.complaint_id for one in after.complaints}
    gone = (one for one in before.complaints if one.complaint_id not in stay and one.next_at is not None)
    return (
        *(CancelTimer(SLA + one.complaint_id) for one in gone),
        *waiting.timers(before, after),
        *rest.timers(before, after),
    )


def _rows(before: Customer, after: Customer) -> list[Put]:
    """Of conversations that are others without those that go, and of the profile."""
    old, new = (rows_of(one, course(one.conversations)) for one in (before, after))
    rows = [Put(CONVERSATIONS, row.document()) for id, row in new.items() if old.get(id) != row]
    if after.seen_at is not None and after.profile != before.profile:
        rows.append(Put(CUSTOMERS, customer_row(after, after.seen_at).document()))
        rows += profile_rows(before, after)
    return rows
