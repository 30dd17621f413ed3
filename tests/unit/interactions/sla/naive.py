"""The same clocks by brute force: a loop over minutes that asks of each whether it is open, and counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.interactions.domain.sla.log import Fact, Kind

from .minutes import MINUTE, Minutes, minutes_of

CLOCKS = ("first_response", "next_response", "update", "resolution")


@dataclass
class Run:
    """A run, counted minute by minute."""

    clock: str
    start: int
    policy: Mapping[str, Any] | None
    promised: int | None
    carried: int
    before: list[int]
    ran: list[int] = field(default_factory=list)
    used: int = 0
    paused: bool = False
    ever_paused: bool = False
    changed: int | None = None
    warned: bool = False
    decided: str | None = None
    due: int | None = None
    stopped: bool = False


class Naive:
    """Goes through all minutes once; ``notices`` and ``shown`` are what the pure function must say."""

    def __init__(self, version: Mapping[str, Any], minutes: Mapping[str, Minutes], last: int) -> None:
        """``minutes``: of each calendar, up to ``last``."""
        self.version = version
        self.minutes = minutes
        self.last = last
        self.match: dict[str, str | None] = {}
        self.policy: Mapping[str, Any] | None = None
        self.is_open = self.answered = self.waiting = False
        self.active: dict[str, Run] = {}
        self.latest: dict[str, Run] = {}
        self.notices: list[tuple[Any, ...]] = []
        self.escalations: list[tuple[Any, ...]] = []

    def run(self, facts: Iterable[Fact], start: int, until: int) -> None:
        left = sorted(facts, key=lambda fact: (fact.at, fact.kind))
        for minute in range(start, until + 1):
            self.check(minute)
            while left and left[0].at <= minute * MINUTE:
                self.check(minute)
                self.take(left.pop(0), minute)
            self.check(minute)
            if minute < until:
                self.count(minute)

    def shown(self) -> dict[str, tuple[Any, ...]]:
        found = {}
        for clock in CLOCKS:
            run = self.latest.get(clock)
            if run is None or run.policy is None or (run.stopped and run.decided is None):
                continue
            state = run.decided or ("paused" if run.paused else "running")
            due = run.due if run.decided else self.due_from(run, self.last_seen)
            found[clock] = (state, None if state == "paused" else due, run.used, run.policy["name"])
        return found

    # --- each minute

    def open_in(self, run: Run) -> Minutes:
        assert run.policy is not None
        return self.minutes[run.policy["calendar"]]

    def duration(self, run: Run) -> int:
        assert run.policy is not None
        return minutes_of(run.policy[run.clock])

    def due_from(self, run: Run, minute: int) -> int | None:
        """When it will be due if it runs from ``minute`` on; None if that is after the last minute."""
        if run.promised is not None:
            return minute + run.promised - run.start - len(run.ran)
        used = run.used
        while used < self.duration(run):
            if minute >= self.last:
                return None
            used += self.open_in(run)[minute]
            minute += 1
        return minute

    def left(self, run: Run) -> int:
        """Open minutes from now until a running clock is due."""
        if run.promised is None:
            return self.duration(run) - run.used
        due = self.due_from(run, self.last_seen)
        assert due is not None
        return self.open_in(run).count(self.last_seen, due)

    def is_due(self, run: Run) -> bool:
        if run.promised is not None:
            return len(run.ran) >= run.promised - run.start
        return run.used >= self.duration(run)

    def check(self, minute: int) -> None:
        self.last_seen = minute
        for run in self.active.values():
            if run.decided or run.policy is None:
                continue
            if self.is_due(run):
                run.decided, run.due = "breached", self.was_due(run)
                self.tell("breached", run, minute)
                self.escalate(run, minute)
            elif not run.paused and not run.warned and "warn_before" in run.policy:
                warn, minutes, left = minutes_of(run.policy["warn_before"]), self.open_in(run), self.left(run)
                at_start = not run.ever_paused and minutes.count(run.start, minute) + left <= warn
                overdue = run.changed == minute and left < warn
                if at_start or overdue or (minutes[minute] and left <= warn):
                    run.warned = True
                    self.tell("warned", run, minute, due=self.due_from(run, minute))

    def was_due(self, run: Run) -> int:
        """The end of the minute that used it up."""
        if run.promised is not None:
            return run.ran[run.promised - run.start - 1] + 1
        left = self.duration(run) - run.carried
        if left <= 0:
            return run.start
        for minute in run.ran:
            left -= self.open_in(run)[minute]
            if left == 0:
                return minute + 1
        raise AssertionError

    def escalate(self, run: Run, breach: int) -> None:
        assert run.policy is not None
        for level, one in enumerate(run.policy.get("escalate", []), start=1):
            left, minute = minutes_of(one["after"]), breach
            while left and minute < self.last:
                left -= self.open_in(run)[minute]
                minute += 1
            if not left:
                self.escalations.append(
                    ("escalated", run.clock, run.start, level, minute, run.due, run.policy["name"])
                )

    def count(self, minute: int) -> None:
        for run in self.active.values():
            run.ever_paused |= run.paused
            if not run.paused and not run.decided:
                run.ran.append(minute)
                run.used += 0 if run.policy is None else self.open_in(run)[minute]

    def tell(self, kind: str, run: Run, minute: int, due: int | None = None) -> None:
        assert run.policy is not None
        due = run.due if due is None else due
        self.notices.append((kind, run.clock, run.start, 0, minute, due, run.policy["name"]))

    # --- facts

    def take(self, fact: Fact, minute: int) -> None:
        if fact.kind in (Kind.OPENED, Kind.CHANGED):
            self.match.update(dict(fact.changes))
            policy = self.fitting()
            if fact.kind == Kind.OPENED:
                self.policy, self.is_open = policy, True
                self.start("first_response", minute)
                self.start("resolution", minute)
            elif policy is not self.policy:
                self.policy = policy
                for run in self.active.values():
                    if not run.decided:
                        self.recount(run)
        elif fact.kind == Kind.REOPENED and not self.is_open:
            self.is_open = True
            for clock in ("update", "next_response") if self.answered else ("first_response",):
                self.start(clock, minute)
            self.go_on(minute)
        elif self.is_open:
            self.step(fact, minute)

    def step(self, fact: Fact, minute: int) -> None:
        if fact.kind in (Kind.ANSWERED, Kind.RESOLVED):
            self.answered = True
            for clock in ("first_response", "next_response", "update"):
                self.met(clock, minute)
        if fact.kind == Kind.ANSWERED:
            promised = None if fact.promised_by is None else fact.promised_by // MINUTE
            self.start("update", minute, promised=promised)
        if fact.kind in (Kind.RESOLVED, Kind.CLOSED):
            self.met("resolution", minute)
            for clock in list(self.active):
                self.active.pop(clock).stopped = True
            self.is_open = self.waiting = False
            self.notices += [one for one in self.escalations if one[4] <= minute]
            self.escalations = []
        if fact.kind in (Kind.INBOUND, Kind.RESUMED, Kind.WAITING):
            self.waiting = fact.kind == Kind.WAITING
            for run in self.active.values():
                if run.clock != "first_response":
                    run.paused = self.waiting
        if fact.kind == Kind.INBOUND and self.answered and "next_response" not in self.active:
            self.start("next_response", minute)

    def fitting(self) -> Mapping[str, Any] | None:
        for policy in self.version["policies"]:
            if all(self.match.get(name) in asked for name, asked in policy.get("when", {}).items()):
                return policy
        return None

    def policy_of(self, clock: str) -> Mapping[str, Any] | None:
        return self.policy if self.policy is not None and clock in self.policy else None

    def start(self, clock: str, minute: int, promised: int | None = None, last: Run | None = None) -> None:
        if promised is not None and promised <= minute:
            promised = None
        run = Run(clock, minute, self.policy_of(clock), promised, 0, [])
        if last is not None:
            run.before = last.before + last.ran
            run.carried = last.used
            if not last.decided and run.policy is not None:
                run.carried = sum(self.open_in(run)[one] for one in run.before)
            run.used = run.carried
        run.paused = self.waiting and clock != "first_response"
        self.active[clock] = self.latest[clock] = run

    def go_on(self, minute: int) -> None:
        last = self.latest["resolution"]
        if last.decided != "breached":
            self.start("resolution", minute, last=last)

    def met(self, clock: str, minute: int) -> None:
        run = self.active.pop(clock, None)
        if run is None:
            return
        run.stopped = True
        if not run.decided and run.policy is not None:
            run.due, run.decided = self.due_from(run, minute), "met"
            self.tell("met", run, minute)

    def recount(self, run: Run) -> None:
        run.policy, run.changed = self.policy_of(run.clock), self.last_seen
        run.ever_paused |= bool(run.before)
        run.ran, run.before, run.carried = run.before + run.ran, [], 0
        run.used = 0 if run.policy is None else sum(self.open_in(run)[one] for one in run.ran)
