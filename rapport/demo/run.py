"""The demo from the replay to the self-check, on a stack that runs."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from pymongo import MongoClient
from rich.console import Console

from rapport import broker
from rapport.client import Client
from rapport.demo import oracle
from rapport.demo.book import compare_book, read_book, show_book
from rapport.demo.calibration import show_calibration
from rapport.demo.check import Checked, Difference, check, untimely
from rapport.demo.desk import complainants, send, show_desk, work_a_day
from rapport.demo.forgetting import chosen, forget, show_forgotten
from rapport.demo.gallery import show_gallery
from rapport.demo.live import Board
from rapport.demo.messages import show_messages
from rapport.demo.promises import check_promises, promises, show_promises
from rapport.demo.redeem import Redeemed, redeem_some
from rapport.demo.report import write_report
from rapport.demo.settle import Left, Settling
from rapport.demo.stack import DemoStack
from rapport.demo.stories import Storyteller
from rapport.demo.summary import show_differences, show_summary, show_urls
from rapport.demo.tally import TOPICS, Follower
from rapport.replay.completejourney import CompleteJourney, customer_id, data_folder
from rapport.replay.desk import weeks_before
from rapport.replay.feed import Progress, feed
from rapport.replay.record import Record
from rapport.replay.simulated import simulate
from rapport.replay.sinks import KafkaSink
from rapport.replay.source import merged
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers

REDEEMED_AT = datetime(2018, 2, 1, tzinfo=UTC)
"""All that is replayed lies before it."""
ENDS_AT = datetime(2018, 7, 1, tzinfo=UTC)
DESK_AT = datetime(2018, 7, 2, 14, 30, tzinfo=UTC)
"""The day on which the desk is looked at, after all checks."""
KPIS = "/kpis?window=550d"
"""All of the year and the half-year after it."""
_LOOK_EVERY_S = 1.0
_KPIS_EVERY_S = 4.0
_TALLY_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Year:
    """What goes in."""

    data: CompleteJourney
    simulated: list[Record]

    @property
    def total(self) -> int:
        return len(self.data.baskets) + len(self.simulated)

    @property
    def customers(self) -> list[str]:
        return [customer_id(household) for household in self.data.households]

    @property
    def bought(self) -> dict[str, list[datetime]]:
        """Customer id -> the times of their purchases."""
        found: dict[str, list[datetime]] = defaultdict(list)
        for basket in self.data.baskets:
            found[customer_id(basket.household)].append(basket.at)
        return found


def read_year(households: int, seed: int) -> Year:
    """The recorded baskets and the simulated events around them. Raises TroubleError."""
    data = CompleteJourney(households)
    return Year(data, simulate(data, seed))


def run(stack: DemoStack, year: Year, seed: int, console: Console, *, kept: bool) -> bool:
    """Everything on a stack that runs; True if the self-check found no difference. Raises TroubleError.

    ``kept``: whether the stack runs on afterwards.
    """
    servers = Brokers(stack.env["RAPPORT_KAFKA"])
    with ExitStack() as contexts:
        client = contexts.enter_context(Client(stack.env))
        admin = contexts.enter_context(broker.admin(servers))
        mongo: MongoClient[dict[str, Any]] = contexts.enter_context(
            MongoClient(stack.env["RAPPORT_MONGO"], tz_aware=True)
        )
        follower = contexts.enter_context(Follower(servers))
        settling = Settling(admin, mongo)
        with Board(console, year.total, follower.snapshot) as board:
            redeemed = _drive(stack, year, seed, client, servers, settling, board)
            board.phase("checking every member against the ledger and the recomputation")
            checked = check(client, expected(year, redeemed))
            board.phase("checking every complaint's clocks against a simulation of the year")
            made = promises(year.simulated, ENDS_AT)
            untrue = check_promises(client, made)
            _wait_for_tally(follower, admin)
            tally, book = follower.snapshot(), read_book(client)
            board.phase(f"a day at the desk: {DESK_AT:%A, %d %B %Y}")
            work_a_day(stack, client, settling, complainants(year.simulated, year.customers), DESK_AT, seed)
        late = [*untimely(year.bought, tally.moments), *compare_book(book, tally)]
        teller = Storyteller(year.data.baskets, year.simulated, tally.moments, redeemed, REDEEMED_AT)
        stories = teller.three()
        show_summary(console, checked, tally, client.get("metrics", KPIS), stories)
        show_messages(console, client, {story.customer: story.title for story in stories})
        show_book(console, book)
        show_promises(console, client, made)
        show_calibration(console)
        show_gallery(console, stack.home.root / "gallery")
        show_urls(console, client.urls, stories[0].customer if stories else year.customers[0], kept=kept)
        show_desk(console, client, kept=kept)
        write_report(client, stack.home)
        told_of = {story.customer for story in stories}
        forgotten = forget(stack, client, chosen(year.customers, told_of))
        unproven = show_forgotten(console, forgotten)
    return _verdict(checked, [*late, *untrue], len(made.cases), console) and not unproven


def expected(year: Year, redeemed: Iterable[Redeemed]) -> dict[str, oracle.Expected]:
    """Every member's account at the end, by the recomputation."""
    returns: dict[str, list[oracle.Return]] = defaultdict(list)
    for record in year.simulated:
        event = msgspec.json.decode(record.value)
        if event["type"] == "rapport.purchase.returned.v1":
            data = event["data"]
            back = oracle.Return(
                record.at, data["order_id"], data["refund"]["amount"], max(len(data["items"]), 1)
            )
            returns[record.key].append(back)
    spent = {one.customer: [oracle.Redemption(REDEEMED_AT, one.cost)] for one in redeemed}
    purchases = oracle.recorded_purchases(data_folder(), len(year.data.households))
    return oracle.expect_all(purchases, returns, spent, ENDS_AT)


