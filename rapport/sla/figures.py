"""A simulation as JSON: the page's numbers, times in seconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rapport.replay.record import rfc3339
from rapport.sla.page import PERCENTILES
from rapport.sla.simulate import Changed, Compared, Count, Held, Result
from services.interactions.domain.sla.policy import CLOCKS
from shared.schemas.times import SECOND, moment


def figures(compared: Compared, first: datetime, end: datetime, events: int) -> dict[str, Any]:
    """All of it; every complaint with another outcome is named."""
    return {
        "first": rfc3339(first),
        "end": rfc3339(end),
        "events": events,
        "baseline": _result(compared.baseline),
        "draft": _result(compared.draft),
        "changed": [_changed(one) for one in compared.changed],
    }


def _result(result: Result) -> dict[str, Any]:
    clocks = {clock: result.of_clock(clock) for clock in CLOCKS}
    return {
        "policy_file": result.sla.name,
        "complaints": result.complaints,
        "without_policy": result.without_clocks,
        "with_breach": result.breaching,
        "clocks": {clock: _count(count) for clock, count in clocks.items() if count.ran},
        "policies": [{**_held(held), **_count(count)} for held, count in result.counts.items()],
        "breaches_by_month": {
            f"{year}-{month:02}": number for (year, month), number in sorted(result.months.items())
        },
    }


def _held(held: Held) -> Mapping[str, str]:
    return {"version": held.version, "policy": held.policy, "clock": held.clock}


def _count(count: Count) -> dict[str, Any]:
    times = {f"p{percent}": count.percentile(percent) for percent in PERCENTILES}
    return {
        "ran": count.ran,
        "met": count.met,
        "breached": count.breached,
        "undecided": count.undecided,
        "met_share": count.met_share,
        "warned": count.warned,
        "escalated": {str(level): number for level, number in sorted(count.escalated.items())},
        "took_s": {name: None if time is None else time / SECOND for name, time in times.items()},
    }


def _changed(one: Changed) -> dict[str, Any]:
    return {
        "complaint_id": one.case.complaint_id,
        "customer_id": one.case.customer_id,
        "opened_at": rfc3339(moment(one.case.opened_at)),
        "breached": {"baseline": list(one.baseline), "draft": list(one.draft)},
    }
