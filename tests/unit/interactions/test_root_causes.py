"""What a resolution may name as root cause, where the SLA file lists it."""

from dataclasses import replace
from functools import partial

import pytest

from services.interactions.config import parse
from services.interactions.domain.apply import apply
from shared.domain import Outcome
from shared.journal.testing import InMemoryWorker
from shared.runtime.config import ConfigError
from shared.schemas.commands.complaints import ComplaintResolveRequested
from shared.schemas.complaints import ComplaintReopened

from .test_compensation import ID, OPENED, RESOLVED, Desk
from .told import HANDLER, event

LISTED = """
name: test
versions: [{effective: 2020-01-01, policies: []}]
root_causes: [carrier, warehouse]
"""


def test_a_root_cause_is_one_of_the_list() -> None:
    worker = InMemoryWorker(replace(HANDLER, apply=partial(apply, parse(LISTED))))

    def resolve(cause: str | None, minutes: float) -> Outcome:
        said = {"complaint_id": ID, "resolution": "sent", "root_cause": cause}
        command = ComplaintResolveRequested.model_validate(said)
        told = event(command, f"k-{minutes}", minutes, source="/api/interactions/x/r")
        outcome = worker.send(told).outcome
        assert outcome is not None
        return outcome

    worker.send(event(OPENED))
    assert resolve("weather", 1) == Outcome(
        422,
        {
            "code": "unknown_root_cause",
            "detail": "The root cause must be one of: carrier, warehouse.",
            "field": "body.root_cause",
        },
    )
    assert resolve("carrier", 2).status == 200
    worker.send(event(ComplaintReopened(complaint_id=ID, reason="again"), "f-3", 3))
    assert resolve(None, 4).status == 200
    worker.send(event(ComplaintReopened(complaint_id=ID, reason="again"), "f-5", 5))
    told = event(RESOLVED.model_copy(update={"root_cause": "weather"}), "f-6", 6)
    assert worker.send(told).status == "applied", "one from outside is kept as told"


def test_without_a_list_any_root_cause_is_taken() -> None:
    said = ComplaintResolveRequested(complaint_id=ID, resolution="sent", root_cause="The weather, again!")
    assert Desk().ask(said)[0] == 200


@pytest.mark.parametrize(
    ("listed", "error"),
    [("[]", "root_causes: must name one at least"), ("[a, b, a]", r"root_causes\[2\]: is listed twice: a")],
)
def test_a_bad_list_is_refused(listed: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        parse(LISTED.replace("[carrier, warehouse]", listed))
