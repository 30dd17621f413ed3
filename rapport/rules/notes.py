"""What the reader of a simulation must know: what the recording cannot tell, and what it never reaches."""

from collections.abc import Collection, Iterator

from rapport.rules.compare import Compared
from rapport.rules.stream import Heard
from services.followup.domain.rules.events import data_class
from shared.schemas.topics import OWN_TYPES

SENT = (
    "What is handed to a channel counts as sent at that instant: no mail bounces, no server is away, and no "
    "channel is slower than the rules allow."
)


def notes(compared: Compared, heard: Heard, left_out: int) -> list[str]:
    """A sentence each. ``left_out``: events of Rapport's own types that were not read."""
    found = [SENT]
    if heard.told:
        found.append(
            f"{heard.told:,} facts of the loyalty program are heard, which no recording has: as the program "
            "would have told them."
        )
    found += _never_heard(compared, heard.types)
    for which, result in (("baseline", compared.baseline), ("draft", compared.draft)):
        if result.fault:
            found.append(f"The rules of the {which} failed on an event, which is a bug: {result.fault}.")
        if any(not count.balanced for count in result.rules.values()):
            found.append(f"The books of the {which} do not balance, which is a bug.")
    if left_out:
        found.append(f"{left_out:,} events of Rapport's own types are left out: it writes them itself.")
    return found


def _never_heard(compared: Compared, told: Collection[str]) -> Iterator[str]:
    """Rules at whose triggers nothing in the recording is."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for result in (compared.baseline, compared.draft):
        for rule in result.draft.versions[-1].rules:
            if not any(data_class(name).event_type in told for name in rule.events) and not rule.dated:
                found.setdefault(rule.events, {})[rule.name] = None
    for triggers, rules in found.items():
        own = all(data_class(name).event_type in OWN_TYPES for name in triggers)
        why = "Rapport itself tells that, and did not" if own else "the recording has none"
        yield f"{', '.join(rules)} never starts: {', '.join(triggers)} is not heard, {why}."
