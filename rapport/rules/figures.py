"""A simulation as JSON: the page's numbers, and every customer that gains or loses."""

from typing import Any

from rapport.replay.record import rfc3339
from rapport.rules.compare import Change, Compared, Customers, Move, Result
from rapport.rules.messages import Count, Message
from rapport.rules.publish import Between
from rapport.rules.stream import Heard
from shared.schemas.times import Micros, moment


def figures(compared: Compared, heard: Heard) -> dict[str, Any]:
    """All of it; times are RFC 3339."""
    return {
        "first": rfc3339(heard.first) if heard.first else None,
        "end": rfc3339(heard.end) if heard.end else None,
        "events": heard.events,
        "baseline": _result(compared.baseline),
        "draft": _result(compared.draft),
        "customers": _customers(compared.overall),
        "customers_by_rule": {rule: _customers(one) for rule, one in compared.by_rule.items()},
        "moves": [_move(change, move) for change, move in compared.moves.items()],
        "in_the_middle": [_between(one) for one in compared.between],
    }


def _result(result: Result) -> dict[str, Any]:
    empties = result.empties
    return {
        "sent": result.sent,
        "customers": len(result.per_customer),
        "rules": {rule: _count(count) for rule, count in result.rules.items()},
        "sent_by_month": {f"{y}-{m:02}": n for (y, m), n in sorted(result.messages.by_month().items())},
        "empty": [
            {"template": template, "variable": variable, "times": times, "of": empties.written[template]}
            for (template, variable), times in sorted(empties.empty.items())
        ],
        "unwritable": [
            {"template": template, "error": why, "times": times}
            for (template, why), times in empties.unwritable.most_common()
        ],
    }


def _count(count: Count) -> dict[str, Any]:
    return {
        "planned": count.planned,
        "sent": count.sent,
        "failed": count.failed,
        "waiting": count.waiting,
        "suppressed": dict(count.suppressed.most_common()),
        "cancelled": dict(count.cancelled.most_common()),
    }


def _customers(customers: Customers) -> dict[str, list[str]]:
    return {"gain": sorted(customers.gain), "lose": sorted(customers.lose)}


def _move(change: Change, move: Move) -> dict[str, Any]:
    return {
        "rule": change.rule,
        "baseline": change.before,
        "draft": change.after,
        "times": move.times,
        "customers": len(move.customers),
        "examples": [{"baseline": _message(one), "draft": _message(other)} for one, other in move.examples],
    }


def _message(message: Message | None) -> dict[str, Any] | None:
    if message is None:
        return None
    return {
        "customer_id": message.customer,
        "outcome": message.outcome,
        "reason": message.reason,
        "detail": message.detail,
        "triggered_at": _time(message.trigger),
        "due_at": _time(message.due_at),
        "at": _time(message.at),
    }


def _between(one: Between) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "change": one.change,
        "fields": list(one.fields),
        "customers": sorted(one.customers),
        "messages": one.messages,
        "due_from": _time(one.first),
        "due_until": _time(one.last),
    }


def _time(at: Micros | None) -> str | None:
    return None if at is None else rfc3339(moment(at))
