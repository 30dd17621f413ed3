"""What an e-mail looks like: headers and body of a message (RFC 5322, MIME)."""

from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_DEFAULTS

from services.followup.channels.addresses import mailable, needs_utf8
from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import REPLY

HEADERS = HeaderRegistry()
# Else it is cut at a colon, which ids may have. (Typeshed does not know that the registry mixes classes.)
HEADERS.map_to_type("message-id", UnstructuredHeader)  # type: ignore[arg-type]
# A header that does not fit its line is folded into encoded words, and no mail client decodes those in
# List-Unsubscribe: so lines may be as long as RFC 5322 allows.
SMTP_POLICY = SMTP_DEFAULTS.clone(max_line_length=998, header_factory=HEADERS)
UTF8_POLICY = SMTP_POLICY.clone(utf8=True)
"""For addresses that no encoded word may stand for: headers are written as they are."""


class BadMessageError(Exception):
    """The message cannot be made into an e-mail: an impossible address or header."""


def build(delivery: Delivery, date: datetime, *, seven_bit: bool = False) -> EmailMessage:
    """The e-mail of a message. Raises ``BadMessageError``. ``seven_bit``: its body is such that no relay need
    write it otherwise, which a signature would not stand.

    Headers go through ``EmailMessage``, which refuses line breaks: no value can become a header."""
    try:
        sender, to = mailable(delivery.sender.address), mailable(delivery.to.address)
        policy = UTF8_POLICY if needs_utf8(sender + to) else SMTP_POLICY
        message = EmailMessage(policy=policy.clone(cte_type="7bit") if seven_bit else policy)
        message["From"] = _party(delivery.sender.name, sender)
        message["To"] = _party(_name(delivery.to.name), to)
        message["Subject"] = delivery.subject
        message["Date"] = date
        # By this an answer finds its way back.
        message["Message-ID"] = f"<{delivery.outreach_id}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "no" if delivery.rule == REPLY else "auto-generated"
        for name, value in delivery.headers.items():
            message[name] = value
        message.set_content(delivery.text)
        message.add_alternative(delivery.html, subtype="html")
        message.as_bytes()
    except Exception as error:  # the e-mail package raises nearly everything on impossible input
        raise BadMessageError(f"{type(error).__name__}: {error}") from error
    return message


def _party(name: str, address: str) -> Address:
    """Raises ``ValueError``, or what the e-mail package raises, where the address is not one bare address."""
    if address.isascii():
        return Address(name, addr_spec=address)
    if not address.isprintable() or " " in address:
        raise ValueError("the address has characters that nobody sees")
    # The package takes letters beyond ASCII only of an address in its parts, which it then does not check.
    Address(addr_spec="".join(c if c.isascii() else "x" for c in address))
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _name(name: str) -> str:
    """A display name without control characters: one that is odd must not cost the message."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]
