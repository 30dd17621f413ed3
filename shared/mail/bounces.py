"""What a status says about an address: the codes of RFC 3463, and what servers say that give none. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""The address does not exist, or its mailbox takes nothing any more."""
ABOUT_ADDRESS = frozenset("01234")
"""The subjects of codes that speak of the address, its mailbox or the way to it; the others speak of the
protocol, the message's content or a policy, and so of us."""

_code = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])").search
_unknown = re.compile(
    r"(user|recipient|mailbox|address|account)\W+(is\W+)?(unknown|not\W+found|invalid|disabled|unavailable"
    r"|does\W+not\W+exist|doesn't\W+exist)"
    r"|(unknown|no\W+such|invalid|non-?existent)\W+(local\W+)?(user|recipient|mailbox|address|account)",
    re.IGNORECASE,
).search
_policy = re.compile(r"block|black|spam|policy|reputation|denied|blocklist|dnsbl|rbl", re.IGNORECASE).search


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message that came back means."""

    kind: Literal["hard", "soft"]
    """As it is told."""
    about_address: bool
    """Whether it says something about the address: a policy does not."""


def verdict(kind: Literal["hard", "soft"] | None, code: str | None) -> Verdict:
    """``kind`` is the reporter's own word. A code that speaks of a policy, and one that says "not now", are
    heeded whatever that word is: an address is not lost by it."""
    found = None if code is None else _code(code)
    if found is None:
        return Verdict(kind or "soft", about_address=True)
    level, subject, _ = found.groups()
    if subject not in ABOUT_ADDRESS:
        return Verdict("soft", about_address=False)
    if level != "5":
        return Verdict("soft", about_address=True)
    return Verdict(kind or ("hard" if found[0] in HARD else "soft"), about_address=True)


def status_of(answer: str, *, of_recipient: bool) -> str | None:
    """The status in a mail server's answer of 5xx: its own, else what its words come to where it refused the
    recipient; None where it says nothing about whom the message is to."""
    found = _code(answer)
    if found is not None:
        return found[0] if found[1] == "5" else None
    if not of_recipient:
        return None
    if _policy(answer):
        return "5.7.0"
    return "5.1.1" if _unknown(answer) else "5.0.0"
