"""What Rapport promises, in numbers: the recording rules and the alerts of each promise are made of it.

An alert fires when a budget of errors burns too fast, in a long window and still in a short one: The Site
Reliability Workbook, chapter 5, "Alerting on SLOs", for budgets of 30 days.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

Rule: TypeAlias = dict[str, Any]
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
RUNBOOK = "{{ with $externalLabels.docs }}{{ . }}{{ else }}docs{{ end }}/runbooks.md#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A promise, and how it is measured."""

    name: str
    title: str
    by: str
    """The label by which it is held: each value has a budget of its own."""
    promise: float
    """The share, 0 to 1, that is to go well in 30 days."""
    meaning: str
    """One sentence: what goes well, without a stop."""
    errors: str
    """PromQL with ``WINDOW``: the share that went wrong, by ``by``."""
    bad: str = ""
    """PromQL with ``WINDOW``: how many went wrong. Fewer than five wake nobody. Empty: time is measured, of
    which there is always enough."""
    first: tuple[tuple[str, str], ...] = ()
    """What is recorded before: names and PromQL."""

    def recorded(self, window: str) -> str:
        """The name of the share that went wrong in a window."""
        return f"{self.by}:rapport_{self.name}_errors:ratio_{window}"

    @property
    def budget(self) -> float:
        """The share that may go wrong."""
        return round(1 - self.promise, 6)


BEHIND = "service:rapport_behind:bool"
UNBALANCED = "rule:rapport_unbalanced:bool"
FEW = 5


def _counted(bad: str, every: str, by: str) -> tuple[str, str]:
    """The share of bad ones, and how many there are."""
    wrong, total = (f"sum by ({by}) (rate({one}[WINDOW]))" for one in (bad, every))
    return _share(wrong, total), f"sum by ({by}) (increase({bad}[WINDOW]))"


def _share(wrong: str, total: str) -> str:
    """Where nothing happened, nothing went wrong: then it is the total, 0."""
    return f"{wrong} / ({total} > 0)\nor {total}"


_DELIVERY = _counted(
    'rapport_deliveries_total{result=~"failed|in_doubt|stale"}',
    'rapport_deliveries_total{result=~"sent|failed|in_doubt|stale"}',
    "channel",
)
_CLOCKS = _counted(
    'rapport_sla_clocks_total{result="breached"}', 'rapport_sla_clocks_total{result=~"met|breached"}', "clock"
)
_LETTERS = "rapport_dead_letters_total"
_LOST = f"sum by (service) (rate({_LETTERS}[WINDOW]))"
_TAKEN = 'sum by (service) (rate(rapport_events_total{result=~"applied|refused|duplicate"}[WINDOW]))'
OBJECTIVES = (
    Objective(
        name="freshness",
        title="Freshness",
        by="service",
        promise=0.995,
        meaning="Time in which a service is at most 30 seconds behind, and somebody reads for it",
        first=(
            (
                BEHIND,
                "max by (service) (rapport_lag_seconds) > bool 30\n"
                "or sum by (service) (rapport_partitions_held) == bool 0",
            ),
        ),
        errors=f"avg_over_time({BEHIND}[WINDOW])",
    ),
    Objective(
        name="delivery",
        title="Delivery",
        by="channel",
        promise=0.98,
        meaning="Messages that were sent, of those that are tried no more: none was refused for good, is in "
        "doubt, or was too late",
        errors=_DELIVERY[0],
        bad=_DELIVERY[1],
    ),
    Objective(
        name="clocks",
        title="Clocks met",
        by="clock",
        promise=0.95,
        meaning="Clocks of complaints that were met, of those that were met or breached",
        errors=_CLOCKS[0],
        bad=_CLOCKS[1],
    ),
    Objective(
        name="correctness",
        title="Correctness",
        by="service",
        promise=0.999,
        meaning="Records and timers that took effect, were refused with an answer or were known, and are not "
        "dead letters",
        errors=_share(_LOST, f"({_TAKEN} + {_LOST})"),
        bad=f"sum by (service) (increase({_LETTERS}[WINDOW]))",
    ),
    Objective(
        name="books",
        title="Books that balance",
        by="rule",
        promise=0.99,
        meaning="Time in which the book of a rule's messages balances",
        first=((UNBALANCED, "max by (rule) (rapport_outreach_unbalanced) > bool 0"),),
        errors=f"avg_over_time({UNBALANCED}[WINDOW])",
    ),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a budget may burn before somebody is told, and who."""

    word: str
    severity: str
    pairs: tuple[tuple[float, str, str], ...]
    """Times the speed at which it lasts 30 days; the long window; the short one."""
    longest: str
    says: str


SPEEDS = (
    Speed("Fast", "critical", ((14.4, "1h", "5m"), (6, "6h", "30m")), "6h", "in 5 days or sooner"),
    Speed("Slowly", "warning", ((3, "1d", "2h"), (1, "3d", "6h")), "3d", "before its 30 days are over"),
)


def recordings(one: Objective) -> list[Rule]:
    """What is recorded of a promise."""
    first = [{"record": name, "expr": expr} for name, expr in one.first]
    shares = [
        {"record": one.recorded(window), "expr": one.errors.replace("WINDOW", window)} for window in WINDOWS
    ]
    return first + shares


def alert(one: Objective, speed: Speed) -> Rule:
    """The alert of a promise that is broken so fast."""
    pairs = []
    for times, long, short in speed.pairs:
        bound = f"{round(times * one.budget, 6):g}"
        pairs.append(f"{one.recorded(long)} > {bound} and {one.recorded(short)} > {bound}")
    expr = "\nor\n".join(pairs)
    if one.bad:
        expr = f"(\n{expr}\n)\nand\n{one.bad.replace('WINDOW', speed.longest)} >= {FEW}"
    name = f"Rapport{one.name.capitalize()}Burns{speed.word}"
    return {
        "alert": name,
        "expr": expr,
        "labels": {"severity": speed.severity, "objective": one.name},
        "annotations": {
            "runbook_url": RUNBOOK + name.lower(),
            "summary": f"{one.title}: the budget of {{{{ $labels.{one.by} }}}} will be gone {speed.says}",
            "description": f"{one.meaning}: {100 * one.promise:g}% is promised in 30 days. Just now "
            "{{ $value | humanizePercentage }} goes wrong.",
        },
    }


def document() -> Rule:
    """The rules file."""
    groups = []
    for one in OBJECTIVES:
        rules = recordings(one) + [alert(one, speed) for speed in SPEEDS]
        groups.append({"name": f"rapport-{one.name}", "rules": rules})
    return {"groups": groups}
