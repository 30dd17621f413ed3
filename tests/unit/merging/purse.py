"""A small domain to merge: a purse with a coin for each review, told of whom, and a count of commands."""

from collections.abc import Iterable

from shared.domain import Context, Effects, Handler, Outcome
from shared.merging.course import Course, Left, concerns
from shared.merging.rows import MERGED
from shared.merging.state import Standing
from shared.schemas.base import Frozen
from shared.schemas.commands.loyalty import VoucherRedeemRequested
from shared.schemas.commands.merging import MERGING
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted


class Coin(Frozen):
    name: str
    """Of its event: source and id."""
    of: str = ""
    """Whom it was told of; empty: of this customer."""


class Handed(Frozen):
    coins: tuple[Coin, ...] = ()


class Purse(Frozen):
    merging: Standing | None = None
    coins: tuple[Coin, ...] = ()


def act(state: Purse, event: Event, context: Context) -> Effects[Purse]:
    match event.data:
        case ReviewPosted():
            of = "" if event.told_of == event.subject else event.told_of
            coin = Coin(name=f"{event.source} {event.id}", of=of)
            return Effects(state.model_copy(update={"coins": (*state.coins, coin)}))
        case VoucherRedeemRequested(voucher_code=code):
            return Effects(state, outcome=Outcome(201, {"by": event.subject, "code": code}))
    raise TypeError(event.type)


def _with(state: Purse, coins: Iterable[Coin]) -> Purse:
    return state.model_copy(update={"coins": tuple(coins)})


def leave(state: Purse, event: Event, context: Context) -> Left[Purse, Handed]:
    gone = tuple(coin.model_copy(update={"of": coin.of or event.subject}) for coin in state.coins)
    return Left(Effects(_with(state, ())), Handed(coins=gone))


def join(state: Purse, handed: Handed, event: Event, context: Context) -> Effects[Purse]:
    here = event.subject
    come = (c.model_copy(update={"of": "" if c.of == here else c.of}) for c in handed.coins)
    return Effects(_with(state, (*state.coins, *come)))


def give_back(state: Purse, customers: frozenset[str], event: Event, context: Context) -> Left[Purse, Handed]:
    going = tuple(coin for coin in state.coins if coin.of in customers)
    staying = (coin for coin in state.coins if coin.of not in customers)
    return Left(Effects(_with(state, staying)), Handed(coins=going))


def handler(service: str = "loyalty", most: int = 900_000) -> Handler[Purse]:
    course = Course(service=service, handed=Handed, leave=leave, join=join, give_back=give_back, most=most)

    def apply(state: Purse, event: Event, context: Context) -> Effects[Purse]:
        if concerns(state.merging, event):
            return course.apply(state, event, context, act)
        return act(state, event, context)

    return Handler(
        service=service,
        consumes=(
            ReviewPosted,
            VoucherRedeemRequested,
            CustomerMerged,
            CustomerUnmerged,
            *MERGING[service].all,
        ),
        state=Purse,
        initial=lambda id: Purse(),
        apply=apply,
        collections=(MERGED,),
    )
