"""A loyalty program in a few tables, as its author would want to check it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from rich.console import RenderableType
from rich.text import Text

from rapport.commands.show import table
from rapport.simulate.figures import NONE, money, number, plain
from services.loyalty.domain.program.campaigns import Campaign, Condition
from services.loyalty.domain.program.catalogue import Reward
from services.loyalty.domain.program.program import Program, Programs


def outline(programs: Programs) -> Iterator[RenderableType]:
    """Each version: from when it holds, how points are earned, gifts, tiers, rewards, campaigns."""
    for place, program in enumerate(programs.versions):
        since = "the beginning" if not place else date(program.effective_from)
        yield Text(f"\n{program.name}, from {since}", style="bold")
        rules = table("", "")
        for what, text in _rules(program):
            rules.add_row(Text(what, style="bold"), text)
        yield rules
        for part in _tables(program):
            yield ""
            yield part


def date(at: datetime | None) -> str:
    """``2026-11-27``, with its time if it is not the first instant of a day in UTC; ``-`` for none."""
    if at is None:
        return NONE
    text = at.isoformat(sep=" ", timespec="minutes")
    return text.removesuffix(" 00:00+00:00")


def _rules(program: Program) -> Iterator[tuple[str, str]]:
    """What is not a list: name and text."""
    earn, cost = program.earn, partial(money, currency=program.currency)
    ready = f"after {earn.pending_days} days" if earn.pending_days else "at once"
    yield "points", f"{_points(earn.points)} for every {cost(earn.per)}"
    yield "", f"spendable {ready}, good for {number(earn.expire_days)} days"
    yield "", f"{cost(program.point_value * 1000)} for 1,000 when redeemed, {program.breakage:.1%} never are"
    if earn.exclude:
        yield "earn nothing", ", ".join((*earn.exclude.categories, *earn.exclude.skus))
    yield "currencies", ", ".join(f"{name} at {plain(rate)}" for name, rate in program.rates.items())
    yield "members", f"{program.enrolment} enrolment"
    yield from _gifts(program)


def _gifts(program: Program) -> Iterator[tuple[str, str]]:
    if program.welcome_bonus:
        yield "welcome", _points(program.welcome_bonus)
    if referral := program.referral:
        least = money(referral.minimum_total, program.currency)
        yield "referral", f"{_points(referral.points)} to both at a first purchase of {least} or more"
        yield "", f"{number(referral.per_year)} friends per year at most"
    if program.anniversary:
        yield "anniversary", f"{_points(program.anniversary.points)} for each year of membership"
    if program.birthday:
        given = [] if program.birthday.points is None else [_points(program.birthday.points)]
        if program.birthday.reward is not None:
            given.append(program.catalogue[program.birthday.reward].name)
        yield "birthday", " and ".join(given)


def _points(count: int) -> str:
    return f"{number(count)} point{'' if count == 1 else 's'}"


def _tables(program: Program) -> Iterator[RenderableType]:
    cost = partial(money, currency=program.currency)
    tiers = table("tier", "spend", "multiplier", right=("spend", "multiplier"))
    for tier in program.tiers:
        tiers.add_row(tier.name, cost(tier.spend), plain(tier.multiplier))
    yield tiers
    if program.rewards:
        rewards = table("reward", "points", "stock", "", right=("points", "stock"))
        for reward in program.rewards:
            stock = NONE if reward.stock is None else number(reward.stock)
            rewards.add_row(reward.id, number(reward.cost), stock, _offer(reward))
        yield rewards
    if program.campaigns:
        columns = ("campaign", "from", "until", "effect", "cap", "budget")
        campaigns = table(*columns, right=("cap", "budget"))
        conditions = table("campaign", "")
        for campaign in program.campaigns:
            limits = (NONE if n is None else number(n) for n in (campaign.cap, campaign.budget))
            window = date(campaign.starts_at), date(campaign.ends_at)
            campaigns.add_row(campaign.id, *window, _effect(campaign), *limits)
            conditions.add_row(campaign.id, _when(campaign.when, program))
        yield campaigns
        yield conditions
        if len(program.campaigns) > 1:
            yield Text(f"of several campaigns: {program.stacking}")


def _offer(reward: Reward) -> str:
    found = [f"voucher good for {reward.validity_days} days"]
    if reward.tier:
        found.append(f"from {reward.tier} on")
    if reward.starts_at:
        found.append(f"from {date(reward.starts_at)}")
    if early := reward.early_access:
        found.append(f"{early.tier} {early.days} days earlier")
    if reward.ends_at:
        found.append(f"until {date(reward.ends_at)}")
    return ", ".join(found)


def _effect(campaign: Campaign) -> str:
    effect = campaign.effect
    if effect.multiplier is not None:
        return f"x {plain(effect.multiplier)}"
    if effect.bonus is not None:
        return f"+{number(effect.bonus)}"
    return f"+{number(effect.points_per_line or 0)} per line"


def _when(when: Condition, program: Program) -> str:
    lists = {
        "categories": when.categories,
        "skus": when.skus,
        "channels": when.channels,
        "stores": when.stores,
        "tiers": when.tiers,
        "segments": when.segments,
    }
    found = [f"{name} {', '.join(values)}" for name, values in lists.items() if values]
    if when.minimum_total:
        found.append(f"from {money(when.minimum_total, program.currency)}")
    if when.first_purchase:
        found.append("first purchase")
    return "; ".join(found) or "every purchase"
