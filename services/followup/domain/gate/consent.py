"""Consent and address: the steps that choose a message's channel. What one says of channels, it says of those
that the steps before it have left; where they left none, of all."""

from services.followup.domain.gate.question import Question
from services.followup.domain.gate.reach import Way
from services.followup.domain.gate.verdicts import Refuse, Verdict


def no_consent(question: Question) -> Verdict:
    if any(way.allowed for way in question.ways):
        return None
    words = {way.channel: "refused" if way.word else "not allowed" for way in question.ways}
    said = ", ".join(f"{question.outreach.purpose} by {name} is {word}" for name, word in words.items())
    return Refuse("no_consent", said)


def no_address(question: Question) -> Verdict:
    """None is known by any channel that consent allows, or by any, where it allows none."""
    among = _allowed(question.ways)
    if any(way.to or way.fault for way in among):
        return None
    return Refuse("condition_unmet", f"no address for {' or '.join(way.channel for way in among)} is known")


def address_suppressed(question: Question) -> Verdict:
    """None of those that are known is to be used; the first that will be says when."""
    among = _allowed(question.ways)
    if any(way.to for way in among):
        return None
    faults = [way.fault for way in among if way.fault]
    if not faults:
        return None
    ends = [fault.until for fault in faults if fault.until is not None]
    return Refuse("address_suppressed", faults[0].detail, min(ends, default=None))


def _allowed(found: tuple[Way, ...]) -> tuple[Way, ...]:
    return tuple(way for way in found if way.allowed) or found
