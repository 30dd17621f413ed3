"""A rules file in a few tables, as its author would want to check it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from rapport.commands.show import table
from rapport.rules.draft import Draft
from rapport.simulate.figures import NONE, number, plain
from rapport.simulate.outline import date
from services.followup.domain.messages.check import bundles, divides, untranslated
from services.followup.domain.rules.course import (
    BranchStep,
    SendStep,
    Step,
    WaitForStep,
    WaitStep,
    WaitUntilStep,
)
from services.followup.domain.rules.rule import DEFAULT_CHANNEL, Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import write_duration, write_time_of_day


def outline(draft: Draft) -> Iterator[RenderableType]:
    """Each version: what holds for all its messages, the rules, the templates; then what looks like a
    slip."""
    for rules in draft.versions:
        since = "" if rules.effective is None else f", from {date(rules.effective)}"
        yield Text(f"\n{rules.name}{since}", style="bold")
        yield _settings(rules)
        for part in (_starts(rules), _limits(rules), _courses(rules), _templates(rules, draft)):
            if part is not None:
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


def share(part: Decimal) -> str:
    """``5 %``."""
    return f"{plain(part * 100)} %"


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
    for purpose, window in rules.send_windows.items():
        yield f"{purpose} goes", window.words
    for cap in rules.all_caps:
        yield "cap", f"{cap.words} of {_listed(cap.purposes)}"
    if any(rule.priority for rule in rules.rules):
        within = spelled(rules.outranked_within)
        yield "yields", f"to a message of higher priority that is due within {within}"
    for kind in bundles(rules):
        names = ", ".join(rule.name for rule in kind)
        yield "one e-mail", f"what is due within {spelled(rules.bundle_within)} of {names}"
    for channel, limit in rules.rate_limits.items():
        yield f"{channel} sends", f"{number(limit.max)} in {spelled(limit.per)} at most"
    yield "stale", f"{spelled(rules.stale_after)} after it was due"
    asked = [kind for kind in ("marketing", "survey", "service") if rules.consent.must_be_granted(kind)]
    yield "consent", f"granted for {', '.join(asked)}; not refused for all else"
    if rules.holdout is not None:
        yield "held out", f"{share(rules.holdout)} of customers get no marketing, for comparison"
    if rules.hold_during_complaint:
        yield "held", f"{_listed(rules.hold_during_complaint)}, while a complaint is open"


def _starts(rules: Rules) -> RenderableType:
    columns = ("rule", "starts at", "after", "says", "by", "purpose", "priority", "cap group")
    shown = table(*columns, right=("priority",), wrapped=("rule", "starts at", "says", "purpose"))
    for rule in rules.rules:
        shown.add_row(
            rule.name,
            ", ".join(rule.start_words),
            _after(rule),
            ", ".join(rule.templates),
            ", ".join(rule.ways),
            _purpose(rules, rule),
            str(rule.priority),
            rule.group or NONE,
        )
    return shown


def _purpose(rules: Rules, rule: Rule) -> str:
    """With what it counts as, where that is said, and the topic of its consent."""
    purpose = rules.purpose(rule.template)
    counts = rule.counts_as(purpose)
    found = [purpose if counts == purpose else f"{purpose} as {counts}"]
    found += [] if rule.topic is None else [f"about {rule.topic}"]
    return ", ".join([*found, *(["urgent"] if rule.urgent else [])])


def _after(rule: Rule) -> str:
    """How long after, and from what it is counted."""
    if not rule.delay:
        return "at once"
    return f"{spelled(rule.delay)}{' of quiet' if rule.restart else ''}"


def _limits(rules: Rules) -> RenderableType:
    columns = ("rule", "only where", "called off by", "one for each", "one in", "stale")
    shown = table(*columns, wrapped=columns[:4])
    for rule in rules.rules:
        where = escape(_where(rule))
        each = "event" if rule.every else rule.for_each
        cells = (where, ", ".join(rule.cancel_on), each)
        shown.add_row(
            rule.name,
            *(cell or NONE for cell in cells),
            spelled(rule.at_most_one_in),
            spelled(rule.stale_after),
        )
    return shown


def _courses(rules: Rules) -> RenderableType | None:
    """Steps, goals, variants and holdouts, of rules that have any."""
    columns = ("rule", "steps", "goal", "variants", "held out")
    shown = table(*columns, wrapped=columns[:4])
    for rule in rules.rules:
        goal = rule.goal and f"{rule.goal.event} within {spelled(rule.goal.within)}"
        if goal and rule.goal and rule.goal.if_:
            goal += f" if {rule.goal.if_}"
        variants = ", ".join(f"{one.name} {share(one.share)}" for one in rule.variants)
        held = None if rule.holdout is None else share(rule.holdout)
        cells = (", ".join(_steps(rule.steps)), goal, variants, held)
        if any(cells):
            shown.add_row(rule.name, *(cell or NONE for cell in cells))
    return shown if shown.row_count else None


def _steps(steps: tuple[Step, ...]) -> Iterator[str]:
    """In words, branches in brackets."""
    for step in steps:
        match step:
            case SendStep():
                yield f"send {step.send}"
            case WaitStep():
                yield f"wait {spelled(step.wait)}"
            case WaitUntilStep():
                yield f"until {write_time_of_day(step.wait_until)}"
            case WaitForStep():
                yield f"until {step.wait_for.event}, {spelled(step.wait_for.at_most)} at most"
            case BranchStep(branch=branch):
                ways = (branch.then, branch.else_)
                yield " else ".join(f"({', '.join(_steps(way)) or 'nothing'})" for way in ways)


def _where(rule: Rule) -> str:
    """What its trigger must be, and what is asked when it is due."""
    when = rule.when
    said = when if isinstance(when, str) else ", ".join(f"{name}: {wanted}" for name, wanted in when.items())
    return "; ".join(part for part in (said, rule.if_ and f"if {rule.if_}") if part)


def _templates(rules: Rules, draft: Draft) -> RenderableType:
    columns = ("template", "purpose", "by hand", "sent by", "rules", "lacks parts for")
    shown = table(*columns, wrapped=("template", "rules", "lacks parts for"))
    missing = lacking(draft)
    for name, template in rules.templates.items():
        users = [rule for rule in rules.rules if name in rule.templates]
        by = dict.fromkeys(way for rule in users for way in rule.ways)
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
        used = {template for rule in rules.rules for template in rule.templates}
        for name, template in rules.templates.items():
            if name not in used and not template.manual:
                yield f"Nothing sends the template {name}: no rule names it, and it is not manual."
        yield from _alone(draft, rules)
        if not rules.rules:
            yield f"{rules.name} has no rules: only what is sent by hand goes."
    lacks = [
        str(one)
        for rules in draft.versions
        for one in untranslated(draft.policy.templates, rules, draft.policy.channels)
    ]
    yield from dict.fromkeys(lacks)


def _alone(draft: Draft, rules: Rules) -> Iterator[str]:
    """What is to go in one e-mail with others, and cannot."""
    templates, mail = draft.policy.templates, draft.channels[DEFAULT_CHANNEL]
    for rule in rules.rules:
        if rule.bundle and mail.name not in rule.ways:
            yield f"{rule.name} bundles, but does not go by {mail.name}: it goes by itself."
            continue
        for name in rule.templates if rule.bundle else ():
            if not divides(templates, name, mail, rules.locale, rules):
                yield f"{rule.name} bundles, but {name} has no block body: it goes by itself."


def _listed(names: frozenset[str]) -> str:
    """Purposes, in the order in which they matter."""
    return ", ".join(sorted(names))
