"""What the rules say of a message, put together once: each decision goes by it. Pure."""

from typing import NamedTuple

from services.followup.domain.conditions.expression import Expression, compiled
from services.followup.domain.preferences.wishes import WISHED
from services.followup.domain.rules.caps import FrequencyCap
from services.followup.domain.rules.hours import Window
from services.followup.domain.rules.quiet import QuietHours
from services.followup.domain.rules.rule import MANUAL, Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import span
from shared.schemas.times import Micros

ONLY_UNREACHED = frozenset({"no_consent", "address", "address_suppressed"})
"""The steps of the gate that say nothing where there is a channel that consent and address allow."""


class Sort(NamedTuple):
    """What a message is to caps, holds and what is suppressed."""

    counts_as: str
    """A purpose: its rule's class, where that has one."""
    group: str | None


def sort_of(rule: Rule | None, purpose: str) -> Sort:
    """Of what a rule, or a person, sends for the purpose."""
    return Sort(purpose, None) if rule is None else Sort(rule.counts_as(purpose), rule.group)


class Terms(NamedTuple):
    """Of one rule, purpose and template."""

    rule: Rule | None
    """None of a message by hand, and of a rule that is gone."""
    gone: str | None
    """What it is made of and is not there any more, for people."""
    sort: Sort
    topic: str | None
    condition: Expression | None
    stale: Micros
    """How long after its due time it may still go."""
    least: Micros | None
    """The rule's ``at_most_one_in``."""
    caps: tuple[FrequencyCap, ...]
    """Those of the file that count it; a customer's own come beside them."""
    quiet: QuietHours | None
    window: Window | None
    silent: frozenset[str]
    """The steps of the gate, by name, that can have nothing against it, whoever the customer is."""
    silent_reached: frozenset[str]
    """Likewise, where there is a channel that it may go by."""


def terms_of(rules: Rules, name: str, purpose: str, template: str) -> Terms:
    """Of what the rule of that name sends, or a person."""
    rule = rules.rule(name)
    sort = sort_of(rule, purpose)
    found = Terms(
        rule=rule,
        gone=_gone(rules, name, rule, template),
        sort=sort,
        topic=None if rule is None else rule.topic,
        condition=compiled(rule.if_, rule.asked_events) if rule is not None and rule.if_ else None,
        stale=span(rules.stale_of(name, rule)),
        least=span(rule.at_most_one_in) if rule is not None and rule.at_most_one_in is not None else None,
        caps=tuple(cap for cap in rules.all_caps if cap.counts(*sort)),
        quiet=quiet_hours_of(rules, rule),
        window=send_window_of(rules, rule, purpose),
        silent=frozenset(),
        silent_reached=frozenset(),
    )
    silent = _silent(rules, found)
    return found._replace(silent=silent, silent_reached=silent | ONLY_UNREACHED)


def _gone(rules: Rules, name: str, rule: Rule | None, template: str) -> str | None:
    if rule is None and name != MANUAL:
        return f"there is no rule {name} any more"
    return None if template in rules.templates else f"there is no template {template} any more"


def _silent(rules: Rules, terms: Terms) -> frozenset[str]:
    counts_as, rule = terms.sort.counts_as, terms.rule
    speaks = {
        "open_complaint": counts_as in rules.hold_during_complaint,
        "holdout": rule is not None and not (rule.holdout is None and rules.holdout is None),
        "duplicate": terms.least is not None,
        "paused": counts_as in WISHED,
        "frequency_cap": bool(terms.caps) or counts_as in WISHED,
        "quiet_hours": terms.quiet is not None,
        "send_window": terms.window is not None,
    }
    return frozenset(name for name, may in speaks.items() if not may)


def quiet_hours_of(rules: Rules, rule: Rule | None) -> QuietHours | None:
    """Those that hold what the rule, or a person, sends: service messages too, but nothing that is urgent."""
    return None if rule is not None and rule.urgent else rules.quiet_hours


def send_window_of(rules: Rules, rule: Rule | None, purpose: str) -> Window | None:
    """The rule's own, else that of the purpose, which does not hold what is urgent."""
    if rule is not None and (rule.window is not None or rule.urgent):
        return rule.window
    return rules.send_window(purpose)
