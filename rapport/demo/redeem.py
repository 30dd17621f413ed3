"""A few members spend points, through the HTTP API as an app would: simulated, the same for one seed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rapport.client import Client
from rapport.demo.oracle import TIERS
from rapport.trouble import TroubleError

SHARE = 0.3
"""Of the members who could redeem something, so many do."""
PAUSE_S = 0.5
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Redeemed:
    customer: str
    reward_id: str
    name: str
    cost: int


def redeem_some(client: Client, customers: Iterable[str], seed: int) -> list[Redeemed]:
    """Chooses members and rewards by the seed and redeems. Raises TroubleError where one is refused."""
    rewards = client.items("loyalty", "/rewards")
    members = client.map(lambda customer: client.get("loyalty", f"/members/{customer}"), customers)
    chosen = [
        (member["customer_id"], reward)
        for member in members
        if (reward := choose(member, rewards, Random(f"{seed}:redeem:{member['customer_id']}")))
    ]
    return client.map(lambda pair: _redeem(client, pair[0], pair[1], seed), chosen)


def choose(
    member: Mapping[str, Any], rewards: Sequence[Mapping[str, Any]], draw: Random
) -> Mapping[str, Any] | None:
    """A reward that the member's points and tier reach, or None for most members."""
    ranks = {name: rank for rank, (name, _, _) in enumerate(TIERS)}
    rank = ranks[member["tier"]]
    reach = [
        reward
        for reward in rewards
        if reward["cost"] <= member["balance"] and ranks[reward.get("tier") or TIERS[0][0]] <= rank
    ]
    return draw.choice(reach) if reach and draw.random() < SHARE else None


def _redeem(client: Client, customer: str, reward: Mapping[str, Any], seed: int) -> Redeemed:
    key = f"demo-{seed}-{customer}"
    body = {"reward_id": reward["reward_id"]}
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        # Asked again under its key, a command answers what became of it: 202 while nobody knows.
        status, answer = client.call("POST", "loyalty", f"/members/{customer}/redemptions", body, key)
        if status == 201:
            return Redeemed(customer, reward["reward_id"], reward["name"], reward["cost"])
        if status != 202 or time.monotonic() > deadline:
            raise TroubleError(
                f"{customer} could not redeem {reward['reward_id']}: {status} {str(answer)[:200]}."
            )
        time.sleep(PAUSE_S)
