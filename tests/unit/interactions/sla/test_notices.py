"""What the contract says of changed matches and of what is told, each sentence worked by hand."""

from collections.abc import Iterable

from services.interactions.config import parse
from services.interactions.domain.sla.course import Notice, NoticeKey
from services.interactions.domain.sla.log import Kind

from .contract import CONTRACT
from .story import at, changed, clock_of, fact, opened, run, shown, told, told_at


def test_a_changed_match_computes_undecided_clocks_anew_over_their_stretch() -> None:
    log = (
        opened("2 06:00", "low"),
        fact("2 08:30", Kind.ANSWERED),
        fact("2 09:00", Kind.WAITING),
        fact("2 09:30", Kind.RESUMED),
    )
    assert shown(run("2 10:00", *log), "resolution") == ("running", "9 16:30", 1.5)
    course = run("2 10:00", *log, changed("2 10:00", "severity", "critical"))
    assert shown(course, "resolution") == ("running", "3 06:30", 3.5)  # all hours since 06:00, the pause out
    assert shown(course, "update") == ("running", "2 13:00", 1)
    assert shown(course, "first_response") == ("met", "2 13:00", 0.5)  # as decided, by the policy of then
    assert clock_of(course, "first_response").policy == "standard"


def test_a_breach_by_a_changed_match_is_told_at_the_change() -> None:
    log = (opened("2 08:00", "low"), changed("2 10:00", "severity", "critical"))
    course = run("2 13:00", *log)
    assert told(course) == [
        ("breached", "first_response", "2 10:00"),
        ("escalated1", "first_response", "2 10:00"),
        ("escalated2", "first_response", "2 12:00"),
    ]
    assert course.notices[0].due_at == at("2 09:00")


def test_a_changed_match_counts_the_stretches_before_a_reopening_too() -> None:
    log = (opened("2 07:00", "low"), fact("2 09:00", Kind.RESOLVED), fact("3 06:00", Kind.REOPENED))
    assert shown(run("3 09:00", *log), "resolution")[2] == 2  # an hour of the office's on each day
    course = run("3 09:00", *log, changed("3 09:00", "severity", "critical"))
    assert shown(course, "resolution") == ("running", "4 04:00", 5)  # 2 hours of Monday, 3 of Tuesday


def test_a_warning_that_a_changed_match_brings_too_late_is_told_at_the_change() -> None:
    text = CONTRACT.replace("resolution: 24h}", "resolution: 24h, warn_before: 1h}").replace(
        "calendar: always, first_response: 1h", "calendar: office, first_response: 4h"
    )
    text = text.replace("resolution: 1d, warn_before: 30m", "resolution: 24h, warn_before: 3h")
    log = (opened("2 10:00", "low"), changed("2 12:00", "severity", "critical"))
    # Due at 15:00; three hours were left at 11:00, before the change, which comes in the lunch break.
    assert told(run("2 12:10", *log, sla=parse(text))) == [("warned", "first_response", "2 12:00")]
    waited = (log[0], fact("2 11:00", Kind.WAITING), fact("2 11:45", Kind.RESUMED), log[1])
    course = run("2 12:10", *waited, sla=parse(text.replace("resolution: 24h, warn", "resolution: 3h, warn")))
    assert ("warned", "resolution", "2 12:00") in told(course)


def test_a_match_that_changes_nothing_of_the_policy_changes_no_clock() -> None:
    log = (
        opened("2 08:00", "low"),
        changed("2 10:00", "severity", "high"),
        changed("2 10:00", "tier", "gold"),
    )
    assert run("2 11:00", *log) == run("2 11:00", log[0])


def test_warnings_count_open_time_too() -> None:
    text = CONTRACT.replace("first_response: 4h,", "first_response: 4h, warn_before: 2h,")
    course = run("2 20:00", opened("2 13:00", "low"), sla=parse(text))  # due on Tuesday at 08:00
    assert shown(course, "first_response")[1] == "2 17:00"
    assert told(course, "warned") == [("warned", "first_response", "2 15:00")]
    course = run("3 20:00", opened("2 15:30", "low"), sla=parse(text))
    assert told(course) == [
        ("warned", "first_response", "3 08:30"),
        ("breached", "first_response", "3 10:30"),
    ]
    course = run(
        "3 20:00", opened("2 15:00", "low"), sla=parse(text)
    )  # 2 h today: warn when the office opens
    assert told(course)[0] == ("warned", "first_response", "3 08:00")


