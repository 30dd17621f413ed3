"""Why services refuse, or why something counts for nothing, in the reader's language: they say it in English.

It reaches a page as its sentence (a refusal with its stable code), as the journal and the timeline keep it.
What fills the sentence is read back from it, by the sentence that it was made of.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter

from services.interactions.desk.faults import Fault, FormError
from services.interactions.desk.names import NAMES
from services.interactions.desk.words import Words, _
from services.interactions.domain import telling
from services.interactions.domain.activity.purchases import (
    ABOVE_WHAT_WAS_LEFT,
    LESS_IS_LEFT,
    PAID_OTHERWISE,
)
from services.interactions.domain.profile.consents import WITHDRAWN
from services.interactions.errors import CODES, DUPLICATE_DECIDED, INVALID_TRANSITION
from shared.domain import ERASED, ErrorCode
from shared.http.problems import ProblemError
from shared.journal.derived import TOO_LARGE
from shared.schemas.base import parse_time
from shared.schemas.money import minor
from shared.templates.speech import ENGLISH
from shared.templates.wording import money

DECLARED: tuple[ErrorCode, ...] = (
    *CODES,
    ERASED,
    TOO_LARGE,
    ErrorCode("forbidden", 403, "This needs the scope {scope}."),  # ``shared.http.auth.forbidden``
)
"""How what the desk asks for may be refused."""
OURS: Mapping[str, str] = {
    "ambiguous_complaint": _("Several customers have a complaint %(complaint)s: open it from its customer."),
    "ambiguous_conversation": _(
        "Several customers have a conversation %(conversation)s: open it from its customer."
    ),
    "broker_unavailable": _("The broker does not answer. Send it again: it is done once."),
    "duplicate_decided": _("Suggestion %(duplicate)s is decided already: %(status)s."),
    "form_expired": _("This form is none of your session’s: load the page again, then send it."),
    "idempotency_mismatch": _(
        "This form was sent before, with something else in it: load the page again, then send it."
    ),
    "internal": _("Something broke here. What you sent is kept, and may be done once that is mended."),
    "invalid": _("What was sent, or the address of the page, is not valid."),
    "invalid_cursor": _("This place in the list is not known any more: begin at the top."),
    "invalid_transition": _(
        "Complaint %(complaint)s is %(status)s: “%(step)s” cannot be done now. What can: %(allowed)s."
    ),
    "issuer_unavailable": _("Your organisation’s sign-in does not answer. Try again."),
    "not_found": _("Nothing is at this address."),
    "rate_limited": _("Too much was asked at once. Try again in a moment."),
    "request_timeout": _("It took too long to arrive. Send it again."),
    "several_approvals": _("Several compensations wait: approve each by its own button."),
    "store_unavailable": _("The store does not answer. Try again."),
    "too_large": _("This is too large to be kept."),
    "too_many_pages": _("Too many pages are open here already."),
    "unauthenticated": _("You have to sign in again."),
    "unstorable": _("This cannot be kept. What you sent is not lost, and may be done once that is mended."),
    "unsupported_media_type": _("A form of this page is expected."),
}
"""By code: what the desk says of it itself, as the sentence is for programs, or there are several."""
NOTES: tuple[str, ...] = (
    *(note.why for note in vars(telling).values() if isinstance(note, telling.Note)),
    WITHDRAWN,
    ABOVE_WHAT_WAS_LEFT,
    PAID_OTHERWISE,
    LESS_IS_LEFT,
)
"""What the timeline says of a row beside refusals."""
STEPS: Mapping[str, str] = {
    "acknowledged": _("I take care of it"),
    "updated": _("Say how it goes"),
    "compensated": _("Make good"),
    "resolved": _("Solve"),
    "closed": _("Close the complaint"),
    "reopened": _("Reopen"),
    "changed": _("Correct, or hand over"),
    "set waiting": _("Wait for the customer"),
    "resumed": _("Wait no more"),
}
"""The steps of a complaint, by the words of sentences: as pages call what is pressed for them."""
STATUSES: Mapping[str, str] = {
    **NAMES["complaint"],
    "waiting": _("waits for the customer"),
    "confirmed": _("one person"),
    "rejected": _("two people"),
}
"""Of complaints, and of suggestions of duplicates."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. ``english``: nobody has said it in the reader's language."""

    text: str
    english: bool = False


def explained(problem: ProblemError, words: Words) -> tuple[Line, ...]:
    """Why something did not work: a line, or one for each fault of a form; none where there is no more to
    say than that."""
    if isinstance(problem, FormError) and problem.faults:
        return tuple(dict.fromkeys(_faulty(fault, words) for fault in problem.faults))
    sentences = [one.sentence for one in DECLARED if one.code == problem.code]
    ours = OURS.get(problem.code)
    for sentence in sentences:
        found = _read(sentence, problem.detail)
        if found is not None:
            return (_said(ours or message_of(sentence), found, words, problem.code),)
    if ours is not None and "%(" not in ours:
        return (Line(words(ours)),)
    return (_as_it_is(problem.detail, words),) if problem.detail else ()


