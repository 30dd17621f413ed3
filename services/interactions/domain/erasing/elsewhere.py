"""What is held elsewhere of a customer whose rows go: states of other kinds are told, as they hold the same,
and others' rows name them no more. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from shared.domain import Emit
from shared.schemas.base import Data
from shared.schemas.commands.duplicates import DuplicateForgetRequested
from shared.schemas.commands.orders import OrderForgetRequested
from shared.schemas.commands.teams import TaskForgetRequested
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.feedback import ReferralMade
from shared.schemas.times import moment

NAMES: Mapping[type[Data], str] = {
    CustomerMerged: "into",
    CustomerUnmerged: "from_",
    ReferralMade: "referred_customer",
}
"""The fields of facts that name another customer than the one whom they are about."""


def forgotten_pair(row: Mapping[str, Any]) -> Emit:
    """Of a suggestion that two are one."""
    return Emit(DuplicateForgetRequested(), moment(row["at"]), row["_id"])


def forgotten_order(row: Mapping[str, Any]) -> Emit:
    """Of a shop's order."""
    return Emit(OrderForgetRequested(customer_id=row["customer"]), moment(row["at"]), row["_id"])


def forgotten_task(row: Mapping[str, Any]) -> Emit:
    """Of a team's task about the customer."""
    return Emit(TaskForgetRequested(task_id=row["task_id"]), moment(row["opened_at"]), row["team"])


def named_by(data: Data) -> tuple[str, ...]:
    """The other customers whom a fact names."""
    name = NAMES.get(type(data))
    return () if name is None else (getattr(data, name),)


def nameless(row: Mapping[str, Any], gone: frozenset[str]) -> dict[str, Any]:
    """What changes of a fact's row in the timeline that names somebody who is gone: that it was, stays."""
    summary = row["summary"]
    for id in gone:
        summary = summary.replace(f"customer {id}", "another customer").replace(
            f"Referred {id}", "Referred a friend"
        )
    known = json.loads(row["data"]).items()
    told = {name: value for name, value in known if not (isinstance(value, str) and value in gone)}
    return {
        "summary": summary,
        "data": json.dumps(told, ensure_ascii=False, separators=(",", ":")),
        "names": [id for id in row["names"] if id not in gone],
    }
