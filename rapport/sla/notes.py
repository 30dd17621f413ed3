"""What the reader of a simulation must know: what the recording cannot tell, and what it never reaches."""

from collections.abc import Iterator

from rapport.sla.cases import Recording
from rapport.sla.simulate import Compared, Result
from services.interactions.domain.sla.policy import Sla, When
from shared.schemas.times import micros


def notes(recording: Recording, compared: Compared, left_out: int) -> list[str]:
    """A sentence each. ``left_out``: events of Rapport's own types that were not read."""
    found: list[str] = []
    results = (("baseline", compared.baseline), ("draft", compared.draft))
    for which, result in results:
        found += _of_file(which, result, recording)
    if not compared.draft.complaints:
        found.append("There is no complaint in this time.")
    elif any(_asks_tier(result.sla) for _, result in results) and not recording.tiers:
        found.append("The recording has no tiers (tier.changed), so no policy that asks for one fits.")
    if recording.refused:
        found.append(f"{recording.refused:,} events do not follow from others and count for nothing.")
    if left_out:
        found.append(f"{left_out:,} events of Rapport's own types are left out: it writes them itself.")
    return found


def _of_file(which: str, result: Result, recording: Recording) -> Iterator[str]:
    first, end = micros(recording.first), micros(recording.end)
    versions = result.sla.versions
    if versions[0].begins > first:
        yield f"The {which} promises nothing before {versions[0].name}."
    for version in versions:
        if version.begins > end:
            yield f"Version {version.name} of the {which} begins after the end: nothing is judged by it."


def _asks_tier(sla: Sla) -> bool:
    asked: Iterator[When] = (policy.when for version in sla.versions for policy in version.policies)
    return any(when.tier is not None for when in asked)
