"""What the contract says of clocks, each sentence worked by hand: versions, responses, reopening, waiting."""

from services.interactions.config import parse
from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.course import Course
from services.interactions.domain.sla.log import Fact, Kind

from .contract import CONTRACT
from .story import SLA, at, changed, clock_of, fact, opened, run, shown, told


def test_the_version_of_the_opening_holds_for_its_life() -> None:
    newer = CONTRACT.replace("first_response: 1h", "first_response: 2h")
    second = newer[newer.index("  - effective") : newer.index("compensation")].replace(
        "2020-01-01", "2026-03-03"
    )
    sla = parse(CONTRACT.replace("compensation:", f"{second}compensation:"))
    before = run("3 00:30", opened("2 23:59"), sla=sla)
    after = run("3 00:30", opened("3 00:00"), sla=sla)
    assert shown(before, "first_response")[1] == "3 00:59"
    assert shown(after, "first_response")[1] == "3 02:00"
    assert [course.clocks[0].version for course in (before, after)] == ["2020-01-01", "2026-03-03"]
    lasting = run("3 00:30", opened("2 23:59", "low"), changed("3 00:10", "severity", "critical"), sla=sla)
    assert clock_of(lasting, "first_response").version == "2020-01-01"


def test_no_version_or_no_fitting_policy_is_no_clock() -> None:
    assert run("2 12:00", opened("2019-12-31 23:00")) == Course()
    text = CONTRACT.replace("- {name: standard,", "- {name: standard, when: {tier: [gold]},")
    course = run("2 12:00", opened("2 08:00", "low"), sla=parse(text))
    assert (course.clocks, course.notices, course.next_at) == ((), (), None)


def test_the_first_policy_that_fits_counts_and_a_clock_left_out_does_not_run() -> None:
    course = run(
        "2 09:00", opened("2 08:00", "normal"), fact("2 08:30", Kind.ANSWERED), fact("2 08:40", Kind.INBOUND)
    )
    assert [clock.clock for clock in course.clocks] == ["first_response", "resolution"]
    assert {clock.policy for clock in course.clocks} == {"standard"}


def test_until_the_first_response_next_response_and_update_do_not_run() -> None:
    course = run("2 08:59", opened("2 08:00"), fact("2 08:10", Kind.INBOUND))
    assert [clock.clock for clock in course.clocks] == ["first_response", "resolution"]
    course = run("2 09:00", opened("2 08:00"), fact("2 08:10", Kind.INBOUND), fact("2 08:50", Kind.ANSWERED))
    assert shown(course, "first_response") == ("met", "2 09:00", 50 / 60)
    assert shown(course, "update") == ("running", "2 12:50", 10 / 60)
    assert [clock.clock for clock in course.clocks] == ["first_response", "update", "resolution"]


def test_a_step_at_due_at_is_too_late() -> None:
    late = run("2 10:00", opened("2 08:00"), fact("2 09:00", Kind.ANSWERED))
    assert shown(late, "first_response") == ("breached", "2 09:00", 1)
    in_time = clocks([opened("2 08:00"), Fact(at("2 09:00") - 1, Kind.ANSWERED)], SLA, at("2 10:00"))
    assert clock_of(in_time, "first_response").state == "met"


def test_each_response_starts_update_anew_and_tells_the_run_before() -> None:
    course = run(
        "2 15:00",
        opened("2 08:00"),
        fact("2 08:30", Kind.ANSWERED),
        fact("2 10:00", Kind.ANSWERED),
        fact("2 14:30", Kind.ANSWERED),
    )
    assert shown(course, "update") == ("running", "2 18:30", 0.5)
    assert told(course, "met", "breached") == [
        ("met", "first_response", "2 08:30"),
        ("met", "update", "2 10:00"),
        ("breached", "update", "2 14:00"),
    ]


def test_a_promise_sets_the_update_clock() -> None:
    course = run("2 09:00", opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, "3 07:00"))
    assert shown(course, "update") == ("running", "3 07:00", 0.5)
    sooner = run("2 09:00", opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, "2 08:45"))
    assert shown(sooner, "update") == ("breached", "2 08:45", 0.25)
    again = run(
        "2 09:00",
        opened("2 08:00"),
        fact("2 08:30", Kind.ANSWERED, "3 07:00"),
        fact("2 08:40", Kind.ANSWERED),
    )
    assert shown(again, "update")[1] == "2 12:40"
    over = run("2 09:00", opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, "2 08:10"))
    assert shown(over, "update")[1] == "2 12:30"  # a promise of what is over is none


def test_waiting_puts_a_promise_off_by_as_long_as_it_lasts() -> None:
    log = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED, "2 20:00"), fact("2 09:00", Kind.WAITING))
    assert shown(run("2 12:00", *log), "update") == ("paused", None, 0.5)
    assert shown(run("2 12:00", *log, fact("2 11:00", Kind.RESUMED)), "update")[1] == "2 22:00"


