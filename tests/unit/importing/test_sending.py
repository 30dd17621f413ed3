"""What the API answers, and what becomes of it."""

import json

import pytest

from rapport.importing.sending import Refused, Sender, Sent
from rapport.trouble import TroubleError

from .api import Answer, Events, serving, taken


def sent(*rows: int) -> list[Sent]:
    return [Sent(row, json.dumps({"id": f"{place}", "row": row}).encode()) for place, row in enumerate(rows)]


def sender(url: str, patience_s: float = 5.0) -> tuple[Sender, list[str]]:
    waited: list[str] = []
    return Sender(url, {"RAPPORT_API_KEY": "key"}, patience_s=patience_s, waiting=waited.append), waited


def test_all_of_a_batch() -> None:
    with serving(taken) as (url, posted):
        way, _ = sender(url)
        assert way.send(sent(1, 1, 2)) == []
        way.close()
    assert [[event["row"] for event in events] for events in posted] == [[1, 1, 2]]


def test_bad_rows_are_left_out_whole_and_the_rest_is_sent_again() -> None:
    def answer(events: Events) -> Answer:
        bad = [place for place, event in enumerate(events) if event["row"] == 2 and event["id"] == "2"]
        errors = [{"index": place, "field": "data.x", "code": "field", "detail": "is odd"} for place in bad]
        return (422, {"detail": "Nothing was published.", "errors": errors}, {}) if bad else taken(events)

    with serving(answer) as (url, posted):
        way, _ = sender(url)
        assert way.send(sent(1, 2, 2, 3)) == [Refused(2, "data.x: is odd")]
        way.close()
    assert [event["row"] for event in posted[-1]] == [1, 3]


def test_rows_that_change_nothing_are_told() -> None:
    def answer(events: Events) -> Answer:
        return 202, {"accepted": 3, "without_effect": [{"index": 1, "detail": "They withdrew it."}]}, {}

    with serving(answer) as (url, posted):
        way, _ = sender(url)
        assert way.send(sent(1, 2, 3)) == [Refused(2, "has no effect: They withdrew it.")]
        way.close()
    assert len(posted) == 1


def test_what_is_away_is_waited_for() -> None:
    answers = [(503, {"detail": "The broker does not answer."}, {"Retry-After": "0"}), (429, {}, {})]

    def answer(events: Events) -> Answer:
        return answers.pop(0) if answers else taken(events)

    with serving(answer) as (url, posted):
        way, waited = sender(url)
        assert way.send(sent(1)) == []
        way.close()
    assert len(posted) == 3
    assert waited[0] == "503, The broker does not answer."


def test_patience_ends() -> None:
    with serving(lambda events: (503, {"detail": "Away."}, {"Retry-After": "60"})) as (url, posted):
        way, _ = sender(url)
        with pytest.raises(TroubleError, match="Run the same again to go on"):
            way.send(sent(1))
        way.close()
    assert len(posted) == 1
    way, _ = sender("http://127.0.0.1:9", patience_s=0.1)
    with pytest.raises(TroubleError, match="refused"):
        way.send(sent(1))


def test_a_stopped_one_waits_no_more() -> None:
    with serving(lambda events: (503, {}, {"Retry-After": "100"})) as (url, _):
        way, _ = sender(url, patience_s=1_000)
        way.stop()
        with pytest.raises(TroubleError, match="Stopped"):
            way.send(sent(1))
        way.close()


def test_a_key_that_may_not() -> None:
    problem = {
        "detail": "Nothing was published. Event 0: needs admin",
        "errors": [{"index": 0, "detail": "x"}],
    }
    with serving(lambda events: (403, problem, {})) as (url, _):
        way, _ = sender(url)
        with pytest.raises(TroubleError, match="403, Nothing was published"):
            way.send(sent(1))
        way.close()


def test_too_large_a_body_is_halved_until_one_event_is() -> None:
    def answer(events: Events) -> Answer:
        large = len(events) > 2 or any(event["row"] == 3 for event in events)
        return (413, {"detail": "too large"}, {}) if large else taken(events)

    with serving(answer) as (url, _):
        way, _ = sender(url)
        assert way.send(sent(1, 2, 3, 4, 5)) == [Refused(3, "is too large for an event")]
        way.close()
