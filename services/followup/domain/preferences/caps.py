"""How often a customer wishes to be written to, as caps beside those of the rules file."""

from collections.abc import Mapping
from datetime import timedelta

from services.followup.domain.preferences.wishes import Frequency, Wishes
from services.followup.domain.rules.caps import FrequencyCap

LONGEST_WISH = timedelta(days=30)


class WishedCap(FrequencyCap):
    """One that the customer has asked for."""

    @property
    def words(self) -> str:
        return f"{super().words} at the customer's wish"


_CAPS: Mapping[Frequency, tuple[WishedCap, ...]] = {
    "all": (),
    "weekly": (WishedCap(max=1, per=timedelta(days=7)),),
    "monthly": (WishedCap(max=1, per=LONGEST_WISH),),
}
STRICTEST = Wishes(frequency="monthly")
"""What is sent is kept for as long as this wish needs it: a customer may have it at any time."""


def wished(wishes: Wishes) -> tuple[WishedCap, ...]:
    """The caps of these wishes."""
    return _CAPS[wishes.frequency]
