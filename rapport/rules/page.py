"""The page of a simulation: what a draft of the rules changes against the baseline, as tables and bars."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.rules.compare import NOTHING, Compared, Move, Result
from rapport.rules.publish import Between
from rapport.simulate.drawing import ChangeRows, bars, heading, months_of
from rapport.simulate.figures import NONE, number
from shared.schemas.times import Micros, moment


@dataclass(frozen=True, slots=True)
class Page:
    """Two rules files over one recording, and what the reader must know of it."""

    title: tuple[str, ...]
    """Lines."""
    compared: Compared
    notes: tuple[str, ...] = ()
    most: int = 20
    """How many changes of outcome are shown."""


def page(shown: Page) -> RenderableType:
    """All of it."""
    compared = shown.compared
    before, after = compared.baseline, compared.draft
    parts: list[RenderableType] = [Text(line, style="bold") for line in shown.title]
    parts += [Text(f"* {note}", style="dim") for note in shown.notes]
    parts += [_figures(compared), heading("by rule"), _rules(compared)]
    parts += [heading("messages sent, by rule"), bars(sent_by_rule(compared))]
    parts += [heading("messages sent, by month"), bars(sent_by_month(compared))]
    if before.refused or after.refused:
        parts += [heading("not sent, by reason"), bars(by_reason(compared))]
    parts += _moves(shown)
    parts += _publishing(compared)
    return Group(*parts)


def sent_by_rule(compared: Compared) -> list[tuple[str, int, int]]:
    """Rules that sent anything."""
    pairs = ((rule, compared.baseline.of(rule).sent, compared.draft.of(rule).sent) for rule in compared.rules)
    return [row for row in pairs if row[1] or row[2]]


def sent_by_month(compared: Compared) -> list[tuple[str, int, int]]:
    before, after = compared.baseline.messages.by_month(), compared.draft.messages.by_month()
    return [(f"{y}-{m:02}", before[y, m], after[y, m]) for y, m in months_of(before, after)]


def by_reason(compared: Compared) -> list[tuple[str, int, int]]:
    """What was suppressed, the most frequent reason first."""
    before, after = compared.baseline.refused, compared.draft.refused
    reasons = sorted({*before, *after}, key=lambda one: -before[one] - after[one])
    return [(reason, before[reason], after[reason]) for reason in reasons]


def _figures(compared: Compared) -> RenderableType:
    rows = ChangeRows()
    before, after = compared.baseline, compared.draft
    both = [list(one.rules.values()) for one in (before, after)]
    rows.count("planned", *(sum(count.planned for count in counts) for counts in both))
    rows.count("sent", before.sent, after.sent)
    rows.count("  customers who got any", len(before.per_customer), len(after.per_customer))
    rows.count(
        "  most to one customer", *(max(one.per_customer.values(), default=0) for one in (before, after))
    )
    rows.count("suppressed", before.refused.total(), after.refused.total())
    rows.count("cancelled", before.cancelled.total(), after.cancelled.total(), seldom=True)
    rows.count("failed", *(sum(count.failed for count in counts) for counts in both), seldom=True)
    rows.count("waiting at the end", *(sum(count.waiting for count in counts) for counts in both))
    rows.table.add_section()
    rows.table.add_row(Text("customers who get", style="bold"))
    overall = compared.overall
    rows.table.add_row("  more", "", number(len(overall.gain)), "")
    rows.table.add_row("  fewer", "", number(len(overall.lose)), "")
    return rows.table


def _rules(compared: Compared) -> RenderableType:
    columns = ("rule", "sent", "draft", "not", "draft ", "gain", "lose", "why not, under the draft")
    made = table(*columns, right=columns[1:7], wrapped=("rule", columns[-1]))
    for rule in compared.rules:
        before, after = compared.baseline.of(rule), compared.draft.of(rule)
        if not before.planned and not after.planned:
            continue
        customers = compared.by_rule.get(rule)
        off = (one.suppressed.total() + one.cancelled.total() + one.failed for one in (before, after))
        why = after.suppressed + after.cancelled
        made.add_row(
            rule,
            number(before.sent),
            number(after.sent),
            *map(number, off),
            number(len(customers.gain)) if customers else NONE,
            number(len(customers.lose)) if customers else NONE,
            ", ".join(f"{reason} {number(n)}" for reason, n in why.most_common(3)) or NONE,
        )
    return made if made.row_count else Text("No rule planned anything.")


def _moves(shown: Page) -> Iterator[RenderableType]:
    moves = shown.compared.moves
    yield heading(f"what comes to something else: {sum(m.times for m in moves.values()):,} triggers")
    if not moves:
        return
    columns = ("rule", "baseline", "draft", "times", "customers", "for example")
    made = table(*columns, right=("times", "customers"), wrapped=("rule", "baseline", "draft", "for example"))
    for change, move in list(moves.items())[: shown.most]:
        cells = (number(move.times), number(len(move.customers)), example(move))
        made.add_row(change.rule, *(_outcome(told) for told in (change.before, change.after)), *cells)
    yield made
    if len(moves) > shown.most:
        yield Text(f"... and {len(moves) - shown.most:,} more kinds (--show)", style="dim")


def example(move: Move) -> str:
    """``c-1, 2026-03-02``: whose, and when what started it happened."""
    one = next((m for m in move.examples[0] if m is not None), None)
    return NONE if one is None else f"{one.customer}, {day(one.trigger)}"


def day(at: Micros | None) -> str:
    return NONE if at is None else f"{moment(at):%Y-%m-%d}"


def minute(at: Micros) -> str:
    return f"{moment(at):%Y-%m-%d %H:%M}"


def _outcome(told: str) -> Text:
    colour = {"sent": "green", "waiting": "yellow", NOTHING: "dim"}.get(told, "red")
    return Text(told, style=colour)


def _publishing(compared: Compared) -> Iterator[RenderableType]:
    yield heading("if it were published at the end of the recording")
    if not compared.between:
        yield Text("No rule of the baseline is changed or taken out.")
    else:
        made = table(
            "rule", "", "customers", "messages", "due from", "until", right=("customers", "messages")
        )
        for one in compared.between:
            made.add_row(
                one.rule,
                what_changed(one),
                number(len(one.customers)),
                number(one.messages),
                day(one.first),
                day(one.last),
            )
        yield made
        yield Text(
            "They are in the middle of the old rule. Published as a version of its own (effective: DATE), "
            "the draft leaves to the old one what was started before that date.",
            style="dim",
        )
    yield heading("what messages of the draft would leave empty")
    yield _empties(compared.draft)


def what_changed(one: Between) -> str:
    return f"{one.change}: {', '.join(one.fields)}" if one.fields else one.change


def _empties(result: Result) -> RenderableType:
    empties = result.empties
    made = table("template", "variable", "empty", "of", right=("empty", "of"))
    for (template, variable), times in sorted(empties.empty.items()):
        made.add_row(template, variable, number(times), number(empties.written[template]))
    for (template, why), times in empties.unwritable.most_common():
        made.add_row(template, Text(f"cannot be written: {why}", style="red"), number(times), "")
    return made if made.row_count else Text("Nothing.")
