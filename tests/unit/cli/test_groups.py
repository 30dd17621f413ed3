"""The consumer groups that commands ask for."""

import pytest
from kafka.errors import CoordinatorLoadInProgressError

from rapport import broker


class Loading:
    """A broker that has just started reads its groups first."""

    def __init__(self, times: int) -> None:
        self.left = times

    def list_groups(self) -> list[dict[str, str]]:
        if self.left:
            self.left -= 1
            raise CoordinatorLoadInProgressError
        return [{"group_id": name} for name in ("rapport-loyalty", "others", "rapport-followup")]


def test_a_broker_that_has_just_started_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "LOADING_PAUSE_S", 0)
    assert broker.group_ids(Loading(3)) == ["rapport-followup", "rapport-loyalty"]


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "LOADING_PAUSE_S", 0)
    monkeypatch.setattr(broker, "LOADING_S", -1)
    with pytest.raises(CoordinatorLoadInProgressError):
        broker.group_ids(Loading(1_000_000))
