"""What all members together have, as Prometheus gauges, refreshed from the store by the API.

Each replica of the API shows the same numbers: take ``max`` over them, not a sum.
"""

from fastapi import FastAPI

from services.loyalty import telemetry
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.liability import liability
from services.loyalty.store import LoyaltyStore, Sums
from shared.schemas.times import micros

_TIER = "tier "


def show(months: Sums, totals: Sums, program: Program) -> None:
    """Set every gauge from the store's sums, valued by this version of the program."""
    found = liability(months, totals.get("points", {}), program)
    telemetry.OUTSTANDING.set(found.outstanding)
    telemetry.PENDING.set(found.pending)
    telemetry.OWED.set(found.owed)
    telemetry.LIABILITY.labels(program.currency).set(found.money)
    for key, sums in totals.items():
        if key.startswith(_TIER):
            telemetry.MEMBERS.labels(key.removeprefix(_TIER)).set(sums.get("members", 0))


async def refresh(app: FastAPI) -> None:
    """Read the sums and set every gauge."""
    store = LoyaltyStore(app.state.database)
    program = app.state.programs.at(micros(await app.state.clock.now(None)))
    show(await store.liability(), await store.totals(), program)
    telemetry.REFRESHED.set_to_current_time()
