"""What a mail tells, as events. Pure."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from services.interactions.domain.conversations.messages import OWN, key_of
from services.interactions.mail.letter import Letter, Party
from services.interactions.mail.mime import File, place_of
from services.interactions.mail.settings import Box
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged

SOURCE = "/mail"
SUMMARY_LENGTH = 200
DESCRIPTION_LENGTH = 20_000
MOST_QUOTED = 50_000
LONGEST_ANSWERED, MOST_ANSWERED = 998, 5
"""Of the names of what is answered, that are told: a customer's state keeps them."""
NO_TEXT = "An e-mail without text."
CUT = "\n\n[…]"


def name_of(letter: Letter) -> str:
    """The mail's name for ever: made of its Message-ID and its date, or, where it has none, of all that its
    sender wrote. Over whatever way it comes, and however often, it is the same."""
    told = letter.digest
    if letter.message_id is not None:
        date = next(iter(letter.headers.get("date", ())), "")
        told = f"{letter.message_id}\n{date}"
    return sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


class Telling:
    """Events about one customer, of one mail."""

    def __init__(self, letter: Letter, customer_id: str, at: datetime) -> None:
        self._letter = letter
        self._customer = customer_id
        self._at = at
        self._name = name_of(letter)

    @property
    def own_conversation(self) -> str:
        """The conversation that the mail begins, where it is in no other."""
        return OWN + key_of(f"{SOURCE} {self._name} {self._customer}")

    def contact(
        self, conversation_id: str | None, answers: tuple[str, ...], sent_from: str | None = None
    ) -> Event:
        """What a person wrote."""
        letter = self._letter
        return self._told(
            "",
            InteractionLogged,
            kind="email",
            author="customer",
            summary=_summary(letter),
            conversation_id=conversation_id,
            text=_text(letter),
            quoted=letter.said.quoted[:MOST_QUOTED] or None,
            attachments=[_attachment(letter, file) for file in letter.files] or None,
            message_id=letter.message_id,
            in_reply_to=_answered(answers),
            subject=letter.subject,
            sent_from=sent_from,
            **_INBOUND,
        )

    def automatic(self, conversation_id: str | None) -> Event:
        """What a program wrote, with nothing by which it would begin a conversation or count as an answer."""
        letter = self._letter
        return self._told(
            "",
            InteractionLogged,
            kind="automatic_reply",
            author="system",
            summary=_line(letter.subject or letter.said.text) or NO_TEXT,
            conversation_id=conversation_id,
            text=_text(letter),
            **_INBOUND,
        )

    def complaint(self, box: Box, conversation_id: str) -> Event:
        letter = self._letter
        return self._told(
            "-complaint",
            ComplaintOpened,
            complaint_id=f"mail-{self._name[:24]}",
            channel="email",
            category=box.category,
            severity=box.severity,
            description=_description(letter),
            conversation_id=conversation_id,
            message_id=letter.message_id,
        )

    def profile(self, sender: Party) -> Event:
        """The address by which a customer can be answered of whom none is known."""
        return self._told("-profile", CustomerUpdated, email=sender.address, name=sender.name)

    def _told(self, tag: str, of: type[Data], /, **fields: Any) -> Event:
        data = of.model_validate({name: value for name, value in fields.items() if value is not None})
        return Event(self._name + tag, SOURCE, self._customer, self._at, data)


_INBOUND = {"channel": "email", "direction": "inbound"}


def _text(letter: Letter) -> str | None:
    text = letter.said.text
    return (text if letter.complete else text + CUT) or None


def _description(letter: Letter) -> str:
    told = [part for part in (letter.subject, letter.said.text[:DESCRIPTION_LENGTH]) if part]
    return "\n\n".join(told) or NO_TEXT


def _summary(letter: Letter) -> str:
    return _line(letter.said.text) or _line(letter.subject or "") or NO_TEXT


def _line(text: str) -> str:
    return " ".join(text[: 4 * SUMMARY_LENGTH].split())[:SUMMARY_LENGTH]


def _answered(names: tuple[str, ...]) -> str | None:
    """As a header names them, as many as there is room for."""
    told = ""
    for name in names[:MOST_ANSWERED]:
        more = f"{told} <{name}>".strip()
        if len(more) > LONGEST_ANSWERED:
            break
        told = more
    return told or None


def _attachment(letter: Letter, file: File) -> dict[str, object]:
    return {
        "name": file.name,
        "type": file.type,
        "size": file.size,
        "sha256": file.sha256,
        "url": place_of(letter.message_id, file),
    }
