"""The mark of a message: its id, signed, in a header that reports give back and answers do not. So a report
can say of which message it is, and nobody who has only seen an answer can make one up."""

import re
from collections.abc import Sequence

from shared.mail.macs import is_signed, mac

HEADER = "CFBL-Feedback-ID"
"""RFC 9477: a sender's own name of a mail, for complaints about it."""
PURPOSE, MAC_BYTES = b"rapport mark 1", 10

_marked = re.compile(r"([A-Za-z0-9._:-]{1,128})-([a-z2-7]{16})").fullmatch


def mark_of(key: bytes, outreach_id: str) -> str:
    """What the header says."""
    return f"{outreach_id}-{mac(key, PURPOSE, outreach_id, MAC_BYTES)}"


def read_mark(keys: Sequence[bytes], mark: str) -> str | None:
    """The id of the message that bears the mark; None where none of the keys has made it."""
    found = _marked(mark)
    if found is None or not is_signed(keys, PURPOSE, found[1], MAC_BYTES, found[2]):
        return None
    return found[1]
