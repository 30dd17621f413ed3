"""Complaints from opening to close, what was given to make good, and the clocks of their promises."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import GivenPoints, Label, Price, Severity
from shared.schemas.interactions import MessageId

CallerName = Annotated[str, Field(min_length=1, max_length=256)]
"""The name of one who calls an API: of a key, or a token's ``sub``."""

CompensationKind = Literal["points", "voucher", "refund"]
"""What a customer is given to make good."""


class ComplaintsData(Data):
    """Common to the topic ``complaints``."""

    topic: ClassVar[str] = "complaints"
    late: ClassVar[str] = (
        "Waits 30 days for its complaint (50 of one complaint at most), else it is a dead letter "
        "`unknown_complaint`. It is judged by the status at its own time: one that does not follow is a dead "
        "letter `invalid_transition`, and holds once what it lacked is heard."
    )
    known_by: ClassVar[str] = "step: customer, `complaint_id`, type, `time`"
    again: ClassVar[str] = "Nothing."

    complaint_id: Id
    """The complaint, by its source's id; unique among those of the customer."""


class ComplaintOpened(ComplaintsData):
    """A customer complains."""

    event_type: ClassVar[str] = "rapport.complaint.opened.v1"
    late: ClassVar[str] = "Steps that were heard before it have waited, and take effect by their own times."
    again: ClassVar[str] = ""
    thing: ClassVar[str] = "complaint"
    named_by: ClassVar[tuple[str, ...]] = ("complaint_id",)

    channel: Id
    """Where it came in."""
    category: Label
    """What it is about, e.g. delivery."""
    severity: Severity
    """How bad it is."""
    description: str
    """In the customer's words."""
    order_id: Id | None = None
    """The order that it is about."""
    conversation_id: Id | None = None
    """The conversation in which it was made, and is answered."""
    message_id: MessageId | None = None
    """The name of the message that it was made by, on its channel: what is written about it answers that."""


class ComplaintAcknowledged(ComplaintsData):
    """The customer was told that we have the complaint: its first response."""

    event_type: ClassVar[str] = "rapport.complaint.acknowledged.v1"

    message: str | None = None
    """What the customer was told, where the source says it."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintUpdated(ComplaintsData):
    """The customer was told how it goes."""

    event_type: ClassVar[str] = "rapport.complaint.updated.v1"

    message: str
    """What the customer was told."""
    assignee: Id | None = None
    """Who deals with it from now on."""
    promised_by: Time | None = None
    """When the customer was promised to hear again: the update clock is due then."""


class ComplaintChanged(ComplaintsData):
    """It is worse, or about something else, than was thought, or another person deals with it."""

    event_type: ClassVar[str] = "rapport.complaint.changed.v1"

    severity: Severity | None = None
    """How bad it is."""
    category: Label | None = None
    """What it is about."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintResolved(ComplaintsData):
    """A solution was given."""

    event_type: ClassVar[str] = "rapport.complaint.resolved.v1"

    resolution: str
    """What was done."""
    root_cause: str | None = None
    """Why it had happened."""


class ComplaintReopened(ComplaintsData):
    """The solution did not hold."""

    event_type: ClassVar[str] = "rapport.complaint.reopened.v1"

    reason: str
    """Why the solution did not hold."""


class ComplaintClosed(ComplaintsData):
    """Nothing is left to do."""

    event_type: ClassVar[str] = "rapport.complaint.closed.v1"


class ComplaintWaiting(ComplaintsData):
    """It waits for the customer: until they write, or it is resumed, its clocks stand."""

    event_type: ClassVar[str] = "rapport.complaint.waiting.v1"

    reason: str
    """What is needed of the customer."""


class ComplaintResumed(ComplaintsData):
    """It waits for the customer no more."""

    event_type: ClassVar[str] = "rapport.complaint.resumed.v1"


_NEEDED = {"points": "points", "refund": "money"}
"""Kind of compensation -> the field that it needs."""


def _needed_schema(kind: str) -> dict[str, JsonValue]:
    field = _NEEDED[kind]
    return {
        "if": {"properties": {"kind": {"const": kind}}},
        "then": {"required": [field], "properties": {field: {"not": {"type": "null"}}}},
    }


class CompensationFields(Open):
    """What makes good, as it is asked for and as it is granted."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_needed_schema(kind) for kind in _NEEDED]})

    kind: CompensationKind
    """Points, a voucher, or money back."""
    points: Annotated[GivenPoints | None, Field(validate_default=True)] = None
    """How many; needed where kind is points."""
    reward_id: Id | None = None
    """The reward whose voucher it is, where kind is voucher: loyalty gives it without points."""
    money: Annotated[Price | None, Field(validate_default=True)] = None
    """How much; needed where kind is refund."""

    @field_validator("points", "money")
    @classmethod
    def _given(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name == _NEEDED.get(info.data.get("kind", "")):
            raise PydanticCustomError("needed", "is needed for this kind")
        return value


class CompensationGranted(CompensationFields, ComplaintsData):
    """Something was given to make good; loyalty credits points and issues a reward's voucher, the rest is for
    the shop."""

    event_type: ClassVar[str] = "rapport.compensation.granted.v1"
    late: ClassVar[str] = (
        "Points are credited, and a reward's voucher is issued, when it is heard. For the complaint it waits "
        "30 days, else it is a dead letter `unknown_complaint`; by the status at its own time it may be one "
        "`invalid_transition`."
    )
    known_by: ClassVar[str] = Data.known_by
    again: ClassVar[str] = "Is granted again."

    asked_by: CallerName | None = None
    """Who asked for it, where an API was asked."""
    approved_by: CallerName | None = None
    """Who approved it, where that was needed."""


ClockName = Literal["first_response", "next_response", "update", "resolution"]
"""What was promised: the first answer, the answer to a later message, to hear how it goes, the solution."""


class ComplaintClockData(ComplaintsData):
    """Common to what Rapport tells of a clock; its time is the instant at which that fell due."""

    late: ClassVar[str] = "Rapport tells it; a step heard late does not take it back."
    known_by: ClassVar[str] = "customer, `complaint_id`, `clock`, run"
    again: ClassVar[str] = "Nothing: it is told once a clock and run."

    clock: ClockName
    """Which promise it is about."""


class ComplaintSlaNotice(ComplaintClockData):
    """Common to those that say when the clock was due."""

    due_at: Time
    """When it was due."""
    policy: Id | None = None
    """The policy that held; written always."""
    version: Label | None = None
    """The version of the SLA file: the day from which it is effective; written always."""


class ComplaintSlaWarned(ComplaintSlaNotice):
    """A deadline is near. Written by Rapport."""

    event_type: ClassVar[str] = "rapport.complaint.sla_warned.v1"


class ComplaintSlaMet(ComplaintSlaNotice):
    """What was promised was done in time. Written by Rapport."""

    event_type: ClassVar[str] = "rapport.complaint.sla_met.v1"


class ComplaintSlaBreached(ComplaintSlaNotice):
    """A deadline passed. Written by Rapport."""

    event_type: ClassVar[str] = "rapport.complaint.sla_breached.v1"


class ComplaintEscalated(ComplaintClockData):
    """A deadline passed some time ago: the next in line is told. Written by Rapport."""

    event_type: ClassVar[str] = "rapport.complaint.escalated.v1"

    level: Annotated[int, Field(ge=1, le=1_000)]
    """Its place in the policy's list, from 1."""
    to: Id
    """Who is told, as the policy names them."""
