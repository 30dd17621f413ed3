"""The services under simulation, by name."""

from functools import cache

from pydantic import SecretStr

from services.interactions.worker import handler as interactions
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler as loyalty
from shared.schemas.clock import ClockAdvanced
from shared.schemas.topics import TOPICS
from tests.simulation.logs import Name
from tests.simulation.subject import JournalSubject, Subject
from tests.simulation.subject_followup import FollowupSubject
from tests.simulation.subject_metrics import MetricsSubject
from tests.unit.journal.kiosk import KIOSK
from tests.unit.journal.memory import HANDLER

SETTINGS = LoyaltySettings(kafka="unused:1", mongo="mongodb://unused", secret_key=SecretStr("k" * 32))


@cache
def subject(name: Name) -> Subject:
    """By the name that a scenario has."""
    match name:
        case "kiosk":
            return JournalSubject(KIOSK, ["clock", "purchases"], ["ledger", "days"])
        case "tally":
            return JournalSubject(HANDLER, ["clock", "purchases"], ["ledger"])
        case "metrics":
            return MetricsSubject()
        case "followup":
            return FollowupSubject()
        case "interactions":
            handler = interactions(SETTINGS)
            return JournalSubject(handler, [*TOPICS], [c.name for c in handler.collections])
        case "loyalty":
            members = loyalty(SETTINGS)
            topics = {c.topic for c in members.consumes} | {ClockAdvanced.topic}
            return JournalSubject(members, [*topics], [c.name for c in members.collections])