def noted(note: str, words: Words) -> Line:
    """What the timeline says of a row."""
    for sentence, code in (*((one, "") for one in NOTES), *((one.sentence, one.code) for one in DECLARED)):
        found = _read(sentence, note)
        if found is not None:
            return _said(message_of(sentence), found, words, code)
    return _as_it_is(note, words)


def messages() -> Iterator[str]:
    """Those of services that catalogues have, beside what stands here."""
    yield from (message_of(one.sentence) for one in DECLARED if one.code not in OURS)
    yield from (message_of(one) for one in NOTES)


def message_of(sentence: str) -> str:
    """``There is no team {team}.`` as catalogues have it: ``There is no team %(team)s.``"""
    return "".join(f"{text}%({name})s" if name else text for text, name, _spec, _conv in _parts(sentence))


@cache
def _parts(sentence: str) -> tuple[tuple[str, str | None, str | None, str | None], ...]:
    return tuple(Formatter().parse(sentence))


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    parts = (
        re.escape(text) + (f"(?P<{name}>.*?)" if name else "")
        for text, name, _spec, _conv in _parts(sentence)
    )
    return re.compile("".join(parts), re.DOTALL)


def _read(sentence: str, detail: str) -> dict[str, str] | None:
    """What fills a sentence in what was made of it; None where this was made of another."""
    found = _pattern(sentence).fullmatch(detail)
    return None if found is None else found.groupdict()


def _said(message: str, found: Mapping[str, str], words: Words, code: str) -> Line:
    """``code``: of the refusal, whose places may hold words of ours; none of a note."""
    say = {**ALIKE, **OF_CODE.get(code, {})}
    places = {name: say[name](value, words) if name in say else value for name, value in found.items()}
    return Line(words(message, **places))


def faults_of(problem: ProblemError | None, words: Words) -> dict[str, Line]:
    """What is wrong with each field of a form, by its name: the first of what is."""
    found: dict[str, Line] = {}
    for fault in problem.faults if isinstance(problem, FormError) else ():
        if fault.name is not None:
            found.setdefault(fault.name, _fault(fault, words))
    return found


def _fault(fault: Fault, words: Words) -> Line:
    places = {
        name: words.number(value) if isinstance(value, int) else value for name, value in fault.places.items()
    }
    return Line(words(fault.text, **places)) if fault.known else _as_it_is(fault.text, words)


def _faulty(fault: Fault, words: Words) -> Line:
    line = _fault(fault, words)
    if fault.label is None:
        return line
    return Line(words(_("%(field)s: %(fault)s"), field=words(fault.label), fault=line.text), line.english)


def _as_it_is(text: str, words: Words) -> Line:
    return Line(text, words.reader.speech.language != ENGLISH)


def _named(names: Mapping[str, str], between: str) -> Callable[[str, Words], str]:
    """Of words in a sentence, with ``between`` between two, what pages call them."""

    def named(value: str, words: Words) -> str:
        return ", ".join(words(names.get(one, one)) for one in value.split(between))

    return named


def _amount(value: str, words: Words) -> str:
    """``1,299.50 EUR``, as services write it."""
    figure, _, currency = value.rpartition(" ")
    try:
        amount = minor(figure.replace(",", ""), currency)
    except ValueError:
        return value
    return money({"amount": amount, "currency": currency}, words.reader.speech)


def _count(value: str, words: Words) -> str:
    return words.number(int(value)) if value.isdecimal() and len(value) < 16 else value


def _instant(value: str, words: Words) -> str:
    """A time as services write it (ISO 8601)."""
    try:
        return words.fully(parse_time(value))
    except ValueError:
        return value


OF_CODE: Mapping[str, Mapping[str, Callable[[str, Words], str]]] = {
    INVALID_TRANSITION.code: {
        "status": _named(STATUSES, " and "),
        "step": _named(STEPS, ", "),
        "allowed": _named(STEPS, ", "),
    },
    DUPLICATE_DECIDED.code: {"status": _named(STATUSES, ", ")},
}
"""By code and the name of a place in its sentence: how words of ours in it are said. Elsewhere a place of the
same name may hold what others chose."""
ALIKE: Mapping[str, Callable[[str, Words], str]] = {
    "money": _amount,
    "most": _count,
    "size": _count,
    "at": _instant,
    "expires_at": _instant,
}
"""By the name of a place in any sentence: what is written by the reader's locale."""
