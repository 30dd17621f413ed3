"""What a rule's people are split into, and by which shares."""

from collections.abc import Mapping

from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules


def shares_of(rules: Rules, rule: Rule) -> Mapping[str, float]:
    """The share of each arm, from 0 to 1, those held out last; empty where nothing is compared."""
    return {}
