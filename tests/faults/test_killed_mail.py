"""kill -9 of the process that mail is handed to, amid a stream of deliveries: a mail server keeps what was
not taken and comes again, and each mail is told once."""

import json
import smtplib
import threading
import uuid
from collections import Counter, deque
from typing import Any, NamedTuple

import pytest

from rapport.embedded import ports
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform

pytestmark = pytest.mark.faults

MAILS, WRITERS, LANES = 80, 20, 4
KILLED_AFTER = (12, 40)
"""So many mails taken: then the process dies, with others on their way."""
COMPLAINTS = "complaints@shop.example"


class Mail(NamedTuple):
    number: int
    name: str
    writer: str
    to: str

    @property
    def raw(self) -> bytes:
        lines = [
            f"From: Ann <{self.writer}>",
            f"To: {self.to}",
            f"Message-ID: <{self.name}@home.example>",
            f"Subject: Order {self.number}",
            "Date: Thu, 26 Nov 2026 10:00:00 +0000",
            "",
            f"Where is {self.name}?",
            "",
        ]
        return "\r\n".join(lines).encode()


class MailServer:
    """Hands its queue over by LMTP, several at a time, as an MTA does: what is not answered by a 250 is kept,
    and comes again. It may have been taken all the same: the first answer of some gets lost."""

    def __init__(self, mails: list[Mail], port: int) -> None:
        self._queue, self._port = deque(mails), port
        self._changed = threading.Condition()
        self._given_up = False
        self.taken: set[str] = set()
        self.tries = Counter[str]()
        self._lanes = [threading.Thread(target=self._lane) for _ in range(LANES)]
        for lane in self._lanes:
            lane.start()

    def wait_taken(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.taken) >= count, 60), len(self.taken)

    def join(self) -> None:
        for lane in self._lanes:
            lane.join()

    def give_up(self) -> None:
        self._given_up = True
        self.join()

    def _lane(self) -> None:
        while not self._given_up:
            try:
                mail = self._queue.popleft()
            except IndexError:
                return
            if self._hand_over(mail):
                with self._changed:
                    self.taken.add(mail.name)
                    self._changed.notify_all()
            else:
                self._queue.append(mail)
                threading.Event().wait(0.1)  # a mail server comes again later

    def _hand_over(self, mail: Mail) -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", self._port, timeout=30) as server:
                self.tries[mail.name] += 1
                taken = server.sendmail(mail.writer, [mail.to], mail.raw) == {}
                return taken and not (mail.number % 4 == 1 and self.tries[mail.name] == 1)
        except (OSError, smtplib.SMTPException):
            return False


def test_each_mail_is_told_once_though_its_process_is_killed(
    platform: Platform, worker: WorkerStarter
) -> None:
    run, port = uuid.uuid4().hex[:8], str(ports.pick())
    mails = [
        Mail(
            n,
            f"m{run}-{n}",
            f"w{run}-{n % WRITERS}@home.example",
            COMPLAINTS if n % 5 == 0 else "help@shop.example",
        )
        for n in range(MAILS)
    ]
    service = worker("interactions")
    process = worker("interactions", kind="mail", mail_port=port)
    service.wait_ready()
    process.wait_ready()
    server = MailServer(mails, int(port))
    try:
        for count in KILLED_AFTER:
            server.wait_taken(count)
            process.kill()
            process = worker("interactions", kind="mail", mail_port=port)
        server.wait_taken(MAILS)
    finally:
        server.give_up()
    platform.wait_caught_up("interactions")
    rows = told(platform, run)
    written = {mail.name: mail for mail in mails}
    complaints = [row for row in rows if "description" in row["told"]]  # which name their mail, too
    told_of = [row for row in rows if "message_id" in row["told"] and row not in complaints]
    letters = [(written[name_of(row)], row["customer"]) for row in told_of]
    assert Counter(mail for mail, _ in letters) == Counter(mails)
    opened = Counter(row["told"]["description"] for row in complaints)
    asked = [f"Order {mail.number}\n\nWhere is {mail.name}?" for mail in mails if mail.to == COMPLAINTS]
    assert opened == Counter(asked)
    people = {(mail.writer, customer) for mail, customer in letters}
    assert len(people) == len({customer for _, customer in people}) == WRITERS, "one customer each"
    assert max(server.tries.values()) > 1, "some were handed over again"


def told(platform: Platform, run: str) -> list[dict[str, Any]]:
    """The rows of the timeline that these mails made."""
    timeline = platform.database("interactions")["timeline"]
    found = timeline.find({"source": "/mail", "data": {"$regex": f"m{run}-"}})
    return [row | {"told": json.loads(row["data"])} for row in found]


def name_of(row: dict[str, Any]) -> str:
    return str(row["told"]["message_id"]).strip("<>").partition("@")[0]
