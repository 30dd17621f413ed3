"""What an SMTP server says, answer by answer, as it comes in."""

import asyncio
from collections import deque
from typing import NamedTuple

LONGEST_LINE = 8192
MOST_LINES = 100
"""Of one answer."""


class Answer(NamedTuple):
    """What the server says to one command."""

    code: int
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Answers(asyncio.Protocol):
    """What the server says, answer by answer."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._answers: deque[Answer] = deque()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended: Exception | None = None
        """Why no more answers come."""

    async def read(self) -> Answer:
        """The next one. Raises ``EOFError``, ``ValueError`` for what is no answer, ``OSError``."""
        while not self._answers:
            if self.ended is not None:
                raise self.ended
            self._changed.clear()
            await self._changed.wait()
        return self._answers.popleft()

    async def drain(self) -> None:
        """Until there is room for more to be written."""
        await self._writable.wait()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE or len(self._lines) + len(lines) > MOST_LINES:
            self._end(ValueError("the server's answer has no end"))
        for line in lines:
            if not line[:3].isdigit():
                self._end(ValueError("the server gave no answer of SMTP"))
                break
            self._lines.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                self._answers.append(Answer(int(line[:3]), " ".join(self._lines)))
                self._lines = []
        self._changed.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or EOFError("the server hung up"))

    def _end(self, error: Exception) -> None:
        self.ended = self.ended or error
        self._changed.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
