"""By which channel a message may go: the customer's preferred one first, then as its rule names them. The
first of which consent and address are right is judged on. A word about a topic beats one about a channel."""

from typing import NamedTuple

from services.followup.domain.gate.verdicts import Go, No
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Consent, Customer, Outreach
from services.followup.domain.tasks import TASKS


class Way(NamedTuple):
    """A channel, as it is to one customer and message."""

    channel: str
    word: Consent | None
    """The latest word on it that holds for the message."""
    allowed: bool
    to: str | None
    """Where it reaches the customer; None where it does not."""
    fault: str | None
    """Why the address that is known can never be used; None where it can, or none is known."""


def ways_of(state: Customer, policy: Policy, outreach: Outreach, rule: Rule | None) -> tuple[Way, ...]:
    """The channels that a message may go by, in the order in which they are tried."""
    if rule is None:
        return _ways(state, policy, outreach.purpose, None, (outreach.channel,))
    return _ways(state, policy, outreach.purpose, rule.topic, rule.ways)


def _ways(
    state: Customer, policy: Policy, purpose: str, topic: str | None, names: tuple[str, ...]
) -> tuple[Way, ...]:
    found = []
    for name in _preferred_first(state, names):
        word = state.word(purpose, name, topic)
        allowed = _allows(policy, purpose, word)
        fault = unusable(state, policy, name)
        found.append(Way(name, word, allowed, None if fault else address(state, policy, name), fault))
    return tuple(found)


def _preferred_first(state: Customer, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) == 1:
        return names
    preferred = state.text("preferred_channel")
    return tuple(sorted(names, key=lambda name: name != preferred))


def the_way(found: tuple[Way, ...]) -> Way | None:
    """The first that consent allows and whose address can be used."""
    return next((way for way in found if way.allowed and way.to), None)


def allows(state: Customer, policy: Policy, outreach: Outreach, channel: str) -> bool:
    """Whether the customer allows the message by the channel."""
    rule = policy.rules.rule(outreach.rule)
    topic = None if rule is None else rule.topic
    return _allows(policy, outreach.purpose, state.word(outreach.purpose, channel, topic))


def _allows(policy: Policy, purpose: str, word: Consent | None) -> bool:
    return word.granted if word is not None else not policy.rules.consent.must_be_granted(purpose)


def reaches(state: Customer, policy: Policy, rule: Rule, purpose: str) -> bool:
    """Whether there is a channel by which a message of the rule may go to the customer."""
    return the_way(_ways(state, policy, purpose, rule.topic, rule.ways)) is not None


def reach(state: Customer, policy: Policy, channel: str) -> Go | No:
    """Where the channel reaches the customer, whatever consents, hours and complaints say; or why not."""
    if state.erased:
        return No("erased")
    if channel not in policy.channels or channel in TASKS:
        return No("condition_unmet", f"nothing is sent by {channel}")
    why = unusable(state, policy, channel)
    if why:
        return No("address_suppressed", why)
    to = address(state, policy, channel)
    if to:
        return Go(to, channel)
    return No("condition_unmet", f"no address for {channel} is known")


def address(state: Customer, policy: Policy, channel: str) -> str | None:
    """Where the channel reaches the customer; None where it does not, or there is no such channel."""
    known = policy.channels.get(channel)
    return known.address(state) if known is not None else None


def unusable(state: Customer, policy: Policy, channel: str) -> str | None:
    """Why the address that the channel would use can never be used; None where it can, or there is none."""
    known = policy.channels.get(channel)
    return known.unusable(state) if known is not None else None


def unusable_addresses(policy: Policy, customer: Customer) -> dict[str, str]:
    """Of each channel that can never use the address that is known, a sentence that says why."""
    reasons = {name: unusable(customer, policy, name) for name in policy.channels}
    return {name: f"The address cannot be used: {why}." for name, why in reasons.items() if why}
