"""Complaints from opening to close, what was given to make good, and deadlines missed."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.schemas.base import Data, Id, Open, Time
from shared.schemas.fields import GivenPoints, Label, Price, Severity

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


class ComplaintAcknowledged(ComplaintsData):
    """The customer was told that we have the complaint: its first response."""

    event_type: ClassVar[str] = "rapport.complaint.acknowledged.v1"

    message: str | None = None
    """What the customer was told, where the source says it."""


class ComplaintUpdated(ComplaintsData):
    """The customer was told how it goes."""

    event_type: ClassVar[str] = "rapport.complaint.updated.v1"

    message: str
    """What the customer was told."""


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
    money: Annotated[Price | None, Field(validate_default=True)] = None
    """How much; needed where kind is refund."""

    @field_validator("points", "money")
    @classmethod
    def _given(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name == _NEEDED.get(info.data.get("kind", "")):
            raise PydanticCustomError("needed", "is needed for this kind")
        return value


class CompensationGranted(CompensationFields, ComplaintsData):
    """Something was given to make good; loyalty credits the points."""

    event_type: ClassVar[str] = "rapport.compensation.granted.v1"
    late: ClassVar[str] = (
        "Points are credited when it is heard. For the complaint it waits 30 days, else it is a dead letter "
        "`unknown_complaint`; by the status at its own time it may be one `invalid_transition`."
    )
    known_by: ClassVar[str] = Data.known_by
    again: ClassVar[str] = "Is granted again."


class ComplaintSlaBreached(ComplaintsData):
    """A deadline passed. Written by Rapport."""

    event_type: ClassVar[str] = "rapport.complaint.sla_breached.v1"
    late: ClassVar[str] = "Waits for its complaint as a step does; a step taken since has met the clock."
    known_by: ClassVar[str] = "customer, `complaint_id`, `clock`"
    again: ClassVar[str] = "Nothing: the latest of a clock is kept."

    clock: Literal["first_response", "update", "resolution"]
    """Which deadline it was: for the first answer, the next one, or the solution."""
    due_at: Time
    """When it was due."""
