"""The results of a rule as they are shown: its funnel by step and variant, and its arms compared. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.followup.domain.results.cells import ARM, Cell
from services.followup.domain.results.statistics import Interval, Split, difference, proportion, split
from services.followup.domain.rules.course import HOLDOUT


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of messages. ``planned`` is the sum of all that one comes to (``waiting`` until it has)."""

    step: str | None = None
    variant: str | None = None
    planned: int = 0
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    """Nobody knows whether they were sent."""
    suppressed: Mapping[str, int] = field(default_factory=dict)
    """By reason, the most frequent first."""
    cancelled: Mapping[str, int] = field(default_factory=dict)
    """By reason, the most frequent first; without ``overtaken``."""
    overtaken: int = 0
    """Cancelled, and sent all the same: the sender was faster. They are among ``sent`` and ``cancelled``."""
    delivered: int = 0
    bounced: Mapping[str, int] = field(default_factory=dict)
    """``hard`` and ``soft``."""
    complained: int = 0
    answered: int = 0
    """By a reply, or in the survey that they ask for."""
    goal_reached: int = 0


@dataclass(frozen=True, slots=True)
class Arm:
    """People to whom the rule applied for the first time, by what they were to get."""

    name: str
    share: float
    """How many were meant to be in it, from 0 to 1."""
    assigned: int
    """All of them, whether anything was sent to them or not."""
    reached: int
    """Those who reached the goal in time."""

    @property
    def rate(self) -> Interval | None:
        return proportion(self.reached, self.assigned)


@dataclass(frozen=True, slots=True)
class Lift:
    """By how much an arm reached the goal more often than another: a difference of proportions."""

    arm: str
    against: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Report:
    """A rule's results."""

    total: Funnel
    parts: tuple[Funnel, ...]
    """By step and variant, in the order of their names; one where the rule has neither."""
    arms: tuple[Arm, ...] = ()
    lifts: tuple[Lift, ...] = ()
    split: Split | None = None


TREATED = "all others"
"""All that are not held out, together."""


def report(sums: Mapping[Cell, Mapping[str, int]], shares: Mapping[str, float]) -> Report:
    """Of one rule's cells. ``shares``: of its arms, in their order; empty where nothing is compared."""
    messages = {cell: counts for cell, counts in sums.items() if cell.step != ARM}
    by_part: dict[tuple[str, str], Counter[str]] = {}
    for cell, counts in messages.items():
        by_part.setdefault((cell.step, cell.variant), Counter()).update(counts)
    parts = tuple(funnel(by_part[part], *part) for part in sorted(by_part))
    total: Counter[str] = Counter()
    for counts in messages.values():
        total.update(counts)
    arms = _arms(sums, shares)
    held = split([arm.assigned for arm in arms], [arm.share for arm in arms])
    return Report(funnel(total), parts, arms, tuple(_lifts(arms)), held)


def funnel(counts: Mapping[str, int], step: str = "", variant: str = "") -> Funnel:
    """Of what was counted."""
    suppressed, cancelled, bounced = (
        _by_reason(counts, prefix) for prefix in ("suppressed_", "cancelled_", "bounced_")
    )
    plain = {name: counts.get(name, 0) for name in _PLAIN}
    come = sum(plain[name] for name in ("sent", "failed", "in_doubt")) - plain["overtaken"]
    waiting = plain["planned"] - come - sum(suppressed.values()) - sum(cancelled.values())
    return Funnel(
        step or None,
        variant or None,
        waiting=waiting,
        suppressed=suppressed,
        cancelled=cancelled,
        bounced=bounced,
        **plain,
    )


_PLAIN = (
    "planned", "sent", "failed", "in_doubt", "overtaken",
    "delivered", "complained", "answered", "goal_reached",
)  # fmt: skip


def _by_reason(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix) and n}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _arms(sums: Mapping[Cell, Mapping[str, int]], shares: Mapping[str, float]) -> tuple[Arm, ...]:
    """Those that are meant to be, and those that somebody is in since they were."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in shares}
    for cell, counts in sums.items():
        if cell.step == ARM:
            counted.setdefault(cell.variant, Counter()).update(counts)
    return tuple(
        Arm(name, shares.get(name, 0.0), counts["assigned"], counts["reached"])
        for name, counts in counted.items()
    )


def _lifts(arms: tuple[Arm, ...]) -> Iterable[Lift]:
    """Each arm against those held out, and all others together; without a holdout against the first."""
    held = next((arm for arm in arms if arm.name == HOLDOUT), None)
    others = [arm for arm in arms if arm is not held]
    if held is not None and len(others) > 1:
        assigned, reached = (sum(getattr(arm, name) for arm in others) for name in ("assigned", "reached"))
        others = [Arm(TREATED, 1 - held.share, assigned, reached), *others]
    base = held if held is not None else others.pop(0) if others else None
    for arm in others:
        if base is not None:
            found = difference(arm.reached, arm.assigned, base.reached, base.assigned)
            if found is not None:
                yield Lift(arm.name, base.name, found)
