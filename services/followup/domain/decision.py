"""The decision, made at the moment of sending: send now, wait for the end of quiet hours, or not at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import quiet_until, zone
from services.followup.domain.rules.rules import MANUAL, Rules
from services.followup.domain.state import Customer
from shared.schemas.outreach import SuppressionReason


@dataclass(frozen=True, slots=True)
class Candidate:
    """What might be sent."""

    rule: str
    template: str
    purpose: str
    channel: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Go:
    """Send it now, to this address."""

    to: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It is quiet hours: decide again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class No:
    """Do not send it."""

    reason: SuppressionReason


Decision: TypeAlias = Go | Wait | No


def decide(state: Customer, policy: Policy, candidate: Candidate, now: datetime) -> Decision:
    """Whether to send. Open complaints, intervals and the cap are looked at after quiet hours only: what
    they say at night may be otherwise in the morning."""
    rules = policy.rules
    purpose = candidate.purpose
    last_moment = candidate.due_at + rules.stale(candidate.rule)
    if state.erased:
        return No("erased")
    if now > last_moment:
        return No("stale")
    rule = rules.rule(candidate.rule)
    if candidate.template not in rules.templates or (rule is None and candidate.rule != MANUAL):
        return No("condition_unmet")  # taken out of the rules since
    unreachable = unreachable_reason(state, rules, purpose, candidate.channel)
    if unreachable is not None:
        return No(unreachable)
    until = quiet_until(now, zone(state.timezone, rules.timezone), rules.quiet_hours)
    if until is not None:
        return Wait(until) if until <= last_moment else No("quiet_hours")
    if state.open_complaints and purpose in rules.hold_during_complaint:
        return No("open_complaint")
    if rule and rule.at_most_one_in and sent_within(state, policy, rule.name, now, rule.at_most_one_in):
        return No("duplicate")
    if cap_reached(state, policy, purpose, now):
        return No("frequency_cap")
    return Go(address(state, candidate.channel) or "")


def address(state: Customer, channel: str) -> str | None:
    """Where the channel reaches the customer."""
    return state.email if channel == "email" else None


def unreachable_reason(state: Customer, rules: Rules, purpose: str, channel: str) -> SuppressionReason | None:
    """``condition_unmet`` without an address, ``no_consent`` without leave to use it, else None."""
    if not address(state, channel):
        return "condition_unmet"
    consent = state.consent(purpose, channel)
    allowed = consent.granted if consent else not rules.consent.must_be_granted(purpose)
    return None if allowed else "no_consent"


def sent_within(state: Customer, policy: Policy, rule: str, at: datetime, interval: timedelta) -> bool:
    """Whether the rule sent, or may just be sending, within ``interval`` of ``at`` on either side."""
    return any(abs(at - sent) < interval for name, _, sent in _sends(state, policy, at) if name == rule)


def cap_reached(state: Customer, policy: Policy, purpose: str, now: datetime) -> bool:
    """Whether one more message of this purpose would be above the frequency cap."""
    cap = policy.rules.frequency_cap
    if cap is None or purpose not in cap.purposes:
        return False
    counted = [
        at for _, kind, at in _sends(state, policy, now) if kind in cap.purposes and at > now - cap.per
    ]
    return len(counted) >= cap.max


def _sends(state: Customer, policy: Policy, now: datetime) -> list[tuple[str, str, datetime]]:
    """(rule, purpose, time) of each message sent or on its way; one on its way may leave at any moment."""
    sent = [(send.rule, send.purpose, send.at) for send in state.sends]
    leaving = [
        (flight.rule, flight.purpose, flight.decided_at if policy.event_time else now)
        for flight in state.in_flight
        if not flight.cancelled
    ]
    return sent + leaving
