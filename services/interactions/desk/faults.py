"""What is wrong with a form, field by field, in people's terms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.interactions.desk.words import _
from shared.http.problems import ProblemError, invalid
from shared.schemas.base import ID_PATTERN

FIELDS: Mapping[str, str] = {
    "agent_id": _("Agent"),
    "amount": _("Amount"),
    "approval_id": _("Approve"),
    "assignee": _("Who deals with it"),
    "category": _("What it is about"),
    "channel": _("Channel"),
    "conversation_id": _("The conversation"),
    "currency": _("Currency"),
    "customer_id": _("Customer"),
    "description": _("What went wrong"),
    "doing": _("What to do"),
    "kind": _("What is given"),
    "language": _("Language"),
    "message": _("What they are told"),
    "money": _("Amount"),
    "order_id": _("Order"),
    "outcome": _("What came of it"),
    "points": _("Points"),
    "promised_by": _("Day and time"),
    "reason": _("Why"),
    "resolution": _("How it was solved"),
    "reward_id": _("Reward"),
    "root_cause": _("What caused it"),
    "severity": _("How bad it is"),
    "shift": _("My shift"),
    "state": _("My shift"),
    "subject": _("Subject"),
    "team": _("Team"),
    "text": _("Text"),
    "timezone": _("Time zone"),
    "to": _("To whom"),
    "told_by": _("Agent"),
    "until": _("Day and time"),
}
"""What pages call the fields of forms."""
NEEDED = _("This is needed.")
KINDS: Mapping[str, str] = {
    "missing": NEEDED,
    "string_too_short": NEEDED,
    "string_too_long": _("At most %(max_length)s characters."),
    "string_pattern_mismatch": _("It has characters that cannot be here."),
    "literal_error": _("This is none of the choices."),
    "greater_than_equal": _("At least %(ge)s."),
    "less_than_equal": _("At most %(le)s."),
    "int_parsing": _("A whole number is needed."),
    "int_parsing_size": _("This number is too large."),
    "negative": _("It cannot be less than nothing."),
    "time": _("Say until when: a day and a time."),
}
"""By what Pydantic, or a field of ours, calls the fault."""
PATTERNS: Mapping[str, str] = {
    ID_PATTERN: _("It has letters, digits and . _ : - alone, at most 128."),
    r"^[A-Z]{3}$": _("Three capital letters, such as EUR."),
    r"^[^\x00-\x1f\x7f]+$": _("One line alone."),
}
"""Of texts that must be written in a certain way: how."""
WHOLE: Mapping[str, str] = {
    "told_by is a colleague of agent_id": _("Thank somebody else than yourself."),
    "severity, category or assignee is needed": _(
        "Say what changes: how bad it is, what it is about, or who deals with it."
    ),
}
"""Where fields do not go together: by what the model says of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``text`` is for catalogues, with its ``places``; where nobody has said it, it is English and stays."""

    text: str
    places: Mapping[str, object] = field(default_factory=dict)
    label: str | None = None
    """What pages call the field, for catalogues; None where the text says it."""
    known: bool = True
    name: str | None = None
    """The field's own."""


class FormError(ProblemError):
    """422 ``invalid``, with what is wrong with each field of a form."""

    def __init__(self, faults: Iterable[Fault], detail: str = "") -> None:
        super().__init__(422, "invalid", detail)
        self.faults = tuple(faults)


def not_valid(error: ValidationError) -> FormError:
    """The faults that Pydantic found in a form."""
    found = error.errors()
    detail = invalid([{**one, "loc": ("form", *one["loc"])} for one in found]).detail
    return FormError((_fault(one) for one in found), detail)


def _fault(error: Mapping[str, Any]) -> Fault:
    kind, ctx = error["type"], error.get("ctx", {})
    text = PATTERNS.get(ctx.get("pattern", ""), KINDS.get(kind))
    said = error["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        text = WHOLE.get(said)
    name = next((str(one) for one in reversed(error["loc"]) if one in FIELDS), None)
    label = None if name is None else FIELDS[name]
    if text is None:
        return Fault(said, label=label, known=False, name=name)
    return Fault(text, {one: ctx[one] for one in ctx if f"%({one})s" in text}, label, name=name)
