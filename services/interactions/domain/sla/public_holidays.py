"""Public holidays of a country or a part of it, by the library ``holidays``; days observed in place of a
Sunday included."""

from collections.abc import Collection
from datetime import date
from functools import lru_cache

import holidays


def parts_of(country: str) -> Collection[str] | None:
    """The codes of a country's parts, such as BE for Berlin; None where there is no such country.

    ``country`` is an ISO 3166 code of two letters, or of three.
    """
    return holidays.list_supported_countries().get(country)


def knows_part(country: str, part: str) -> bool:
    """Whether it is a part of the country, by its code or by a name that the library takes for one."""
    try:
        holidays.country_holidays(country, subdiv=part)
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=4096)
def holidays_in(country: str, part: str | None, year: int) -> frozenset[date]:
    """A year's holidays."""
    found = holidays.country_holidays(country, subdiv=part, years=year, expand=False)
    return frozenset(day for day in found if day.year == year)
