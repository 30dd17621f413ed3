"""Which customer, and which conversation, a mail was about: found by its Message-ID when it is answered."""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.conversations.messages import bare
from services.interactions.domain.rows import MAILS, Row
from services.interactions.domain.state import Customer, found
from services.interactions.domain.telling import Told
from shared.domain import Put
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachSent

EMAIL = "email"
REPLY = "reply"
"""The rule of what agents answer: that is told as a contact, with its conversation."""


class MailRow(Row, frozen=True, omit_defaults=True):
    """A mail that was told of."""

    key: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    thread: str | None = None
    """The conversation that its source named, or its own, as its row in the timeline has it."""
    ours: bool = False
    complaint_id: str | None = None
    """Of outreach: the complaint that it is about. Where that was made is asked when the mail is answered: it
    may be told later than the mail."""


def own_key(name: str) -> str:
    """Of a mail of ours: its whole Message-ID, or what is before the @."""
    return _key("out", name)


def their_key(name: str) -> str:
    """Of a mail of theirs, who choose its name: it never takes the place of one of ours."""
    return _key("in", name)


def _key(whose: str, name: str) -> str:
    return blake2b(f"{whose} {name}".encode(), digest_size=16).hexdigest()


def keys_of(names: Iterable[str]) -> list[str]:
    """The keys under which mails of these names may stand, in the order in which they are worth a try."""
    keys = (k for name in names for k in (own_key(name), own_key(name.partition("@")[0]), their_key(name)))
    return list(dict.fromkeys(keys))


def mail_rows(told: Told, thread: str | None) -> tuple[Put, ...]:
    """Of a fact that tells of a mail, and whose; ``thread``: what its row in the timeline is found by."""
    data, id = told.event.data, told.event.subject
    if isinstance(data, InteractionLogged):
        if data.channel != EMAIL or data.message_id is None:
            return ()
        name, ours = bare(data.message_id), data.direction == "outbound"
        row = MailRow(own_key(name) if ours else their_key(name), id, thread, ours)
    elif isinstance(data, OutreachSent) and data.channel == EMAIL and data.rule != REPLY:
        row = MailRow(own_key(data.outreach_id), id, ours=True, complaint_id=data.complaint_id)
    else:
        return ()
    return (Put(MAILS, row.document()),)


def complained_in(customer: Customer, complaint_id: str) -> str | None:
    """The conversation that a complaint was made in: what answers a mail about it is said there."""
    known = found(customer.complaints, complaint_id, complaint_key)
    return None if known is None else known.conversation_id