def _drive(
    stack: DemoStack,
    year: Year,
    seed: int,
    client: Client,
    servers: Brokers,
    settling: Settling,
    board: Board,
) -> list[Redeemed]:
    """The year, the redemptions, and the half-year after; each until the platform is done with it."""
    kpis_at = 0.0

    def show(left: Left) -> None:
        nonlocal kpis_at
        board.left(left)
        if time.monotonic() >= kpis_at:
            board.nps(client.get("metrics", KPIS))
            kpis_at = time.monotonic() + _KPIS_EVERY_S

    board.phase("replaying the year")
    with _replaying(year, servers, board) as replay:
        while not replay.done():
            show(settling.left(None))
            time.sleep(_LOOK_EVERY_S)
        replay.result()
    board.phase("the year is sent; the services catch up")
    settling.wait(None, told=show)
    board.phase(f"the clock goes to {REDEEMED_AT:%d %B %Y}")
    stack.advance_clock(REDEEMED_AT)
    settling.wait(REDEEMED_AT, told=show)
    board.phase("some members redeem points")
    redeemed = redeem_some(client, year.customers, seed)
    board.phase("four weeks of June at the desk")
    send(stack, weeks_before(year.customers, ENDS_AT, seed))
    settling.wait(REDEEMED_AT, told=show)
    board.phase(f"the clock goes to {ENDS_AT:%d %B %Y}: points expire, reminders fall due")
    stack.advance_clock(ENDS_AT)
    settling.wait(ENDS_AT, told=show)
    return redeemed


@contextmanager
def _replaying(year: Year, servers: Brokers, board: Board) -> Iterator[Future[Progress]]:
    """The replay in a thread of its own; when left early, it ends at its next chunk."""
    ended = False

    def report(done: Progress) -> None:
        if ended:
            raise TroubleError("The replay was stopped.")
        board.progress(done)

    def send() -> Progress:
        with KafkaSink(servers) as sink:
            return feed(merged(year.data.purchases(), year.simulated), sink, report=report)

    with ThreadPoolExecutor(1, "replay") as pool:
        try:
            yield pool.submit(send)
        finally:
            ended = True


def _wait_for_tally(follower: Follower, admin: Any) -> None:
    ends = broker.end_offsets(admin, broker.partitions_of(admin, TOPICS))
    deadline = time.monotonic() + _TALLY_PATIENCE_S
    while not follower.caught_up(ends):
        if time.monotonic() > deadline:
            raise TroubleError("The topics loyalty and outreach could not be read to their ends.")
        time.sleep(0.1)


def _verdict(checked: Checked, others: list[Difference], complaints: int, console: Console) -> bool:
    if differences := [*checked.differences, *others]:
        show_differences(console, differences)
        return False
    members = f"{len(checked.accounts):,}"
    console.print(
        f"\n[green]Checked:[/green] {members} balances equal their ledgers and the recomputation from the "
        "parquet files; so do tiers and points earned, reversed, redeemed and expired. No win-back message "
        f"went to a customer who had just bought. The book of messages is balanced, by rule and day, and "
        f"says what the topic told. The clocks of {complaints:,} complaints stand as a "
        "simulation of the year has them.",
        soft_wrap=True,
    )
    return True
