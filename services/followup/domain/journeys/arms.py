"""Who gets which variant of a rule, and who none of it: by a hash of the person, the same for ever."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b

from services.followup.domain.rules.course import HOLDOUT, Variant
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules

_ALL = 2**64


def arm_of(rules: Rules, rule: Rule, person: str) -> str | None:
    """The name of the person's variant, or ``HOLDOUT``; None where the rule has neither for them.

    ``person`` as ``state.person_of``: what was under way when its customer was merged keeps its arm."""
    if held_out(rules, rule, person) is not None:
        return HOLDOUT
    variant = variant_of(rule, person)
    return None if variant is None else variant.name


def variant_of(rule: Rule, person: str) -> Variant | None:
    """Which of the rule's variants the person gets."""
    if not rule.variants:
        return None
    place = _place(person, rule.name, "variant")
    reached = Decimal(0)
    for variant in rule.variants:
        reached += variant.share
        if place < reached * _ALL:
            return variant
    return rule.variants[-1]


def held_out(rules: Rules, rule: Rule, person: str) -> str | None:
    """Why the person gets none of the rule's messages, for people; None where they do. The holdout of the
    whole file is of marketing alone."""
    if rule.holdout is not None and _place(person, rule.name, HOLDOUT) < rule.holdout * _ALL:
        return f"one of the {_percent(rule.holdout)} who get nothing of {rule.name}"
    whole = rules.holdout
    if whole is None or all(rules.purpose(template) != "marketing" for template in rule.templates):
        return None
    if _place(person, rules.name, f"{HOLDOUT} of all") < whole * _ALL:
        return f"one of the {_percent(whole)} who get no marketing"
    return None


def _place(*parts: str) -> int:
    """Where a person stands among all, from 0 to 2 to the power of 64, for one purpose and no other."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest())


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"


def shares(variants: Sequence[Variant]) -> dict[str, Decimal]:
    """By name, what part of those who get messages is to get each variant."""
    return {variant.name: variant.share for variant in variants}
