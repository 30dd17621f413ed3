"""What a rule's people are split into, and by which shares."""

from collections.abc import Mapping
from decimal import Decimal

from services.followup.domain.rules.course import HOLDOUT
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules

EVERYBODY = "all"
"""The arm of those who get messages, where a rule has no variants."""


def shares_of(rules: Rules, rule: Rule) -> Mapping[str, float]:
    """The share of each arm, from 0 to 1, those held out last; empty where the rule has neither goal nor
    arms."""
    marketing = any(rules.purpose(template) == "marketing" for template in rule.templates)
    whole = rules.holdout if marketing else None
    # The two are drawn apart: who is held out of all may be held out of the rule too.
    left = (1 - (rule.holdout or Decimal(0))) * (1 - (whole or Decimal(0)))
    if rule.goal is None and not rule.variants and left == 1:
        return {}
    variants = {variant.name: variant.share for variant in rule.variants} or {EVERYBODY: Decimal(1)}
    shares = {name: float(share * left) for name, share in variants.items()}
    return shares if left == 1 else {**shares, HOLDOUT: float(1 - left)}
