"""A rules file in a few tables, as its author would want to check it."""

from collections.abc import Iterator
from datetime import timedelta

from rich.console import RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.rules.draft import Draft
from rapport.simulate.figures import NONE
from services.followup.domain.messages.check import untranslated
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import write_duration, write_time_of_day


def outline(draft: Draft) -> Iterator[RenderableType]:
    """Each version: what holds for all its messages, the rules, the templates; then what looks like a
    slip."""
    for rules in draft.versions:
        yield Text(f"\n{rules.name}", style="bold")
        yield _settings(rules)
        for part in (_starts(rules), _limits(rules), _templates(rules, draft)):
            yield ""
            yield part
    for note in _notes(draft):
        yield Text(f"\n{note}", style="yellow")


def lacking(draft: Draft) -> dict[str, list[str]]:
    """Of each template the channels that are switched on and for which it has not all parts."""
    names = dict.fromkeys(name for rules in draft.versions for name in rules.templates)
    return {
        name: [
            channel.name
            for channel in draft.channels.values()
            if not draft.policy.templates.has(name, channel)
        ]
        for name in names
    }


def spelled(duration: timedelta | None) -> str:
    """``2h``; ``-`` for none."""
    return NONE if duration is None else write_duration(duration)


def _settings(rules: Rules) -> RenderableType:
    shown = table("", "", wrapped=("",))
    for what, text in _held(rules):
        shown.add_row(Text(what, style="bold"), text)
    return shown


def _held(rules: Rules) -> Iterator[tuple[str, str]]:
    """What holds for the whole file: name and text."""
    yield "from", f"{rules.sender.name} <{rules.sender.address}>"
    yield "time zone", f"the customer's, else {rules.timezone}"
    quiet = rules.quiet_hours
    if quiet is not None:
        yield "quiet", f"{write_time_of_day(quiet.start)} to {write_time_of_day(quiet.end)}"
    for cap in rules.all_caps:
        yield "cap", f"{cap.words} of {_listed(cap.purposes)}"
    yield "stale", f"{spelled(rules.stale_after)} after it was due"
    asked = [kind for kind in ("marketing", "survey", "service") if rules.consent.must_be_granted(kind)]
    yield "consent", f"granted for {', '.join(asked)}; not refused for all else"
    if rules.hold_during_complaint:
        yield "held", f"{_listed(rules.hold_during_complaint)}, while a complaint is open"


def _starts(rules: Rules) -> RenderableType:
    shown = table(
        "rule", "starts at", "after", "says", "by", "purpose", wrapped=("rule", "starts at", "says")
    )
    for rule in rules.rules:
        purpose = rules.purpose(rule.template)
        shown.add_row(
            rule.name, ", ".join(rule.triggers), _after(rule), rule.template, ", ".join(rule.ways), purpose
        )
    return shown


def _after(rule: Rule) -> str:
    """How long after, and from what it is counted."""
    if not rule.delay:
        return "at once"
    return f"{spelled(rule.delay)}{' of quiet' if rule.restart else ''}"


def _limits(rules: Rules) -> RenderableType:
    columns = ("rule", "only where", "called off by", "one for each", "one in", "stale")
    shown = table(*columns, wrapped=columns[:4])
    for rule in rules.rules:
        where = ", ".join(f"{name}: {wanted}" for name, wanted in rule.when.items())
        each = "event" if rule.every else rule.for_each
        cells = (where, ", ".join(rule.cancel_on), each)
        own = None if rule.stale_after is None else rule.stale_after
        shown.add_row(
            rule.name, *(cell or NONE for cell in cells), spelled(rule.at_most_one_in), spelled(own)
        )
    return shown


def _templates(rules: Rules, draft: Draft) -> RenderableType:
    columns = ("template", "purpose", "by hand", "sent by", "rules", "lacks parts for")
    shown = table(*columns, wrapped=("template", "rules", "lacks parts for"))
    missing = lacking(draft)
    for name, template in rules.templates.items():
        users = [rule for rule in rules.rules if rule.template == name]
        by = dict.fromkeys(name for rule in users for name in rule.ways)
        lacks = [one for one in missing[name] if one not in by]
        shown.add_row(
            name,
            template.purpose,
            "yes" if template.manual else "",
            ", ".join(by) or NONE,
            ", ".join(rule.name for rule in users) or NONE,
            Text(", ".join(lacks) or NONE, style="yellow" if lacks else ""),
        )
    return shown


def _notes(draft: Draft) -> Iterator[str]:
    for rules in draft.versions:
        used = {rule.template for rule in rules.rules}
        for name, template in rules.templates.items():
            if name not in used and not template.manual:
                yield f"Nothing sends the template {name}: no rule names it, and it is not manual."
        if not rules.rules:
            yield f"{rules.name} has no rules: only what is sent by hand goes."
    lacks = [
        str(one)
        for rules in draft.versions
        for one in untranslated(draft.policy.templates, rules, draft.policy.channels)
    ]
    yield from dict.fromkeys(lacks)


def _listed(names: frozenset[str]) -> str:
    """Purposes, in the order in which they matter."""
    return ", ".join(sorted(names))
