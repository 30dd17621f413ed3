"""What an SMTP server says, answer by answer, as it comes in."""

import asyncio
from collections import deque
from typing import NamedTuple, TypeAlias

from services.followup.channels.base import Attempt, Result
from shared.mail.bounces import status_of

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


Asked: TypeAlias = asyncio.Future[Answer]


class Answers(asyncio.Protocol):
    """What the server says, in the order in which it was asked."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._early: deque[Answer] = deque()
        """What nobody had asked for yet."""
        self._asked: deque[Asked] = deque()
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended: Exception | None = None
        """Why no more answers come."""

    def ask(self) -> Asked:
        """The next answer that nobody waits for yet. It raises ``EOFError``, ``ValueError`` for what is no
        answer, ``OSError``."""
        asked: Asked = asyncio.get_running_loop().create_future()
        if self._early:
            asked.set_result(self._early.popleft())
        elif self.ended is not None:
            _fail(asked, self.ended)
        else:
            self._asked.append(asked)
        return asked

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
                self._heard(Answer(int(line[:3]), " ".join(self._lines)))
                self._lines = []

    def _heard(self, answer: Answer) -> None:
        if not self._asked:
            self._early.append(answer)
            return
        asked = self._asked.popleft()
        if not asked.done():  # or whoever asked has gone
            asked.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or EOFError("the server hung up"))

    def _end(self, error: Exception) -> None:
        self.ended = self.ended or error
        for asked in self._asked:
            _fail(asked, self.ended)
        self._asked.clear()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


def _fail(asked: Asked, error: Exception) -> None:
    if not asked.done():
        asked.set_exception(error)
        asked.exception()  # whether or not somebody waits for it


def meant(answer: Answer) -> Attempt:
    """What the answer to a text means. One that is neither yes nor no leaves it in doubt."""
    if answer.taken:
        return Attempt(Result.SENT)
    if 400 <= answer.code < 500:
        return Attempt(Result.LATER, str(answer)[:500])
    if 500 <= answer.code < 600:
        return Attempt(Result.FAILED, str(answer)[:500], code=status_of(answer.text, of_recipient=False))
    return Attempt(Result.IN_DOUBT, str(answer)[:500])
