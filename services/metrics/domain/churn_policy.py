"""When a customer counts as gone, and whether that was the customer's wish: the file's section ``churn``."""

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Label

SHORTEST_QUIET, LONGEST_QUIET = 7, 730
"""Days. Of a shorter silence it is not kept who complained before it; a longer one no report shows."""
LONGEST_GRACE = 90
OTHER = "other"
"""What all is told as that has no name."""
LONGEST_BLAME = 365


def _days(value: object) -> object:
    """``180d`` -> 180."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}d", value):
        return int(value[:-1])
    raise fault("", "must be a number of days, e.g. 30d")


def _within(first: int, last: int) -> AfterValidator:
    def check(days: int) -> int:
        if not first <= days <= last:
            raise fault("", f"must be {first}d to {last}d")
        return days

    return AfterValidator(check)


Days = Annotated[int, BeforeValidator(_days)]
"""Whole days, written ``30d``."""


def _plain(word: str) -> str:
    return " ".join(word.replace("_", " ").replace("-", " ").split()).casefold()


@lru_cache(maxsize=16)
def _by_plain(names: tuple[str, ...]) -> dict[str, str]:
    return {_plain(name): name for name in names}


class Contractual(Strict):
    """Of customers with a subscription: they left when the last of their terms was cancelled or ran out."""

    grace: Annotated[Days, _within(0, LONGEST_GRACE)] = 7
    """A term that ran out may still be renewed so many days later; then nobody left."""
    expired: Literal["voluntary", "involuntary"] = "involuntary"
    """What it is if nobody cancelled: where terms renew themselves, a payment that failed."""


class ChurnPolicy(Strict):
    """When a customer has left, and why."""

    contractual: Contractual | None = Contractual()
    """Null: subscriptions are not looked at, and all are judged by what they buy."""
    quiet: Annotated[Days, _within(SHORTEST_QUIET, LONGEST_QUIET)] = 180
    """All others left when they bought nothing for longer than this."""
    alive_below: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Or when P(alive) was below this on a day before that, by the models as they were fitted by then; before
    any was fitted it does nothing. Null: it is not looked at."""
    complaint: Annotated[Days, _within(0, LONGEST_BLAME)] = 90
    """Where nobody stated a reason: a complaint of so many days before the last purchase, or the term's end,
    or since, gives its root cause."""
    involuntary: Annotated[tuple[Annotated[Label, AfterValidator(_plain)], ...], Field(max_length=100)] = (
        "payment failed",
        "card expired",
        "card declined",
        "insufficient funds",
        "deceased",
    )
    """A reason that holds one of these words, in any case, was not the customer's wish."""

    causes: Annotated[tuple[Label, ...], Field(max_length=100)] = (
        *("carrier", "warehouse", "supplier", "product", "product quality", "packaging", "stock", "price"),
        *("billing", "website", "store", "service", "waiting time", "too few tills", "label not changed"),
        *("cold chain broken", "order too small", "training needed", "too expensive", "no longer needed"),
        *("poor service", "poor quality", "missing features", "went to a competitor", "moved away"),
    )
    """The root causes of complaints, and the reasons to leave, that are told by name, in any case; all others
    are people's own words, and told as ``other``. Those of ``involuntary`` are told by these."""

    def told_as(self, text: str) -> str:
        """The name that a root cause or a stated reason is told by: one that the file has, or ``OTHER``."""
        plain = _plain(text)
        name = _by_plain(self.causes).get(plain)
        return name or next((words for words in self.involuntary if words in plain), OTHER)

    def reach(self, days: int) -> int:
        """How many days before a window of so many days one must look."""
        grace = self.contractual.grace if self.contractual is not None else 0
        return max(days, self.quiet + 1, grace + 1)

    def is_involuntary(self, reason: str) -> bool:
        """Whether a stated reason says that it was not the customer's wish."""
        text = _plain(reason)
        return any(words in text for words in self.involuntary)
