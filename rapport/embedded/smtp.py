"""An SMTP server that writes each message into a maildir: ``python -m rapport.embedded.smtp``.

What it refuses is in a file that may change while it runs, one rule per line, the first match wins:
an address pattern (``*`` and ``?``) and the SMTP answer, e.g. ``*@full.example 452 4.2.2 Mailbox full``.
A rule for ``DATA`` in the pattern's place answers when the message itself is handed over.
"""

import argparse
import asyncio
import itertools
import os
import signal
import socket
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_LIMIT = 10 * 1024 * 1024


def refusal(rules: str, address: str) -> str | None:
    """The answer of the first rule whose pattern the address matches, None to accept."""
    for line in rules.splitlines():
        pattern, _, answer = line.strip().partition(" ")
        if not answer or pattern.startswith("#"):
            continue
        if fnmatchcase(address.lower(), pattern.lower()):
            return answer.strip()
    return None


class Maildir:
    """The delivering half of the maildir format: write to ``tmp``, then rename into ``new``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counter = itertools.count(1)
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def deliver(self, sender: str, recipients: Sequence[str], content: bytes) -> Path:
        """Write one message as a file, with the envelope in its first two headers."""
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        name = f"{time.time():.6f}.P{os.getpid()}Q{next(self._counter)}.{host}"
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {', '.join(recipients)}\r\n".encode()
        partial = self._folder / "tmp" / name
        partial.write_bytes((envelope + content).replace(b"\r\n", b"\n"))
        return partial.rename(self._folder / "new" / name)


class Sink:
    """aiosmtpd's handler: accepts every recipient that no rule refuses."""

    def __init__(self, maildir: Maildir, rules: Path | None) -> None:
        self._maildir = maildir
        self._rules = rules

    def _refusal(self, address: str) -> str | None:
        try:
            return refusal(self._rules.read_text(), address) if self._rules else None
        except FileNotFoundError:
            return None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """aiosmtpd reads line by line, so it takes commands that come together, though it does not say so."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._refusal(address):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self._refusal("DATA"):
            return answer
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            self._maildir.deliver(envelope.mail_from or "", envelope.rcpt_tos, content)
        except OSError as error:
            print(f"Could not write the message: {error}.", flush=True)
            return "452 4.3.1 Insufficient system storage"
        return "250 2.0.0 OK: in the maildir"


async def serve(host: str, port: int, maildir: Path, rules: Path | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    sink = Sink(Maildir(maildir), rules)
    server = await loop.create_server(
        lambda: SMTP(
            sink, hostname="rapport.localhost", enable_SMTPUTF8=True, loop=loop, data_size_limit=MESSAGE_LIMIT
        ),
        host,
        port,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"listens on {host}:{port}, writes {maildir}", flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m rapport.embedded.smtp", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--refuse", type=Path, help="file of refusal rules; need not exist")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.host, chosen.port, chosen.maildir, chosen.refuse))


if __name__ == "__main__":
    main()
