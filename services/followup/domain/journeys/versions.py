"""The versions of a rules file: each holds from its own instant until the next one's."""

from collections.abc import Sequence
from itertools import pairwise

from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from shared.schemas.faults import fault
from shared.schemas.times import Micros, micros

BEGINNING: Micros = 0
"""From when a version holds that does not say it."""


def start_of(version: Rules) -> Micros:
    """From when it holds."""
    return BEGINNING if version.effective is None else micros(version.effective)


def in_force(versions: Sequence[Rules], instant: Micros) -> Rules:
    """The version that holds at ``instant``; before the first, the first. ``versions`` are by time."""
    return next((v for v in reversed(versions) if start_of(v) <= instant), versions[0])


def check_versions(versions: Sequence[Rules]) -> None:
    """Raises a fault where the versions do not follow one another."""
    for number, (before, after) in enumerate(pairwise(versions), start=1):
        if after.effective is None:
            raise fault(f"[{number}].effective", "is missing: it says from when this version holds")
        if before.effective is not None and after.effective <= before.effective:
            raise fault(f"[{number}].effective", "must be after that of the version before")
        _same_kinds(number, before, after)


def _same_kinds(number: int, before: Rules, after: Rules) -> None:
    """What a customer's state keeps of a rule must mean the same to each version."""
    for place, rule in enumerate(after.rules):
        known = before.rule(rule.name)
        if known is not None and known.restart != rule.restart:
            raise fault(
                f"[{number}].rules[{place}].restart",
                f"must be as in the version before, or the rule be named other than {rule.name}",
            )


def every_rule(versions: Sequence[Rules], name: str) -> list[Rule]:
    """The rule of that name in each version that has it, the oldest first."""
    found = (version.rule(name) for version in versions)
    return [rule for rule in found if rule is not None]


def former(versions: Sequence[Rules], current: Rules) -> list[Rule]:
    """The rules that ``current`` lacks, as the newest version has them that does not: what they have started
    goes on."""
    found = {rule.name: rule for version in versions for rule in version.rules}
    return [rule for name, rule in found.items() if current.rule(name) is None]
