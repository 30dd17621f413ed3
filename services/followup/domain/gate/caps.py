"""How many messages a customer may have: intervals and caps, rolling and by the calendar of where they live.
A message on its way counts: it may leave at any moment. Service messages are exempt from caps."""

from collections.abc import Sequence
from datetime import date, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.followup.domain.gate.question import Question
from services.followup.domain.gate.verdicts import Refuse, Verdict
from services.followup.domain.policy import Policy
from services.followup.domain.preferences.caps import wished
from services.followup.domain.preferences.wishes import Wishes
from services.followup.domain.rules.caps import FrequencyCap, Period
from services.followup.domain.rules.hours import instant
from services.followup.domain.rules.terms import Sort
from services.followup.domain.rules.times import span, write_duration
from services.followup.domain.state import Customer, Send
from shared.schemas.times import Micros, micros


def duplicate(question: Question) -> Verdict:
    """Its rule has sent too near: ``at_most_one_in``."""
    rule, now, least = question.rule, question.now, question.terms.least
    if rule is None or least is None or question.outreach.journey is not None:
        return None  # between a rule's steps there is what the steps say
    sent = [s.at for s in question.state.sends if s.rule == rule.name and abs(now - s.at) < least]
    leaving = [one.at for one in _leaving(question.state, question.policy, now) if one.rule == rule.name]
    if not sent and not any(abs(now - at) < least for at in leaving):
        return None
    often = once_in(rule.name, timedelta(microseconds=least))
    known = question.policy.event_time or not leaving
    return Refuse("duplicate", often, max([*sent, *leaving]) + least if known else None)


def once_in(rule: str, interval: timedelta) -> str:
    """What ``at_most_one_in`` says, for people."""
    return f"{rule} goes once in {write_duration(interval)}"


def frequency_cap(question: Question) -> Verdict:
    """One more would be above a cap."""
    terms = question.terms
    caps = caps_counting(terms.sort, terms.caps, question.state.wishes)
    full = [(cap, ends) for cap in caps for ends in _full(question, cap)]
    if not full:
        return None
    known = [ends for _, ends in full if ends is not None]
    words = ", ".join([cap.words for cap, _ in full])
    return Refuse("frequency_cap", words, max(known) if len(known) == len(full) else None)


def caps_counting(sort: Sort, caps: Sequence[FrequencyCap], wishes: Wishes) -> list[FrequencyCap]:
    """Those of these ``caps`` of a file, and of the customer's wishes, that count a message of that sort."""
    return [cap for cap in (*caps, *wished(wishes)) if cap.counts(*sort)]


def _full(question: Question, cap: FrequencyCap) -> Sequence[Micros | None]:
    """Empty where one more may go; else when one may go again, which nobody can know where that hangs on a
    message that is still with the sender."""
    state = question.state
    if len(state.sends) + len(state.in_flight) < cap.max:
        return ()
    since, until = _window(cap, question)
    sort = question.policy.sort
    gone = [s for s in state.sends if s.at >= since and cap.counts(*sort(s.rule, s.purpose))]
    going = [
        one
        for one in _leaving(state, question.policy, question.now)
        if one.at >= since and cap.counts(*sort(one.rule, one.purpose))
    ]
    sent, leaving = _mails(gone), _mails(going)
    over = len(sent) + len(leaving) - cap.max
    if over < 0:
        return ()
    if question.policy.event_time:
        sent, leaving = [*sent, *leaving], []
    if until is not None:
        return (until if len(leaving) < cap.max else None,)
    return (sorted(sent)[over] + span(cap.rolling),) if over < len(sent) else (None,)


def _window(cap: FrequencyCap, question: Question) -> tuple[Micros, Micros | None]:
    """From when on what was sent counts, and when a period of the calendar ends (None: it is rolling)."""
    if not isinstance(cap.per, str):
        return question.now - span(cap.per) + 1, None
    return _period(cap.per, question.local.date(), question.where)


@lru_cache(maxsize=4096)
def _period(per: Period, today: date, where: ZoneInfo) -> tuple[Micros, Micros]:
    """When the period begins in which that day is, and the next."""
    first, following = today, today + timedelta(days=1)
    if per == "week":
        first = today - timedelta(days=today.weekday())
        following = first + timedelta(days=7)
    elif per == "month":
        first = today.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    return micros(instant(first, time(), where)), micros(instant(following, time(), where))


def _leaving(state: Customer, policy: Policy, now: Micros) -> list[Send]:
    """Each message that is with the sender, as if it went now."""
    if not state.in_flight:
        return []
    return [
        Send(
            rule=flight.rule,
            purpose=flight.purpose,
            at=flight.decided_at if policy.event_time else now,
            mail=flight.mail,
        )
        for flight in state.in_flight
        if not flight.cancelled
    ]


def _mails(sends: Sequence[Send]) -> list[Micros]:
    """When they went: what went in one mail is one that the customer had."""
    alone = [one.at for one in sends if one.mail is None]
    return [*alone, *{one.mail: one.at for one in sends if one.mail is not None}.values()]
