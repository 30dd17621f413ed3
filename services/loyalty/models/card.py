"""What a member's own page shows, in the words of the page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.loyalty.domain import rules
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.program.program import Program, Programs
from services.loyalty.domain.reports.view import MemberView, view
from services.loyalty.domain.rows import LedgerRow
from services.loyalty.domain.state import MemberState
from shared.http.linked import Words
from shared.schemas.times import Micros, moment

MOST_EXPIRIES = 6
MOST_AHEAD = 3
"""Rewards shown that are not within reach yet."""
MOST_ENTRIES = 10

NAMES: Mapping[type[rules.Rule], str] = {
    rules.Purchase: "purchase",
    rules.ReferrerReward: "referral",
    rules.FriendReward: "referral",
    rules.Welcome: "welcome",
    rules.Anniversary: "anniversary",
    rules.Birthday: "birthday",
    rules.Compensation: "compensation",
    rules.Adjustment: "adjustment",
    rules.Return: "return",
    rules.Double: "return",
    rules.Joining: "joining",
    rules.Expiry: "expired",
    rules.Unknown: "adjustment",
}
"""Rules by what the page calls their entries. What an agent wrote is not for the member."""


class Row(NamedTuple):
    """A line: what it is, and what stands at its end."""

    what: str
    value: str
    under: str = ""


class Card(NamedTuple):
    """The page of one member."""

    balance: str
    pending: str
    tier: str
    tier_until: str
    next_tier: str
    way: int | None
    """Per cent of the way to the next tier; None at the top."""
    expiring: list[Row]
    reach: list[Row]
    ahead: list[Row]
    vouchers: list[Row]
    entries: list[Row]


def card(
    say: Words,
    state: MemberState,
    programs: Programs,
    now: Micros,
    rows: Sequence[LedgerRow],
    used: Mapping[str, int],
) -> Card:
    """``rows``: the newest entries first. ``used``: what is taken of the stocks, by counter."""
    seen, program = view(state, programs, now), programs.at(now)
    reader = say.reader
    reach, ahead = _rewards(say, program, seen, now, used)
    until = "" if seen.tier_ends_at is None else reader.day(moment(seen.tier_ends_at))
    needed = seen.spend_needed
    next_tier = (seen.next_tier or "").capitalize()
    return Card(
        balance=_points(say, seen.balance),
        pending=_points(say, seen.pending) if seen.pending else "",
        tier=seen.tier.capitalize(),
        tier_until=say("card.tier.until", date=until) if until else "",
        next_tier=(
            ""
            if needed is None
            else say("card.tier.next", money=reader.money(needed, program.currency), tier=next_tier)
        ),
        way=None if needed is None else 100 * seen.spend // max(seen.spend + needed, 1),
        expiring=[
            Row(reader.day(moment(at)), _points(say, points)) for points, at in seen.expiring[:MOST_EXPIRIES]
        ],
        reach=reach,
        ahead=ahead,
        vouchers=[
            Row(
                _reward_name(programs, voucher.reward_id),
                voucher.code,
                say("card.voucher.until", date=reader.moment(moment(voucher.expires_at))),
            )
            for voucher in sorted(state.vouchers, key=lambda one: one.expires_at)
            if voucher.status == "open" and now < voucher.expires_at
        ],
        entries=[
            Row(_entry(say, programs, row), _signed(say, row.points), reader.day(row.at)) for row in rows
        ],
    )


def _rewards(
    say: Words, program: Program, seen: MemberView, now: Micros, used: Mapping[str, int]
) -> tuple[list[Row], list[Row]]:
    """Those within reach, the dearest first, and those that are next."""
    offered = _offered(program, program.rank(seen.tier), now, used)
    reach = [Row(one.name, _points(say, one.cost)) for one in offered if one.cost <= seen.balance]
    ahead = [
        Row(one.name, _points(say, one.cost), say("card.ahead", points=say.reader.number(missing)))
        for one in offered
        if (missing := one.cost - seen.balance) > 0
    ]
    return reach[::-1], ahead[:MOST_AHEAD]


def _offered(program: Program, rank: int, now: Micros, used: Mapping[str, int]) -> Iterable[Reward]:
    return [
        one
        for one in program.by_cost
        if program.offers(one, rank, now) and (one.stock is None or used.get(one.counter, 0) < one.stock)
    ]


def _entry(say: Words, programs: Programs, row: LedgerRow) -> str:
    match row.why:
        case rules.Campaign() as why:
            return why.name
        case rules.Redemption(reward_id):
            return say("card.entry.redeemed", reward=_reward_name(programs, reward_id))
        case rules.Cancellation(reward_id):
            return say("card.entry.restored", reward=_reward_name(programs, reward_id))
        case why:
            return say(f"card.entry.{NAMES[type(why)]}")


def _reward_name(programs: Programs, reward_id: str) -> str:
    """As the latest version that has it calls it."""
    for program in reversed(programs.versions):
        if reward_id in program.catalogue:
            return program.catalogue[reward_id].name
    return reward_id


def _points(say: Words, points: int) -> str:
    return say("card.points.one" if points == 1 else "card.points", points=say.reader.number(points))


def _signed(say: Words, points: int) -> str:
    """With a sign that is no hyphen."""
    return ("+" if points > 0 else "−") + say.reader.number(abs(points))
