"""Several messages as one mail: the first's subject, greeting and foot, and between them a section of each,
those after the first under what their own subject says. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import escape

from services.followup.domain.messages.channel import Message, Writing

SUBJECT = "subject.txt"
"""The part that a mail has one of."""


class Cut(NamedTuple):
    """A part of a message, cut where its template's ``body`` begins and ends: what is around it is the
    mail's."""

    head: str
    body: str
    tail: str

    @property
    def whole(self) -> str:
        return self.head + self.body + self.tail


Section = Mapping[str, Cut]
"""Of one message, by part."""


def in_one(sections: Sequence[Section], channel: Writing, unsubscribe_url: str) -> Message:
    """The mail of these, the first first."""
    first = sections[0]
    texts = {
        part: first[part].whole if part == SUBJECT else _joined(part, sections) for part in channel.parts
    }
    return channel.write(texts, unsubscribe_url)


def _joined(part: str, sections: Sequence[Section]) -> str:
    first = sections[0][part]
    html = part.endswith("html")
    bodies = [first.body if html else first.body.strip()]
    for section in sections[1:]:
        subject = " ".join(section[SUBJECT].whole.split())
        bodies.append(_under(subject, section[part].body, html=html))
    between = "\n" if html else "\n\n\n"
    return first.head + between.join(bodies) + ("" if html else "\n") + first.tail


HEADING = (
    '<p style="margin:28px 0 8px;padding-top:20px;border-top:1px solid #c8d0d0;font-size:18px;'
    'line-height:26px;font-weight:600">{}</p>\n'
)
"""Readable on any ground: it takes the colour of what it stands in."""


def _under(subject: str, body: str, *, html: bool) -> str:
    if html:
        return HEADING.format(escape(subject)) + body
    return f"{subject}\n{'-' * min(len(subject), 72)}\n\n{body.strip()}"
