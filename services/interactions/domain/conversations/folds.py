"""Messages and steps as they are told: what they change of the customer."""

from services.interactions.domain.conversations.course import Turn, course
from services.interactions.domain.conversations.known import Conversations
from services.interactions.domain.conversations.messages import message_of, thread_of
from services.interactions.domain.conversations.room import with_room
from services.interactions.domain.conversations.steps import step_of
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Change, Told


def interaction_logged(customer: Customer, told: Told) -> Change:
    """A contact; one that has nothing to go by stands alone."""
    message = message_of(told.event, told.at)
    if message is None:
        return Change(customer)
    known = customer.conversations
    more = altered(known, messages=(*known.messages, message))
    thread = thread_of(message)
    return Change(_with(customer, with_room(more, thread)), conversation_id=thread)


def conversation_stepped(customer: Customer, told: Told) -> Change:
    """Any other fact of a conversation."""
    step, known = step_of(told.event, told.at), customer.conversations
    more = altered(known, steps=(*known.steps, step))
    return Change(
        _with(customer, with_room(more, step.conversation_id)), conversation_id=step.conversation_id
    )


def turns_of(customer: Customer, conversation_id: str) -> tuple[Turn, ...]:
    """What was said in a conversation by the customer and by agents, by time; of one that was merged, in that
    which goes on. Empty where it is not known."""
    found = course(customer.conversations).of(conversation_id)
    return () if found is None else found.turns()


def _with(customer: Customer, conversations: Conversations) -> Customer:
    return altered(customer, conversations=conversations)
