"""How well customers' health told beforehand who would stay away: on all that the data set recorded.

However few households the demo replays: of 200 of them a dozen stay away in a quarter, which tells little.
"""

from collections import defaultdict
from collections.abc import Iterable

from rich.console import Console

from rapport.health.calibrate import calibrate_records
from rapport.health.page import page
from rapport.replay.completejourney import CURRENCY, Basket, CompleteJourney
from services.metrics.config import load
from services.metrics.domain.state import Customer, Order
from shared.schemas.times import micros


def show_calibration(console: Console) -> None:
    """By the policy that ships, of recorded purchases alone."""
    data = CompleteJourney()
    households, purchases = f"{len(data.households):,}", f"{len(data.baskets):,}"
    told = f"the {purchases} recorded purchases of all {households} households"
    console.print(f"\n[bold]Who stayed away, and what health had said[/bold]: {told}", soft_wrap=True)
    for part in page(calibrate_records(records(data.baskets), load().health)):
        console.print(part, soft_wrap=isinstance(part, str))


def records(baskets: Iterable[Basket]) -> dict[str, Customer]:
    """By household, what metrics would keep of these purchases."""
    orders: dict[int, dict[str, Order]] = defaultdict(dict)
    for one in baskets:
        made = micros(one.at)
        orders[one.household][one.order_id] = Order(
            touched=made, made=made, amount=one.cents, left=one.cents, currency=CURRENCY, lines=1
        )
    return {str(household): Customer(orders=some) for household, some in orders.items()}