def test_next_response_runs_from_the_first_unanswered_message() -> None:
    log = (
        opened("2 08:00"),
        fact("2 08:30", Kind.ANSWERED),
        fact("2 09:00", Kind.INBOUND),
        fact("2 10:00", Kind.INBOUND),
    )
    assert shown(run("2 10:30", *log), "next_response") == ("running", "2 11:00", 1.5)
    answered = run("2 12:00", *log, fact("2 10:45", Kind.ANSWERED))
    assert shown(answered, "next_response") == ("met", "2 11:00", 1.75)
    again = run("2 12:00", *log, fact("2 10:45", Kind.ANSWERED), fact("2 11:30", Kind.INBOUND))
    assert shown(again, "next_response") == ("running", "2 13:30", 0.5)
    assert shown(run("2 12:00", *log, fact("2 10:15", Kind.RESOLVED)), "next_response")[0] == "met"
    after = run("2 12:00", *log, fact("2 10:15", Kind.RESOLVED), fact("2 10:30", Kind.INBOUND))
    assert clock_of(after, "next_response").start == at("2 09:00")  # nothing runs while it is resolved


def test_a_reopening_goes_on_with_the_used_time_of_resolution() -> None:
    log = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED), fact("2 14:00", Kind.RESOLVED))
    assert shown(run("3 00:00", *log), "resolution") == ("met", "3 08:00", 6)
    course = run("4 10:00", *log, fact("3 00:00", Kind.CLOSED), fact("4 09:00", Kind.REOPENED))
    assert shown(course, "resolution") == ("running", "5 03:00", 7)
    assert shown(course, "update") == ("running", "4 13:00", 1)
    assert shown(course, "next_response") == ("running", "4 11:00", 1)
    assert shown(course, "first_response") == ("met", "2 09:00", 0.5)


def test_a_resolution_that_was_breached_stays_so_when_reopened() -> None:
    log = (opened("2 08:00"), fact("3 09:00", Kind.RESOLVED), fact("4 09:00", Kind.REOPENED))
    course = run("10 00:00", *log)
    assert shown(course, "resolution") == ("breached", "3 08:00", 24)
    assert [one for one in told(course, "breached") if one[1] == "resolution"] == [
        ("breached", "resolution", "3 08:00")
    ]


def test_waiting_pauses_all_but_first_response() -> None:
    log = (opened("2 08:00"), fact("2 08:10", Kind.WAITING))
    course = run("2 08:40", *log)
    assert shown(course, "first_response") == ("running", "2 09:00", 40 / 60)
    assert shown(course, "resolution") == ("paused", None, 10 / 60)
    course = run("2 20:00", *log, fact("2 08:30", Kind.ANSWERED), fact("2 12:00", Kind.RESUMED))
    assert shown(course, "update")[:2] == ("breached", "2 16:00")  # began paused
    assert shown(course, "resolution")[1] == "3 11:50"


def test_an_inbound_message_ends_waiting() -> None:
    log = (
        opened("2 08:00"),
        fact("2 08:30", Kind.ANSWERED),
        fact("2 09:30", Kind.WAITING),
        fact("2 19:30", Kind.INBOUND),
    )
    course = run("2 20:00", *log)
    assert shown(course, "update") == ("running", "2 22:30", 1.5)
    assert shown(course, "next_response") == ("running", "2 21:30", 0.5)
    assert shown(course, "resolution")[1] == "3 18:00"


def test_nothing_happens_before_the_opening() -> None:
    assert run("2 12:00", fact("2 08:00", Kind.ANSWERED)) == Course()
    log = (opened("2 08:00"), fact("2 07:00", Kind.ANSWERED), fact("2 07:30", Kind.INBOUND))
    course = run("2 09:00", *log)
    assert shown(course, "first_response") == ("met", "2 09:00", 0)
    assert [clock.clock for clock in course.clocks] == ["first_response", "update", "resolution"]


def test_a_conversation_has_clocks_of_its_own_policies() -> None:
    text = CONTRACT.replace(
        "- {name: standard,",
        "- {name: talk, for: conversations, calendar: always, first_response: 2h}\n      - {name: standard,",
    )
    sla = parse(text)
    log = [Fact(at("2 08:00"), Kind.OPENED, (("channel", "chat"),))]
    course = clocks(log, sla, at("2 09:00"), "conversations")
    assert [(clock.clock, clock.policy) for clock in course.clocks] == [("first_response", "talk")]
    closed = clocks([*log, fact("2 08:30", Kind.CLOSED)], sla, at("2 12:00"), "conversations")
    assert (closed.clocks, closed.notices, closed.next_at) == ((), (), None)
