"""The decision, made at the moment of sending: send now, wait for the end of quiet hours, or not at all."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from services.followup.domain.conditions.holding import unmet
from services.followup.domain.deliverability.suppression import blocked
from services.followup.domain.journeys.arms import held_out
from services.followup.domain.policy import Policy
from services.followup.domain.rules.quiet import quiet_until, zone
from services.followup.domain.rules.rule import MANUAL, REPLY
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, Planned
from services.followup.domain.tasks import TASKS
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros, micros, moment


@dataclass(frozen=True, slots=True)
class Go:
    """Send it now, to this address."""

    to: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It is quiet hours: decide again then."""

    until: Micros


@dataclass(frozen=True, slots=True)
class No:
    """Do not send it."""

    reason: SuppressionReason
    detail: str | None = None
    """More about it, without a capital and a stop."""


Decision: TypeAlias = Go | Wait | No


def decide(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> Decision:
    """Whether to send. Open complaints, intervals and the cap are looked at after quiet hours only: what
    they say at night may be otherwise in the morning."""
    rules = policy.rules
    purpose = outreach.purpose
    last_moment = outreach.due_at + span(rules.stale(outreach.rule))
    if state.erased:
        return No("erased")
    if now > last_moment:
        return No("stale")
    rule = rules.rule(outreach.rule)
    if outreach.template not in rules.templates or (rule is None and outreach.rule != MANUAL):
        return No("condition_unmet")  # taken out of the rules since
    unreachable = unreachable_reason(state, policy, purpose, outreach.channel, now)
    if unreachable is not None:
        return No(
            unreachable, _why(state, policy, outreach, now) if unreachable == "address_suppressed" else None
        )
    against = None if rule is None else unmet(policy, rule, state, now, outreach.trigger)
    if against is not None:
        return No("condition_unmet", against)
    quiet_end = quiet_until(moment(now), zone(state.timezone, rules.timezone), rules.quiet_hours)
    if quiet_end is not None:
        until = micros(quiet_end)
        return Wait(until) if until <= last_moment else No("quiet_hours")
    if state.complains and purpose in rules.hold_during_complaint:
        return No("open_complaint")
    kept_out = None if rule is None else held_out(rules, rule, state.whom)
    if kept_out is not None:
        return No("holdout", kept_out)
    if (
        rule
        and rule.at_most_one_in
        and outreach.step is None
        and sent_within(state, policy, rule.name, now, rule.at_most_one_in)
    ):
        return No("duplicate")
    if cap_reached(state, policy, purpose, now):
        return No("frequency_cap")
    return Go(address(state, policy, outreach.channel) or "")


def _why(state: Customer, policy: Policy, outreach: Planned, now: Micros) -> str | None:
    found = blocked(state, policy, outreach.purpose, outreach.channel, now)
    return found.detail if found is not None else unusable(state, policy, outreach.channel)


def reach(state: Customer, policy: Policy, channel: str, now: Micros) -> Go | No:
    """Where the channel reaches the customer with what an agent writes, whatever consents, hours and
    complaints say; or why not."""
    if state.erased:
        return No("erased")
    to = address(state, policy, channel)
    if channel not in policy.channels or channel in TASKS:
        return No("condition_unmet", f"nothing is sent by {channel}")
    found = blocked(state, policy, REPLY, channel, now)
    if found is not None:
        return No("address_suppressed", found.detail)
    if to:
        return Go(to)
    why = unusable(state, policy, channel)
    if why:
        return No("address_suppressed", why)
    return No("condition_unmet", f"no address for {channel} is known")


def address(state: Customer, policy: Policy, channel: str) -> str | None:
    """Where the channel reaches the customer; None where it does not, or there is no such channel."""
    known = policy.channels.get(channel)
    return known.address(state) if known is not None else None


def unusable(state: Customer, policy: Policy, channel: str) -> str | None:
    """Why the address that the channel would use can never be used; None where it can, or there is none."""
    known = policy.channels.get(channel)
    return known.unusable(state) if known is not None else None


def unusable_addresses(policy: Policy, customer: Customer, now: Micros) -> dict[str, str]:
    """Of each channel that cannot use the address that is known, or not for marketing, a sentence that says
    why."""
    reasons = {}
    for name, channel in policy.channels.items():
        why = channel.unusable(customer)
        found = blocked(customer, policy, "service", name, now)
        marketing = blocked(customer, policy, "marketing", name, now)
        if why or found:
            reasons[name] = f"The address cannot be used: {why or (found and found.detail)}."
        elif marketing:
            reasons[name] = f"The address is not used for marketing: {marketing.detail}."
    return reasons


def unreachable_reason(
    state: Customer, policy: Policy, purpose: str, channel: str, now: Micros
) -> SuppressionReason | None:
    """``condition_unmet`` without an address, ``no_consent`` without leave to use it, ``address_suppressed``
    where it is none that can be used, else None."""
    if not address(state, policy, channel):
        return "address_suppressed" if unusable(state, policy, channel) else "condition_unmet"
    consent = state.consent(purpose, channel)
    allowed = consent.granted if consent else not policy.rules.consent.must_be_granted(purpose)
    if not allowed:
        return "no_consent"
    return "address_suppressed" if blocked(state, policy, purpose, channel, now) else None


def sent_within(state: Customer, policy: Policy, rule: str, at: Micros, interval: timedelta) -> bool:
    """Whether the rule sent, or may just be sending, within ``interval`` of ``at`` on either side."""
    least = span(interval)
    return any(abs(at - sent) < least for name, _, sent in _sends(state, policy, at) if name == rule)


def cap_reached(state: Customer, policy: Policy, purpose: str, now: Micros) -> bool:
    """Whether one more message of this purpose would be above the frequency cap."""
    cap = policy.rules.frequency_cap
    if cap is None or purpose not in cap.purposes:
        return False
    since = now - span(cap.per)
    counted = [at for _, kind, at in _sends(state, policy, now) if kind in cap.purposes and at > since]
    return len(counted) >= cap.max


def _sends(state: Customer, policy: Policy, now: Micros) -> list[tuple[str, str, Micros]]:
    """(rule, purpose, time) of each message sent or on its way; one on its way may leave at any moment."""
    sent = [(send.rule, send.purpose, send.at) for send in state.sends]
    leaving = [
        (flight.rule, flight.purpose, flight.decided_at if policy.event_time else now)
        for flight in state.in_flight
        if not flight.cancelled
    ]
    return sent + leaving
