"""Three customers' years, told from the events that went in and the facts that came out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from rapport.demo.check import WIN_BACK
from rapport.demo.oracle import TIERS
from rapport.demo.redeem import Redeemed
from rapport.demo.tally import Moment
from rapport.replay.completejourney import Basket, customer_id
from rapport.replay.record import Record

_MOST_LINES = 12
_SOON = timedelta(days=30)
_RANKS = {name: rank for rank, (name, _, _) in enumerate(TIERS)}
_DULL = 3
_GOES = {
    "email": "gets an e-mail",
    "phone": "a colleague is asked to call",
    "mail": "a colleague is asked to write",
}
"""What a message is to its customer, by channel. Whether a task was done nobody has told."""


@dataclass(frozen=True, slots=True)
class Story:
    customer: str
    title: str
    lines: list[tuple[datetime, str]]
    """What happened when, in order."""


@dataclass(frozen=True, slots=True)
class Told:
    """One simulated event, read back."""

    at: datetime
    type: str
    data: dict[str, Any]


class Storyteller:
    """Holds all customers' events; picks and tells."""

    def __init__(
        self,
        baskets: Iterable[Basket],
        simulated: Iterable[Record],
        moments: Mapping[str, Sequence[Moment]],
        redeemed: Iterable[Redeemed],
        redeemed_at: datetime,
    ) -> None:
        self._baskets: dict[str, list[Basket]] = defaultdict(list)
        for basket in baskets:
            self._baskets[customer_id(basket.household)].append(basket)
        self._events: dict[str, list[Told]] = defaultdict(list)
        for record in simulated:
            event = msgspec.json.decode(record.value)
            told = Told(record.at, event["type"].split(".", 1)[1].removesuffix(".v1"), event["data"])
            self._events[record.key].append(told)
        self._moments = {customer: sorted(all_, key=lambda m: m.at) for customer, all_ in moments.items()}
        self._redeemed = {one.customer: one for one in redeemed}
        self._redeemed_at = redeemed_at

    def three(self) -> list[Story]:
        """A climber, a complaint and a win-back, as far as there are any; no customer twice."""
        found: list[Story] = []
        for pick, title, theme in (
            (self._climbing, "the climber", "rises|falls|redeems"),
            (self._complaining, "the complaint", "complain"),
            (self._won_back, "the win-back", "win-back|quiet days"),
        ):
            used = {story.customer for story in found}
            ranked = sorted(((pick(c), c) for c in self._baskets if c not in used), reverse=True)
            if ranked and ranked[0][0] > 0:
                found.append(self.tell(ranked[0][1], title, theme))
        return found

    def tell(self, customer: str, title: str, theme: str) -> Story:
        """The customer's story, at most a dozen lines; ``theme`` is a pattern of those that must be told."""
        baskets = self._baskets[customer]
        lines = [
            (basket.at, f"{word} purchase, {basket.cents / 100:,.2f} USD") for basket, word in _ends(baskets)
        ]
        lines += [(event.at, text) for event in self._events[customer] if (text := _sentence(event))]
        lines += [(moment.at, _announced(moment)) for moment in self._moments.get(customer, ())]
        if one := self._redeemed.get(customer):
            lines.append((self._redeemed_at, f"redeems {one.cost:,} points: {one.name}"))
        return Story(customer, f"{self._name(customer)}, {title}", _shortened(sorted(lines), theme))

    def _name(self, customer: str) -> str:
        for event in self._events[customer]:
            if event.type == "customer.registered":
                return str(event.data["name"])
        return customer

    def _climbing(self, customer: str) -> float:
        """The more tiers climbed and the higher, the better."""
        tiers = [m for m in self._moments.get(customer, ()) if m.what == "tier"]
        ups = [m for m in tiers if _RANKS.get(m.detail, 0) > _RANKS.get(m.before, 0)]
        if not ups:
            return 0
        # Of two that climbed alike, the one with less else to tell.
        return len(ups) * 10 + max(_RANKS.get(m.detail, 0) for m in ups) - len(self._events[customer]) / 1000

    def _complaining(self, customer: str) -> float:
        """A complaint that was asked about after, better still one that came back."""
        types = [event.type for event in self._events[customer]]
        if "complaint.opened" not in types:
            return 0
        asked = any(m.what == "sent" and "complaint" in m.detail for m in self._moments.get(customer, ()))
        # Of two that are as telling, the shorter story is read to its end.
        return 1 + 2 * asked + 2 * ("complaint.reopened" in types) - types.count("complaint.opened") / 100

    def _won_back(self, customer: str) -> float:
        """A win-back message and a purchase soon after."""
        sent = [m.at for m in self._moments.get(customer, ()) if (m.what, m.detail) == ("sent", WIN_BACK)]
        bought = [basket.at for basket in self._baskets[customer]]
        soon = [min((b - at for b in bought if b > at), default=timedelta.max) for at in sent]
        if any(gap <= _SOON for gap in soon):
            return 3 - min(soon) / _SOON
        return 1 if sent else 0


def _ends(baskets: Sequence[Basket]) -> list[tuple[Basket, str]]:
    """The first and the last basket, and the first after the longest pause."""
    gaps = [(after.at - before.at, after) for before, after in pairwise(baskets)]
    found = [(baskets[0], "first")]
    if gaps:
        gap, back = max(gaps, key=lambda pair: pair[0])
        if gap > timedelta(days=45):
            found.append((back, f"after {gap.days} quiet days, a"))
        if back is not baskets[-1] or gap <= timedelta(days=45):
            found.append((baskets[-1], f"number {len(baskets)}, the last"))
    return found


def _sentence(event: Told) -> str | None:
    data = event.data
    match event.type:
        case "complaint.opened":
            return f"complains ({data['severity']}): {data['description']}"
        case "complaint.acknowledged":
            return "hears that the complaint is being looked into"
        case "complaint.resolved":
            return f"complaint resolved: {data['resolution']}"
        case "complaint.reopened":
            return f"reopens the complaint: {data['reason']}"
        case "purchase.returned":
            return f"returns goods, {data['refund']['amount'] / 100:,.2f} USD back"
        case "survey.answered" if data["survey"] == "nps":
            return f"would recommend the shop: {data['score']} of 10"
        case "survey.answered":
            return f"rates how the complaint was handled: {data['score']} of 5"
        case "consent.changed" if data["purpose"] == "marketing" and data["evidence"] == "preference page":
            return "wants no more marketing"
    return None


def _announced(moment: Moment) -> str:
    if moment.what == "sent":
        return f"{_GOES.get(moment.channel, 'gets a message')}: {moment.detail}"
    rises = _RANKS.get(moment.detail, 0) > _RANKS.get(moment.before, 0)
    return f"{'rises' if rises else 'falls'} from {moment.before} to {moment.detail}"


def _shortened(lines: list[tuple[datetime, str]], theme: str) -> list[tuple[datetime, str]]:
    """At most a dozen: what repeats is told the first time only, then what matters least goes."""
    told: set[str] = set()
    ranked = []
    for at, text in lines:
        rank = _rank(text, theme)
        kind = text.split(":")[0] if rank == _DULL else text
        if rank == 0 or kind not in told:
            ranked.append((rank, at, text))
        told.add(kind)
    return sorted((at, text) for _, at, text in sorted(ranked)[:_MOST_LINES])


def _rank(text: str, theme: str) -> int:
    """How much a line matters to a story; the lowest the most."""
    if re.search(theme, text):
        return 0
    if re.search("purchase|redeems|rises|falls", text):
        return 1
    return _DULL if re.search("thank-you|would recommend|returns goods|hears that", text) else 2
