"""What agents write to a customer in a conversation. Consents, quiet hours, caps and complaints do not hold
it back; the lack of an address that can be used does."""

from functools import partial

from services.followup.domain.delivery import hand_over, suppress
from services.followup.domain.effects import nothing
from services.followup.domain.gate.reach import reach
from services.followup.domain.gate.verdicts import No
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import REPLY
from services.followup.domain.state import Customer, Planned
from shared.domain import Effects
from shared.facts.names import Heard, Name, heard, key, with_name
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.times import Micros, day_of


def send_reply(
    state: Customer, policy: Policy, data: ReplyRequested, whose: str, now: Micros
) -> Effects[Customer]:
    """Hand it to the sender, or tell why not. Asked for again, under another event id, it is a copy."""
    name = Name(REPLY, key(REPLY, data.outreach_id), bytes(4))
    if heard(state.names, name) is not Heard.NEW:
        return nothing(state)
    known = state.model_copy(update={"names": with_name(state.names, name, day_of(now))})
    planned = _planned(data, whose, now)
    found = reach(state, policy, data.channel, now)
    if isinstance(found, No):
        return suppress(known, policy, planned, found, now)
    return hand_over(known, policy, planned, found, partial(_write, state, policy, data), now)


def _planned(data: ReplyRequested, whose: str, now: Micros) -> Planned:
    """It is due now, however long ago it was asked for."""
    return Planned(
        at=now,
        by=now,
        outreach_id=data.outreach_id,
        key=f"{REPLY}:{data.outreach_id}",
        rule=REPLY,
        template=REPLY,
        purpose=REPLY,
        channel=data.channel,
        due_at=now,
        announced=False,
        whose=whose,
    )


def _write(state: Customer, policy: Policy, data: ReplyRequested) -> Message:
    return policy.templates.reply(
        policy.channels[data.channel],
        state,
        data.text,
        Thread(data.conversation_id, data.in_reply_to),
        subject=data.subject,
        sender=policy.rules.sender.name,
        timezone=policy.rules.timezone,
        locale=policy.rules.locale,
    )
