"""What several tests of the demo use."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rapport.demo.oracle import Expected
from rapport.demo.settle import GROUPS, Left
from shared.schemas.envelope import Envelope

START = datetime(2017, 1, 1, tzinfo=UTC)
RIGHT = Expected(balance=7, tier="silver", earned=20, reversed=3, redeemed=5, expired=5)
KINDS = Counter({"earned": 20, "reversed": -3, "redeemed": -5, "expired": -5})


def day(days: float) -> datetime:
    return START + timedelta(days=days)


def left(count: int, **more: bool) -> Left:
    return Left(dict.fromkeys(GROUPS, count), dict.fromkeys(GROUPS, 10), **more)


def fact(id: str, kind: str, customer: str = "a", at: float = 0, **data: Any) -> Envelope:
    return Envelope(
        specversion="1.0",
        id=id,
        source="/rapport/x",
        type=f"rapport.{kind}.v1",
        subject=customer,
        time=day(at),
        data=msgspec.Raw(json.dumps(data).encode()),
    )
