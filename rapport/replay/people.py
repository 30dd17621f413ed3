"""Simulated people behind the households: a profile and what they allow. No real person is meant."""

from datetime import datetime, timedelta
from random import Random

from rapport.replay.completejourney import customer_id
from rapport.replay.record import Record, record

SOURCE = "/simulated/crm"
_GIVEN = ("Ada", "Amir", "Anna", "Chen", "Diego", "Emma", "Hugo", "Kofi", "Maya", "Nadia", "Omar", "Priya")
_FAMILY = ("Brooks", "Costa", "Ellis", "Garcia", "Ito", "Khan", "Lopez", "Novak", "Park", "Reed", "Young")
_ZONES = {"America/New_York": 47, "America/Chicago": 29, "America/Denver": 7, "America/Los_Angeles": 17}
_SEGMENTS = {"families": 36, "couples": 32, "singles": 32}


def registered(household: int, at: datetime, segment: str | None, draw: Random) -> Record:
    """The household's profile; where the data set does not tell the segment, one is drawn."""
    given, family = draw.choice(_GIVEN), draw.choice(_FAMILY)
    domain = draw.choice(("example.com", "example.org"))
    return record(
        "customer.registered",
        id=f"registered-{household}",
        source=SOURCE,
        subject=customer_id(household),
        time=at,
        data={
            "name": f"{given} {family}",
            "email": f"{given}.{family}.{household}@{domain}".lower(),
            "locale": "en-US",
            "timezone": _weighted(_ZONES, draw),
            "preferred_channel": "email",
            "segment": segment or _weighted(_SEGMENTS, draw),
        },
    )


def consents(household: int, joined: datetime, last: datetime, draw: Random) -> list[Record]:
    """What the household allows by e-mail: most allow all, some no marketing, some change their mind."""
    found: list[Record] = []

    def answer(purpose: str, granted: bool, at: datetime, evidence: str) -> None:
        data = {"purpose": purpose, "channel": "email", "granted": granted, "evidence": evidence}
        found.append(
            record(
                "consent.changed",
                id=f"consent-{household}-{len(found) + 1}",
                source=SOURCE,
                subject=customer_id(household),
                time=at,
                data=data,
            )
        )

    at = joined + timedelta(minutes=1)
    marketing = draw.random() < 0.85
    answer("marketing", marketing, at, "sign-up form 1")
    answer("survey", draw.random() < 0.9, at, "sign-up form 1")
    answer("service", draw.random() < 0.97, at, "sign-up form 1")
    if marketing and draw.random() < 0.12:
        answer("marketing", False, at + draw.random() * (last - at), "preference page")
    return found


def _weighted(shares: dict[str, int], draw: Random) -> str:
    return draw.choices(list(shares), list(shares.values()))[0]
