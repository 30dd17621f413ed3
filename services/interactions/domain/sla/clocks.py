"""The clocks of a complaint (or of a conversation that is none): a pure function of its log and the SLA file.

Nothing is counted as time passes. Whatever is heard, and in whatever order, the clocks are made anew of the
whole log; so they are right after a late fact, and the same for everybody who knows the same facts.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from services.interactions.domain.sla.course import Clock, Course, Notice, NoticeKey, NoticeKind, Ran
from services.interactions.domain.sla.log import Fact, Kind, Match, in_order
from services.interactions.domain.sla.policy import CLOCKS, Fitting, Sla, Subject, Terms, Version
from services.interactions.domain.sla.runs import Run, Stretch
from shared.schemas.complaints import ClockName
from shared.schemas.times import Micros


def clocks(log: Iterable[Fact], sla: Sla, until: Micros, subject: Subject = "complaints") -> Course:
    """The clocks as they stand at ``until``, and all that fell due up to and at it.

    ``log``: in any order; what is later than ``until`` is not looked at. At one instant what falls due comes
    before what happens: a step at ``due_at`` is too late.
    """
    reckoning = _reckoned(log, sla, until, subject)
    return Course() if reckoning is None else reckoning.course(until)


def clocks_and_runs(
    log: Iterable[Fact], sla: Sla, until: Micros, subject: Subject = "complaints"
) -> tuple[Course, tuple[Ran, ...]]:
    """``clocks``, and every run that a policy held, by its begin."""
    reckoning = _reckoned(log, sla, until, subject)
    if reckoning is None:
        return Course(), ()
    return reckoning.course(until), reckoning.ran(until)


def _reckoned(log: Iterable[Fact], sla: Sla, until: Micros, subject: Subject) -> "_Reckoning | None":
    facts = in_order(log, until)
    version = sla.at(facts[0].at) if facts else None
    if version is None:
        return None
    reckoning = _Reckoning(version, subject)
    for fact in facts:
        reckoning.advance(fact.at)
        reckoning.take(fact)
    reckoning.advance(until)
    return reckoning


class _Reckoning:
    """Goes through a log once."""

    def __init__(self, version: Version, subject: Subject) -> None:
        self.version = version
        self.subject = subject
        self.match = Match()
        self.fitting: Fitting | None = None
        self.open = False
        self.answered = False
        """Whether there was a first response."""
        self.waiting = False
        self.waits: list[Stretch] = []
        """Those that ended; of one that has not, the begin is ``waiting_since``."""
        self.waiting_since: Micros = 0
        self.active: dict[ClockName, Run] = {}
        """The runs that are not stopped, breached ones too."""
        self.runs: list[Run] = []
        self.notices: list[Notice] = []
        self.escalations: list[Notice] = []
        """Those to come, unless it is resolved before."""

    def take(self, fact: Fact) -> None:
        """One fact; what does not follow from the status is passed over."""
        match fact.kind:
            case Kind.OPENED:
                self._opened(fact)
            case Kind.CHANGED:
                self._changed(fact)
            case Kind.REOPENED if not self.open:
                self._reopened(fact.at)
            case _ if not self.open:
                pass
            case Kind.INBOUND:
                self._resumed(fact.at)
                if self.answered and "next_response" not in self.active:
                    self._start("next_response", fact.at)
            case Kind.ANSWERED:
                self._responded(fact.at)
                self._start("update", fact.at, promised_by=fact.promised_by)
            case Kind.RESOLVED:
                self._responded(fact.at)
                self._ended(fact.at)
            case Kind.CLOSED:
                self._ended(fact.at)
            case Kind.WAITING if not self.waiting:
                self.waiting, self.waiting_since = True, fact.at
                for run in self._pausable():
                    run.pause(fact.at)
            case Kind.RESUMED:
                self._resumed(fact.at)

    def _opened(self, fact: Fact) -> None:
        self.match = self.match._replace(**dict(fact.changes))
        self.fitting = self.version.fitting(self.match, self.subject)
        self.open = True
        self._start("first_response", fact.at)
        self._start("resolution", fact.at)

    def _changed(self, fact: Fact) -> None:
        self.match = self.match._replace(**dict(fact.changes))
        fitting = self.version.fitting(self.match, self.subject)
        if fitting is self.fitting:
            return
        self.fitting = fitting
        for run in self.active.values():
            if run.decided is None:
                run.refit(self._terms(run.clock), fact.at)

    def _reopened(self, at: Micros) -> None:
        self.open = True
        if self.answered:
            self._start("update", at)
            self._start("next_response", at)
        else:
            self._start("first_response", at)
        last = next(run for run in reversed(self.runs) if run.clock == "resolution")
        if last.decided == "breached":
            return
        stretches = (*last.before, *last.stretches)
        terms = self._terms("resolution")
        carried = last.used
        if last.decided is None and terms is not None:
            carried = sum(terms.open_time.between(*stretch) for stretch in stretches)
        self._start("resolution", at, carried=carried, before=stretches)

    def _responded(self, at: Micros) -> None:
        self.answered = True
        for clock in ("first_response", "next_response", "update"):
            self._stop(clock, at, met=True)

    def _ended(self, at: Micros) -> None:
        """Resolved, or closed without."""
        self._stop("resolution", at, met=True)
        for clock in tuple(self.active):
            self._stop(clock, at, met=False)
        self.open = False
        self._waits_no_more(at)
        self.notices += [notice for notice in self.escalations if notice.at <= at]
        self.escalations = []

    def _resumed(self, at: Micros) -> None:
        self._waits_no_more(at)
        for run in self._pausable():
            run.resume(at)

    def _waits_no_more(self, at: Micros) -> None:
        if self.waiting:
            self.waits.append((self.waiting_since, at))
        self.waiting = False

    def _pausable(self) -> list[Run]:
        return [run for run in self.active.values() if run.clock != "first_response"]

    def _terms(self, clock: ClockName) -> Terms | None:
        return None if self.fitting is None else self.fitting.terms.get(clock)

    def _start(
        self,
        clock: ClockName,
        at: Micros,
        promised_by: Micros | None = None,
        carried: Micros = 0,
        before: tuple[Stretch, ...] = (),
    ) -> None:
        paused = self.waiting and clock != "first_response"
        # A promise of a time that is over when it is given is none.
        promised = promised_by if promised_by is not None and promised_by > at else None
        run = Run(clock, at, None if paused else at, self._terms(clock), promised, carried, before)
        run.reckon()
        self.active[clock] = run
        self.runs.append(run)

    def _stop(self, clock: ClockName, at: Micros, met: bool) -> None:
        run = self.active.pop(clock, None)
        if run is None:
            return
        if met and run.decided is None and run.terms is not None:
            run.decide("met", at)
            self._notice("met", run, at)
        run.stop(at)

    def advance(self, to: Micros) -> None:
        """Tell what falls due up to and at ``to``."""
        for run in self.active.values():
            if run.decided is not None or run.due is None:
                continue
            breach = max(run.due, run.floor)
            if run.warn is not None and run.warn <= to and run.warn < breach:
                run.warned, warn, run.warn = True, run.warn, None
                self._notice("warned", run, warn)
            if breach <= to:
                run.decide("breached", breach)
                self._notice("breached", run, breach)
                self._escalate(run, breach)

    def _escalate(self, run: Run, breach: Micros) -> None:
        if run.terms is None:
            return
        for level, (after, to) in enumerate(run.terms.escalate, start=1):
            at = run.terms.open_time.used_up(breach, after)
            self.escalations.append(_notice("escalated", run, at, level, to))

    def _notice(self, kind: NoticeKind, run: Run, at: Micros) -> None:
        self.notices.append(_notice(kind, run, at))

    def course(self, until: Micros) -> Course:
        """All of it, once ``advance`` has come to ``until``."""
        told = [*self.notices, *(notice for notice in self.escalations if notice.at <= until)]
        coming = [notice.at for notice in self.escalations if notice.at > until]
        for run in self.active.values():
            if run.decided is None:
                coming += [at for at in (run.warn, run.due) if at is not None]
        latest = {run.clock: run for run in self.runs}
        return Course(
            clocks=tuple(_shown(latest[clock], until) for clock in CLOCKS if _is_shown(latest.get(clock))),
            notices=tuple(sorted(told, key=attrgetter("at"))),
            next_at=min(coming, default=None),
            spans=tuple((run.clock, run.start, run.end) for run in self.runs),
        )

    def ran(self, until: Micros) -> tuple[Ran, ...]:
        """Once ``advance`` has come to ``until``."""
        waits = [*self.waits, *([(self.waiting_since, until)] if self.waiting else [])]
        return tuple(_ran(run, run.terms, until, waits) for run in self.runs if run.terms is not None)


def _ran(run: Run, terms: Terms, until: Micros, waits: Sequence[Stretch]) -> Ran:
    took = run.used_by(until)
    if run.decided == "breached" and run.decided_at is not None:
        begin, end = run.decided_at, until if run.end is None else run.end
        took += terms.open_time.between(begin, end)
        if run.clock != "first_response":
            took -= sum(terms.open_time.between(max(begin, a), min(end, b)) for a, b in waits)
    return Ran(run.clock, terms.policy, terms.version, run.start, run.decided, run.decided_at, took)


def _is_shown(run: Run | None) -> bool:
    return run is not None and run.terms is not None and (run.decided is not None or run.end is None)


def _shown(run: Run, until: Micros) -> Clock:
    assert run.terms is not None
    open_stretch = () if run.since is None else ((run.since, until),)
    return Clock(
        clock=run.clock,
        state=run.state,
        due_at=run.due,
        used=run.used_by(until),
        policy=run.terms.policy,
        version=run.terms.version,
        start=run.start,
        stretches=(*run.stretches, *open_stretch),
        duration=run.terms.duration,
        promised_by=run.promised_by,
    )


def _notice(kind: NoticeKind, run: Run, at: Micros, level: int = 0, to: str | None = None) -> Notice:
    assert run.terms is not None
    assert run.due is not None
    return Notice(
        NoticeKey(kind, run.clock, run.start, level), at, run.due, run.terms.policy, run.terms.version, to
    )
