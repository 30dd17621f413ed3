"""What a customer's state keeps of the comparisons that they are a part of."""

from typing import NamedTuple

from shared.schemas.times import Micros


class Trial(NamedTuple):
    """A rule that has applied to the person: for good, so that nobody counts twice."""

    rule: str
    arm: str
    """A variant, ``holdout``, or ``all``."""
    key: str
    """What its first message was about; where the goal has a condition, ``with_told`` of its trigger, and of
    when that was where another version of the rule holds by ``start``."""
    start: Micros
    """When that was due, sent or not: the goal counts after it."""
    until: Micros
    """The goal's time limit; ``start`` where the rule has no goal."""
    reached: bool = False
    whose: str = ""
    """As ``Outreach.whose``: of ids that are merged each was counted, and each stays so."""
