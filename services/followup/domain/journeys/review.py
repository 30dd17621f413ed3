"""What the rules await of a customer, seen anew without a fact: a rule that is new in the file begins at what
is known already, for customers who are silent too."""

from functools import partial
from hashlib import blake2b

from services.followup.domain.effects import then
from services.followup.domain.journeys.occasions import refresh
from services.followup.domain.policy import Policy
from services.followup.domain.quiet_time import adopt
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Anchor, Customer
from shared.domain import Effects
from shared.schemas.times import Micros

SAID = frozenset(
    {"name", "triggers", "when", "delay", "active", "cancel_on", "cancel_when", "restart", "stale_after"}
)
"""What says of a rule when it comes by itself."""
PURCHASE = "purchase.made"


def fingerprint(policy: Policy) -> str | None:
    """What stands for all that comes by itself, in all versions; None where nothing does."""
    said = [
        f"{rules.effective} {rules.timezone} {rules.stale_after} {rule.model_dump_json(include=set(SAID))}"
        for rules in policy.every
        for rule in rules.rules
        if rule.dated or rule.restart
    ]
    return blake2b("\n".join(said).encode(), digest_size=8).hexdigest() if said else None


def review(state: Customer, policy: Policy, now: Micros) -> Effects[Customer]:
    """Set the timers that stand for rules which were not there when the last fact was heard."""
    effects = refresh(state, policy, now)
    for rule in _silences(policy):
        known = _latest(effects.state, policy, rule) if effects.state.anchor(rule.name) is None else None
        if known is not None:
            effects = then(effects, partial(adopt, policy=policy, rule=rule, known=known, now=now))
    return effects


def needed(state: Customer, policy: Policy, now: Micros) -> bool:
    """Whether that would do anything."""
    effects = review(state, policy, now)
    return bool(effects.timers or effects.emits or effects.rows)


def _silences(policy: Policy) -> list[Rule]:
    """Of all versions, each rule as the newest has it."""
    return [*{r.name: r for rules in policy.every for r in rules.rules if r.restart}.values()]


def _latest(state: Customer, policy: Policy, rule: Rule) -> Anchor | None:
    """The latest trigger of such a rule, as far as another that starts at the same has noted it, or the
    past that conditions ask about."""
    same = {
        other.name for other in _silences(policy) if (other.events, other.when) == (rule.events, rule.when)
    }
    found = [anchor for anchor in state.anchors if anchor.rule in same]
    if found:
        return max(found, key=lambda anchor: (anchor.order, anchor.days))
    bought = None if state.history is None else state.history.purchases
    if bought is None or bought.last_at is None or rule.when or rule.events != (PURCHASE,):
        return None
    return Anchor(rule=rule.name, at=bought.last_at, by=bought.last_at, armed=False)
