"""The page of a simulation as one HTML file with charts, which needs nothing beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rapport.rules.compare import Compared, Move, Result
from rapport.rules.messages import Message
from rapport.rules.page import (
    Page,
    by_reason,
    day,
    example,
    minute,
    sent_by_month,
    sent_by_rule,
    what_changed,
)
from rapport.simulate.figures import NONE, change, number
from shared.pages.drawing import environment, pairs

HERE = Path(__file__).parent


def simulation_page(shown: Page) -> str:
    """The whole file."""
    compared = shown.compared
    return (
        environment(HERE)
        .get_template("simulation.html")
        .render(
            title=shown.title,
            notes=shown.notes,
            tiles=list(_tiles(compared)),
            sent_by_rule=pairs(sent_by_rule(compared)),
            sent_by_month=pairs(sent_by_month(compared)),
            by_reason=pairs([(one.replace("_", " "), old, new) for one, old, new in by_reason(compared)]),
            rules=list(_rules(compared)),
            changed=number(sum(move.times for move in compared.moves.values())),
            moves=list(_moves(shown)),
            between=list(_between(compared)),
            empties=list(_empties(compared.draft)),
        )
    )


def _tiles(compared: Compared) -> Iterator[dict[str, str]]:
    before, after = compared.baseline, compared.draft
    first, second = (max(one.per_customer.values(), default=0) for one in (before, after))
    counted: tuple[tuple[str, int, int], ...] = (
        ("messages sent", before.sent, after.sent),
        ("customers who got any", len(before.per_customer), len(after.per_customer)),
        ("most to one customer", first, second),
        ("suppressed", before.refused.total(), after.refused.total()),
    )
    for label, old, new in counted:
        under = f"{change(old, new, lambda d: number(int(d)))} from {number(old)}"
        yield {"label": label, "value": number(new), "under": "as before" if old == new else under}
    yield {"label": "get more", "value": number(len(compared.overall.gain)), "under": "customers"}
    yield {"label": "get fewer", "value": number(len(compared.overall.lose)), "under": "customers"}


def _rules(compared: Compared) -> Iterator[dict[str, str]]:
    for rule in compared.rules:
        before, after = compared.baseline.of(rule), compared.draft.of(rule)
        if not before.planned and not after.planned:
            continue
        customers = compared.by_rule.get(rule)
        why = after.suppressed + after.cancelled
        yield {
            "rule": rule,
            "before": number(before.sent),
            "after": number(after.sent),
            "gain": number(len(customers.gain)) if customers and customers.gain else "",
            "lose": number(len(customers.lose)) if customers and customers.lose else "",
            "why": ", ".join(f"{reason} {number(times)}" for reason, times in why.most_common()) or NONE,
        }


def _moves(shown: Page) -> Iterator[dict[str, Any]]:
    for told, move in list(shown.compared.moves.items())[: shown.most]:
        yield {
            "rule": told.rule,
            "before": told.before,
            "after": told.after,
            "times": number(move.times),
            "customers": number(len(move.customers)),
            "example": example(move),
            "examples": list(_examples(move)),
        }


def _examples(move: Move) -> Iterator[str]:
    for one, other in move.examples:
        known = one or other
        if known is not None:
            what = f"{known.customer}, because of {day(known.trigger)}"
            yield f"{what}: {_told(one)}; under the draft {_told(other)}"


def _told(message: Message | None) -> str:
    if message is None:
        return "nothing"
    when = "" if message.at is None else f" at {minute(message.at)}"
    detail = f" ({message.detail})" if message.detail else ""
    return f"{message.told}{when}{detail}"


def _between(compared: Compared) -> Iterator[dict[str, str]]:
    for one in compared.between:
        yield {
            "rule": one.rule,
            "what": what_changed(one),
            "customers": number(len(one.customers)),
            "messages": number(one.messages),
            "first": day(one.first),
            "last": day(one.last),
        }


def _empties(result: Result) -> Iterator[dict[str, str]]:
    empties = result.empties
    for (template, variable), times in sorted(empties.empty.items()):
        of = number(empties.written[template])
        yield {"template": template, "variable": variable, "times": number(times), "of": of}
    for (template, why), times in empties.unwritable.most_common():
        yield {
            "template": template,
            "variable": f"cannot be written: {why}",
            "times": number(times),
            "of": "",
        }
