"""What a service reads of its own: commands it sends itself, not the facts it has decided."""

import pytest

from shared.schemas.commands import RedemptionRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.worker.intake import Intake
from tests.unit.journal.driver import START, purchase
from tests.unit.worker.consumer import record

PARTITIONS = 4


@pytest.mark.parametrize("source", ["/rapport/loyalty", "/api/loyalty/anna/redemptions"])
def test_a_service_reads_commands_whoever_sent_them(source: str) -> None:
    event = Event("x", source, "c1", START, RedemptionRequested(reward_id="tea"))
    slot = Intake("loyalty", (RedemptionRequested,)).read(record(event, 7, PARTITIONS), PARTITIONS)
    assert slot.event == event


@pytest.mark.parametrize(("source", "is_read"), [("/rapport/loyalty", False), ("/till", True)])
def test_a_service_skips_facts_it_wrote_itself(source: str, is_read: bool) -> None:
    made = purchase(1, "c1", START, 5)
    event = Event(made.id, source, made.subject, made.time, made.data)
    slot = Intake("loyalty", (PurchaseMade,)).read(record(event, 7, PARTITIONS), PARTITIONS)
    assert (slot.event == event) is is_read
