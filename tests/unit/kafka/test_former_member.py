"""The farewell to a former member: until when it is tried, and that it leaves nothing open."""

import socket
from collections.abc import Sequence
from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, NotCoordinatorError

from shared.kafka import former_member
from shared.kafka.brokers import Brokers
from shared.kafka.former_member import Farewell


class Answered(Farewell):
    """One whose requests are answered so, one after another; the last for ever."""

    def __init__(self, answers: Sequence[str | Exception]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.many = Event()
        super().__init__("-", "group", "member", lambda: True)

    def _ask(self) -> str:
        self.asked += 1
        if self.asked > 4:
            self.many.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives up at once, where it gives up."""
    monkeypatch.setattr(former_member, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(former_member, "GIVE_UP_SECONDS", 0.0)


def test_while_there_is_no_coordinator_nobody_joins_and_it_is_tried_again() -> None:
    """A frozen broker answers seconds before it has its groups back. Who joins then finds the member that it
    was, and waits for a session."""
    farewell = Answered([NotCoordinatorError(), CoordinatorNotAvailableError(), NotCoordinatorError()])
    assert farewell.many.wait(30)
    assert not farewell.over
    farewell.answers = ["NoError"]
    assert farewell._over.wait(30)


def test_what_is_not_allowed_is_given_up() -> None:
    farewell = Answered([GroupAuthorizationFailedError()])
    assert farewell._over.wait(30)
    assert farewell.asked == 1


def test_of_a_broker_that_does_not_answer_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former_member, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        farewell = Farewell(Brokers(address), "group", "member", lambda: True)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            while connection.recv(4096):
                pass  # what it asks
        assert farewell._over.wait(30)
        assert [thread.name for thread in enumerate_threads() if "rapport-farewell" in thread.name] == []