def test_a_warning_of_the_whole_duration_comes_at_the_start() -> None:
    text = CONTRACT.replace("first_response: 4h,", "first_response: 4h, warn_before: 4h,")
    course = run("1 20:00", opened("1 12:00", "low"), sla=parse(text))  # a Sunday, closed
    assert told(course) == [("warned", "first_response", "1 12:00")]


def test_escalation_counts_the_policys_open_time_and_ends_when_resolved() -> None:
    log = (opened("2 08:00"),)
    course = run("2 12:00", *log)
    assert told(course) == [
        ("warned", "first_response", "2 08:30"),
        ("breached", "first_response", "2 09:00"),
        ("escalated1", "first_response", "2 09:00"),
        ("escalated2", "first_response", "2 11:00"),
    ]
    assert [one.to for one in course.notices] == [None, None, "lead", "manager"]
    answered = run("2 12:00", *log, fact("2 09:30", Kind.ANSWERED))
    assert ("escalated2", "first_response", "2 11:00") in told(answered)  # only resolving ends it
    resolved = run("2 12:00", *log, fact("2 09:30", Kind.RESOLVED), fact("2 09:40", Kind.REOPENED))
    assert [one for one in told(resolved, "escalated") if one[1] == "first_response"] == [
        ("escalated1", "first_response", "2 09:00")
    ]
    at_once = run("2 12:00", *log, fact("2 11:00", Kind.RESOLVED))
    assert ("escalated2", "first_response", "2 11:00") in told(at_once)  # what falls due comes first
    office = parse(
        CONTRACT.replace("resolution: 24h}", "resolution: 24h, escalate: [{after: 2h, to: lead}]}")
    )
    evening = run(
        "3 20:00", opened("2 12:00", "low"), sla=office
    )  # due at 16:30, half an hour before the end
    assert told(evening) == [
        ("breached", "first_response", "2 16:30"),
        ("escalated1", "first_response", "3 09:30"),
    ]


def test_next_at_is_when_the_next_of_it_falls_due() -> None:
    log = [opened("2 08:00")]
    assert [run(until, *log).next_at for until in ("2 08:00", "2 08:30", "2 09:00", "2 11:00")] == [
        at("2 08:30"),
        at("2 09:00"),
        at("2 11:00"),
        at("3 07:30"),
    ]
    assert run("2 10:00", *log, fact("2 08:20", Kind.RESOLVED)).next_at is None


def test_a_step_heard_late_makes_the_clock_met_and_what_was_told_is_not_told_again() -> None:
    log = (opened("2 08:00"),)
    before = run("2 10:00", *log)
    known = [one.key for one in before.notices]
    assert before.untold([]) == before.notices
    after = run("2 10:00", *log, fact("2 08:40", Kind.ANSWERED))
    assert shown(after, "first_response") == ("met", "2 09:00", 40 / 60)
    assert [one.key for one in after.untold(known)] == [NoticeKey("met", "first_response", at("2 08:00"))]


def test_a_message_heard_late_begins_its_run_earlier_and_tells_no_breach_twice() -> None:
    log = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED), fact("2 10:00", Kind.INBOUND))
    known = [one.key for one in run("2 12:30", *log).notices]
    earlier = run("2 12:30", *log, fact("2 09:00", Kind.INBOUND))
    assert clock_of(earlier, "next_response").due_at == at("2 11:00")
    assert _next_responses(earlier.untold(known)) == []
    answered = run("2 16:00", *log, fact("2 13:00", Kind.ANSWERED), fact("2 13:30", Kind.INBOUND))
    assert _next_responses(answered.untold(known)) == [
        "escalated at 2 14:00",
        "warned at 2 15:00",
        "breached at 2 15:30",
        "escalated at 2 15:30",
    ]


def _next_responses(notices: Iterable[Notice]) -> list[str]:
    return [f"{one.key.kind} at {told_at(one.at)}" for one in notices if one.key.clock == "next_response"]


def test_two_answers_of_one_instant_are_one() -> None:
    # Acknowledged and updated in one second: the update clock that runs from then on is told of as any is.
    log = (
        opened("2 08:00"),
        fact("2 08:15", Kind.ANSWERED),
        fact("2 08:15", Kind.ANSWERED, promised_by="2 10:00"),
        fact("2 09:00", Kind.RESOLVED),
    )
    for heard in (log, (log[2], log[1], log[3], log[0])):
        course = run("2 12:00", *heard)
        assert told(course) == [
            ("met", "first_response", "2 08:15"),
            ("met", "update", "2 09:00"),
            ("met", "resolution", "2 09:00"),
        ]
        assert shown(course, "update")[1] == "2 10:00"
