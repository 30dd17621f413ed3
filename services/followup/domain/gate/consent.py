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
    """Those that are known can never be used."""
    among = _allowed(question.ways)
    if any(way.to for way in among):
        return None
    fault = next((way.fault for way in among if way.fault), None)
    return None if fault is None else Refuse("address_suppressed", fault)


def _allowed(found: tuple[Way, ...]) -> tuple[Way, ...]:
    return tuple(way for way in found if way.allowed) or found
