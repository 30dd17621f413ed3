"""The example of CONTRIBUTING and of the kit's docstring: it is true as it stands there."""

from datetime import timedelta
from pathlib import Path

import shared.journal.testing
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler
from shared.journal.testing import InMemoryWorker
from shared.schemas.loyalty import PointsEarned, PointsExpired
from shared.schemas.purchases import PurchaseMade

SETTINGS = LoyaltySettings(kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16, program=None)


def purchase(cents: int) -> PurchaseMade:
    total = {"amount": cents, "currency": "EUR"}
    return PurchaseMade.model_validate({"order_id": "o-1", "channel": "web", "total": total, "items": []})


def test_points_expire_after_a_year() -> None:
    worker = InMemoryWorker(handler(SETTINGS))
    assert worker.tell("c-1", purchase(cents=10_000)).status == "applied"
    assert [fact.points for fact in worker.facts(PointsEarned)] == [100]
    worker.advance(timedelta(days=365))  # timers fire on the way, each at its own time
    assert [fact.points for fact in worker.facts(PointsExpired)] == [-100]
    assert worker.dead_letters == []


def test_it_is_the_example_of_the_documents() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    example = here[here.index("def test_points") : here.index("def test_it_is")].strip()
    assert example in (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = example.replace("\n", "\n    ")
    assert shown in (shared.journal.testing.__doc__ or "")
