"""By which channel a message may go: the customer's preferred one first, then as its rule names them. The
first of which consent and address are right is judged on. A word about a topic beats one about a channel."""

from typing import NamedTuple

from services.followup.domain.deliverability.suppression import Blocked, blocked
from services.followup.domain.gate.verdicts import Go, No
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rule import DEFAULT_CHANNEL, REPLY, Rule
from services.followup.domain.rules.terms import Terms
from services.followup.domain.state import Consent, Customer, Outreach, Planned
from services.followup.domain.tasks import TASKS
from shared.schemas.times import Micros


class Way(NamedTuple):
    """A channel, as it is to one customer and message."""

    channel: str
    word: Consent | None
    """The latest word on it that holds for the message."""
    allowed: bool
    to: str | None
    """Where it reaches the customer; None where it does not."""
    fault: Blocked | None
    """Why the address that is known is not used; None where it is, or none is known."""


def ways_of(state: Customer, policy: Policy, outreach: Planned, terms: Terms, now: Micros) -> tuple[Way, ...]:
    """The channels that a message may go by, in the order in which they are tried."""
    if terms.rule is not None:
        names = terms.rule.ways
    else:
        names = usual(state, policy, outreach.template) if outreach.anyhow else (outreach.channel,)
    return _ways(state, policy, _About(outreach.purpose, terms.topic, terms.sort.counts_as), names, now)


def usual(state: Customer, policy: Policy, template: str) -> tuple[str, ...]:
    """The channels by which a template goes that is sent by hand, and nobody says how: the one that the
    customer prefers, then the default, as far as there is something written for them."""
    names = dict.fromkeys((state.text("preferred_channel") or DEFAULT_CHANNEL, DEFAULT_CHANNEL))
    known = [policy.channels[name] for name in names if name in policy.channels and name not in TASKS]
    fits = tuple(channel.name for channel in known if policy.templates.has(template, channel))
    return fits or (DEFAULT_CHANNEL,)


class _About(NamedTuple):
    """What of a message decides how it may go."""

    purpose: str
    topic: str | None
    counts_as: str


def _ways(
    state: Customer, policy: Policy, about: _About, names: tuple[str, ...], now: Micros
) -> tuple[Way, ...]:
    purpose, topic, counts_as = about
    found = []
    for name in _preferred_first(state, names):
        word = state.word(purpose, name, topic)
        to = address(state, policy, name)
        fault = not_used(state, policy, name, counts_as, now) if not to or state.came_back else None
        found.append(Way(name, word, _allows(policy, purpose, word), None if fault else to, fault))
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


def reaches(state: Customer, policy: Policy, rule: Rule, purpose: str, now: Micros) -> bool:
    """Whether there is a channel by which a message of the rule may go to the customer."""
    about = _About(purpose, rule.topic, rule.counts_as(purpose))
    return the_way(_ways(state, policy, about, rule.ways, now)) is not None


def reach(state: Customer, policy: Policy, channel: str, now: Micros) -> Go | No:
    """Where the channel reaches the customer with what an agent writes, whatever consents, hours and
    complaints say; or why not."""
    if channel not in policy.channels or channel in TASKS:
        return No("condition_unmet", f"nothing is sent by {channel}")
    fault = not_used(state, policy, channel, REPLY, now)
    if fault is not None:
        return No("address_suppressed", fault.detail, fault.until)
    to = address(state, policy, channel)
    if to:
        return Go(to, channel)
    return No("condition_unmet", f"no address for {channel} is known")


def address(state: Customer, policy: Policy, channel: str) -> str | None:
    """Where the channel reaches the customer; None where it does not, or there is no such channel."""
    known = policy.channels.get(channel)
    return known.address(state) if known is not None else None


def not_used(state: Customer, policy: Policy, channel: str, purpose: str, now: Micros) -> Blocked | None:
    """Why the address that the channel would use is not, for such a message; None where it is, or there is
    none."""
    known = policy.channels.get(channel)
    why = known.unusable(state) if known is not None else None
    return Blocked(why) if why else blocked(state, policy, purpose, channel, now)


def unusable_addresses(policy: Policy, customer: Customer, now: Micros) -> dict[str, str]:
    """Of each channel that cannot use the address that is known, or not for marketing, a sentence that says
    why."""
    reasons = {}
    for name in policy.channels:
        if always := not_used(customer, policy, name, "service", now):
            reasons[name] = f"The address cannot be used: {always.detail}."
        elif marketing := not_used(customer, policy, name, "marketing", now):
            reasons[name] = f"The address is not used for marketing: {marketing.detail}."
    return reasons
