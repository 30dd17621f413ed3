"""Followup under simulation: the real rules, and its sender on a channel to the world's letter box."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from services.followup import config, tokens
from services.followup.channels.email import Email, EmailSettings
from services.followup.domain.policy import Policy
from services.followup.domain.results.cells import RESULTS
from services.followup.domain.rows import COLLECTION
from services.followup.sender import Sender
from services.followup.worker import handler_of
from shared.host import Runtime
from shared.http.key_ring import KeyRing
from shared.journal.processor import JournalProcessor
from shared.schemas.clock import ClockAdvanced
from shared.schemas.codec import decode, open_envelope
from shared.schemas.outreach import OutreachAnswered, OutreachCancelled, OutreachData, OutreachScheduled
from tests.simulation.erasing import completions
from tests.simulation.logs import END
from tests.simulation.mail import SimChannel, wrong
from tests.simulation.subject import Ended, JournalSubject, Process

SENDER = b"/rapport/followup/sender"
"""The source of the sender's reports."""
CALM = ("kill", "sleep", "leave", "call", "commit", "store", "ends")
"""What begins like this can leave a mail in doubt, besides what befalls the channel."""


class FollowupSubject(JournalSubject):
    """Judged by replay: when a mail is reported depends on when it was sent."""

    def __init__(self) -> None:
        rules = config.load_rules(config.DEFAULT_RULES)
        policy = Policy(
            rules,
            config.load_templates(None),
            {"email": Email(EmailSettings())},
            tokens.links("https://rapport.example", KeyRing([b"k" * 16])),
            event_time=True,
        )
        handler = handler_of(policy)
        topics = {c.topic for c in handler.consumes} | {ClockAdvanced.topic}
        super().__init__(handler, sorted(topics), [COLLECTION, RESULTS])

    def extras(self, process: Process) -> tuple[Runtime, Sequence[Coroutine[Any, Any, None]]] | None:
        assert isinstance(process.processor, JournalProcessor)
        settings: Any = SimpleNamespace(clock="stream")
        database: Any = process.client["rapport_followup"]
        runtime = Runtime(settings, database, process.publisher, process.loop, process.processor.committed)
        loop = process.node.loop
        sender = Sender(
            runtime,
            SimChannel(process.box, process.node),
            event_time=True,
            clock=lambda: END + timedelta(seconds=loop.time()),
        )
        return runtime, [sender.run()]

    def busy(self, run: Ended) -> bool:
        waiting = {"status": {"$in": ["ready", "sending"]}}
        return super().busy(run) or bool(run.store.server.find(("rapport_followup", COLLECTION), waiting))

    def differences(self, run: Ended) -> list[str]:
        rows = run.store.server.find(("rapport_followup", COLLECTION), {})
        calm = not any(hit.startswith(CALM) for hit in run.loop.hits)
        erased = {customer for customer, *_ in completions(self.service, run.broker.records.values(), ())}
        return [*self.replayed(run), *wrong(run.box, rows, erased, calm=calm), *_books(run)]

    def emitted_by_others(self, value: bytes | None) -> bool:
        return SENDER in (value or b"")


def _books(run: Ended) -> list[str]:
    """Every outreach is announced once and ends once, whoever reads its facts."""
    announced: dict[str, set[str]] = {}
    ended: dict[str, set[str]] = {}
    for (topic, _), log in run.broker.records.items():
        for record in log if topic == "outreach" else ():
            event = decode(open_envelope(record.key, record.value, record.headers), wall_now=END)
            assert isinstance(event.data, OutreachData)
            where = announced if isinstance(event.data, OutreachScheduled) else ended
            if not isinstance(event.data, OutreachCancelled | OutreachAnswered):  # heard of it later
                where.setdefault(event.data.outreach_id, set()).add(event.uid)
    problems = [f"{id} was announced {len(uids)} times" for id, uids in announced.items() if len(uids) != 1]
    return problems + [f"{id} ended {len(uids)} times" for id, uids in ended.items() if len(uids) != 1]
