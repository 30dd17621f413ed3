"""Messages and steps as they are told: what they change of the customer, and of the rows of conversations."""

from typing import get_args

from services.interactions.domain.conversations.conversation import Turn
from services.interactions.domain.conversations.course import Course, course
from services.interactions.domain.conversations.known import Conversations, ConversationStep
from services.interactions.domain.conversations.messages import key_of, message_of, thread_of
from services.interactions.domain.conversations.rest import awake, timer
from services.interactions.domain.conversations.room import with_room
from services.interactions.domain.conversations.steps import step_of
from services.interactions.domain.owners import owners_of_conversations
from services.interactions.domain.rows import CONVERSATIONS, ConversationRow, conversation_row
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import COPY, HUSHED, Change, Told, refused
from services.interactions.errors import CONVERSATION_MERGED, MERGE_CYCLE
from shared.domain import Effects, Put, RefusedError, Retract
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.interactions import Channel, ConversationMerged, ConversationNoted
from shared.schemas.times import Micros


def interaction_logged(customer: Customer, told: Told) -> Change:
    """A contact; one that has nothing to go by stands alone."""
    message = message_of(told.event, told.at)
    if message is None:
        return Change(customer)
    known, thread = customer.conversations, thread_of(message)
    more = altered(known, messages=(*known.messages, message))
    change, now = changed(customer, more, thread, told.now)
    home = now.of(now.homes.get(message.key, ""))
    note = HUSHED if home is not None and message.key in home.hushed else None
    return change._replace(conversation_id=thread, note=note)


def conversation_noted(customer: Customer, told: Told) -> Change:
    """It changes nothing of how a conversation stands, and is found beside the messages told in it."""
    assert isinstance(told.event.data, ConversationNoted)
    return Change(customer, conversation_id=told.event.data.conversation_id)


def conversation_stepped(customer: Customer, told: Told) -> Change:
    """Any other fact. A merge that is a circle, or of what is part of another already, is refused, and
    remembered: by what is heard later it may be the one that holds."""
    step, known = step_of(told.event, told.at), customer.conversations
    if any(s.key == step.key for s in known.steps):  # its dead letter was replayed
        known = altered(known, steps=tuple(s for s in known.steps if s.key != step.key))
    more = altered(known, steps=(*known.steps, step))
    change, now = changed(customer, more, step.conversation_id, told.now)
    change = change._replace(conversation_id=step.conversation_id)
    why = now.refused.get(step.key)
    if why is None:
        return change
    if why == "same":
        return change._replace(counted=0, note=COPY)
    assert isinstance(told.event.data, ConversationMerged)
    refusal = refusal_of(now, told.event.data)
    retract = Retract(told.event, told.context.origin, refusal.code, refusal.reason)
    return change._replace(counted=0, note=refused(refusal.detail), retracts=(retract,))


def complained_in(customer: Customer, told: Told, data: ComplaintOpened, conversation_id: str) -> Change:
    """A complaint names a conversation: agents may answer in it, whether anything is known of it or not."""
    step = ConversationStep(
        key=key_of(told.event.uid),
        at=told.at,
        kind="complained",
        conversation_id=conversation_id,
        to=data.channel if data.channel in get_args(Channel) else None,
        complaint_id=data.complaint_id,
    )
    known = customer.conversations
    return changed(customer, altered(known, steps=(*known.steps, step)), conversation_id, told.now)[0]


def refusal_of(now: Course, merge: ConversationMerged) -> RefusedError:
    """Why a merge does not hold."""
    merged, into = merge.conversation_id, merge.into
    survivor = now.survivor(merged)
    if now.survivor(into) == survivor:
        return MERGE_CYCLE(customer=merged, into=into)
    return CONVERSATION_MERGED(conversation=merged, into=survivor)


def turns_of(customer: Customer, conversation_id: str) -> tuple[Turn, ...]:
    """What was said in a conversation by the customer and by agents, by time; of one that was merged, in that
    which goes on. Empty where it is not known."""
    found = course(customer.conversations).of(conversation_id)
    return () if found is None else found.turns()


def changed(customer: Customer, more: Conversations, touched: str, now: Micros) -> tuple[Change, Course]:
    """The customer with ``more``, as far as there is room for it, as of ``now``."""
    complained = [complaint.conversation_id for complaint in customer.complaints]
    conversations = awake(with_room(more, touched, complained), now)
    before, after = course(customer.conversations), course(conversations)
    old, new = rows_of(customer, before), rows_of(customer, after)
    lost = len(conversations.messages) < len(more.messages) or len(conversations.steps) < len(more.steps)
    homes = {thread_of(m): after.homes[m.key] for m in conversations.messages if m.key in after.homes}
    changed = [row for id, row in new.items() if old.get(id) != row]
    owner = owners_of_conversations(customer)
    for id, one in before.open.items():
        # Its messages are in another now, or it was but a word of a merge. What was forgotten is as it was.
        if id not in new and (id in homes or not lost):
            into = after.survivor(homes.get(id, id))
            changed.append(conversation_row(customer.customer_id, one, into=into, owner=owner(id)))
    rows = tuple(Put(CONVERSATIONS, row.document()) for row in changed)
    return Change(altered(customer, conversations=conversations), rows=rows), after


def rows_of(customer: Customer, now: Course) -> dict[str, ConversationRow]:
    """The rows of conversations by id; of those that are part of another, too."""
    id, routed, owner = customer.customer_id, customer.routing.by_id, owners_of_conversations(customer)
    rows = {
        name: conversation_row(id, one, into=now.survivor(name), owner=owner(name))
        for name, one in now.gone.items()
    }
    for name, one in now.open.items():
        rows[name] = conversation_row(id, one, routed.get(name), owner=owner(name))
    return rows


def woken(customer: Customer, told: Told) -> Effects[Customer]:
    """The timer: what is snoozed until now is back."""
    now = max(told.now, told.at)
    change, after = changed(customer, customer.conversations, "", now)
    following = after.next_wake()
    # The timer is gone by now.
    timers = () if following is None else (timer(following),)
    return Effects(change.customer, timers=timers, rows=change.rows)
