"""Time zones by their names in the IANA database: those that mean the same on every machine."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory", "local"})
"""What machines have beside the zones: another one on each, or none yet."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """All of them as they are spelt there: where a disk minds no capitals, it has others too."""
    return frozenset(available_timezones() - _OF_THE_MACHINE)


@lru_cache(maxsize=1024)
def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of that name; None where there is none."""
    return ZoneInfo(name) if name and name in zone_names() else None


def zone_fault(name: str) -> str | None:
    """What is wrong with a zone that somebody has written; None where it is one."""
    if name in zone_names():
        return None
    if name in _OF_THE_MACHINE:
        return "another time zone on each machine: write one of the IANA database, such as Europe/Berlin"
    if name.lower() in {one.lower() for one in zone_names()}:
        return "not a time zone of the IANA database as it is spelt there, such as Europe/Berlin"
    return "not a time zone of the IANA database"
