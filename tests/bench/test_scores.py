"""A million customers' scores in a night: what one costs, with its record read from its bytes."""

import os
import time
from random import Random

from services.metrics.domain import state
from services.metrics.domain.health import HealthPolicy, Models, health
from services.metrics.domain.state import Customer, Order
from shared.schemas.times import DAY

CUSTOMERS = int(os.environ.get("RAPPORT_BENCH_SCORES", "1000"))
MILLION_SECONDS = 3_600
MODELS = Models.of({"gamma-gamma.EUR": {"p": 6.25, "q": 3.74, "v": 1544.0}})
NOW = 800 * DAY


def customer(random: Random) -> bytes:
    """Two years of one who buys up to twice a week."""
    orders = {
        f"order-{n}": Order(
            touched=0,
            made=int(random.uniform(0, 800) * DAY),
            channel="web",
            amount=(amount := random.randint(100, 20_000)),
            left=amount,
            currency="EUR",
            lines=2,
        )
        for n in range(random.choice([0, 1, 2, 5, 20, 60, 200]))
    }
    counts = {random.randrange(800): {"earned": 10} for _ in orders}
    return state.encode(Customer(orders=orders, counts=counts, tier="silver"))


def test_a_million_scores_take_less_than_a_core_hour() -> None:
    random, policy = Random(1), HealthPolicy()
    records = [customer(random) for _ in range(CUSTOMERS)]
    began = time.process_time()
    for record in records:
        health(state.decode(record), MODELS, policy, NOW)
    each = (time.process_time() - began) / CUSTOMERS
    print(f"\n{each * 1e6:,.0f} us a score: {each * 1e6 / 60:,.1f} core-minutes a million (bound: 60)")
    assert each * 1_000_000 < MILLION_SECONDS
