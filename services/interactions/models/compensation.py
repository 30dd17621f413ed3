"""Compensation over HTTP: what is asked for, and what waits for an approval."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import model_validator

from shared.schemas.base import Frozen, Id, Money, Strict
from shared.schemas.complaints import CompensationKind
from shared.schemas.fields import GivenPoints, Price
from shared.schemas.times import moment

_FIELDS = {"points": "points", "voucher": "reward_id", "refund": "money"}
"""Kind -> the field that is of this kind above all."""


class Compensation(Strict):
    """``points`` for kind points; ``money`` for kind refund; ``reward_id`` for kind voucher, which may also
    say points or money: what a voucher of the shop's own is worth."""

    kind: CompensationKind
    points: GivenPoints | None = None
    reward_id: Id | None = None
    money: Price | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Compensation":
        needed = _FIELDS[self.kind]
        if self.kind != "voucher" and getattr(self, needed) is None:
            raise ValueError(f"{needed} is needed for kind {self.kind}")
        if self.kind != "voucher" and self.reward_id is not None:
            raise ValueError("reward_id is for kind voucher alone")
        return self


class Approving(Strict):
    """``approval_id``: which of those that wait; needed where there are several."""

    approval_id: Id | None = None


class ApprovalView(Frozen):
    """Compensation that waits for the approval of another principal than ``asked_by``."""

    approval_id: str
    asked_by: str | None
    asked_at: datetime
    kind: CompensationKind
    points: int | None = None
    reward_id: str | None = None
    money: Money | None = None


def approval_view(approval: Mapping[str, Any]) -> ApprovalView:
    """Of a complaint's row."""
    told = {"asked_by": None, **approval, "asked_at": moment(approval["at"])}
    return ApprovalView.model_validate(told)
