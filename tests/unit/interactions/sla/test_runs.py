"""Every run as it went, which is what a report counts: also beyond its breach."""

from services.interactions.domain.sla.clocks import clocks_and_runs
from services.interactions.domain.sla.course import Ran
from services.interactions.domain.sla.log import Fact, Kind

from .story import HOUR, SLA, at, changed, clock_of, fact, opened, run, told_at


def ran(until: str, *log: Fact) -> list[tuple[str, str | None, float]]:
    """Clock, decision, hours taken."""
    return [(one.clock, one.decided, one.took / HOUR) for one in _ran(until, *log)]


def _ran(until: str, *log: Fact) -> tuple[Ran, ...]:
    course, runs = clocks_and_runs(log, SLA, at(until))
    assert course == run(until, *log)
    return runs


def test_a_run_took_until_it_was_stopped_also_where_it_was_breached() -> None:
    # Critical: all hours count, first response in one, resolution in 24.
    log = (opened("2 08:00"), fact("2 11:00", Kind.ANSWERED), fact("4 08:00", Kind.RESOLVED))
    assert ran("5 08:00", *log) == [
        ("first_response", "breached", 3),
        ("resolution", "breached", 48),
        ("update", "breached", 45),
    ]
    first = _ran("5 08:00", *log)[0]
    assert first.decided_at is not None
    assert (told_at(first.decided_at), first.policy, first.version) == ("2 09:00", "critical", "2020-01-01")


def test_waiting_is_left_out_beyond_the_breach_too_but_never_of_the_first_response() -> None:
    log = (
        opened("2 08:00"),
        fact("2 08:30", Kind.WAITING),
        fact("2 10:30", Kind.RESUMED),
        fact("3 11:30", Kind.WAITING),
        fact("3 12:30", Kind.RESUMED),
        fact("3 13:00", Kind.RESOLVED),
    )
    assert ran("4 08:00", *log) == [("first_response", "breached", 29), ("resolution", "breached", 26)]


def test_one_that_still_waits_counts_up_to_now_without_it() -> None:
    log = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED), fact("3 13:30", Kind.WAITING))
    assert ran("3 15:00", *log)[1:] == [("resolution", "breached", 29.5), ("update", "breached", 29)]


def test_a_run_after_a_reopening_has_the_time_of_the_one_before() -> None:
    log = (opened("2 08:00", "low"), fact("2 10:00", Kind.RESOLVED), fact("3 08:00", Kind.REOPENED))
    assert ran("3 09:00", *log)[1:] == [("resolution", "met", 2), ("resolution", None, 3)]


def test_a_clock_that_the_policy_lacks_did_not_run() -> None:
    log = (opened("2 08:00", "low"), fact("2 08:15", Kind.ANSWERED), changed("2 08:30", "severity", "high"))
    assert [clock for clock, *_ in ran("2 09:00", *log)] == ["first_response", "resolution"]


def test_a_clock_says_what_it_is_held_to() -> None:
    course = run("2 09:00", opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, promised_by="2 20:00"))
    update = clock_of(course, "update")
    assert (update.duration, update.promised_by) == (4 * HOUR, at("2 20:00"))
    assert (clock_of(course, "resolution").duration, clock_of(course, "resolution").promised_by) == (
        24 * HOUR,
        None,
    )
