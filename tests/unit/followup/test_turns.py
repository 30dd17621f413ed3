"""Whose turn it is to be sent."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.followup.sending.turns import Line, Turns, Urgency

CALM = Urgency()


def lines(rule: str, n: int, urgency: Urgency = CALM) -> list[Line]:
    return [Line(f"{rule}-{i}", rule, urgency) for i in range(n)]


def rules_of(ids: list[str]) -> Counter[str]:
    return Counter(id.rpartition("-")[0] for id in ids)


def test_a_hundred_thousand_of_one_rule_do_not_hold_up_another() -> None:
    turns = Turns()
    turns.fill([*lines("campaign", 100_000), *lines("thank-you", 3)])
    assert rules_of(turns.take(6)) == {"campaign": 3, "thank-you": 3}
    assert len(turns) == 99_997


def test_of_one_rule_what_waits_longest_goes_first() -> None:
    turns = Turns()
    turns.fill(lines("a", 5))
    assert turns.take(3) == ["a-0", "a-1", "a-2"]
    turns.fill([*lines("a", 5)[3:], *lines("b", 1)])
    assert turns.take(9) == ["b-0", "a-3", "a-4"]


def test_what_matters_more_goes_first_and_more_often_and_nothing_starves() -> None:
    turns = Turns()
    reply = Urgency(reply=True)
    turns.fill([*lines("low", 50), *lines("high", 50, Urgency(priority=10)), *lines("reply", 2, reply)])
    assert turns.take(3) == ["reply-0", "high-0", "low-0"]
    turns.fill([*lines("low", 500), *lines("high", 500, Urgency(priority=10))])
    assert 79 <= rules_of(turns.take(100))["high"] <= 81


def test_one_who_had_nothing_to_send_has_saved_nothing_up() -> None:
    turns = Turns()
    turns.fill([*lines("a", 1000), *lines("b", 1)])
    turns.take(900)
    turns.fill([*lines("a", 1000), *lines("b", 1000)])
    assert abs(rules_of(turns.take(100))["b"] - 50) <= 1


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.integers(1, 30), st.integers(-3, 3), st.booleans()),
        min_size=1,
    ),
    st.integers(1, 7),
)
def test_everything_goes_once_and_all_who_wait_go_on(
    waiting: dict[str, tuple[int, int, bool]], step: int
) -> None:
    turns = Turns()
    everything = [
        line
        for rule, (n, priority, asked) in waiting.items()
        for line in lines(rule, n, Urgency(priority=priority, asked_for=asked))
    ]
    turns.fill(everything)
    taken: list[str] = []
    while turns:
        taken += turns.take(step)
    assert sorted(taken) == sorted(line.id for line in everything)
    for rule, (n, _, _) in waiting.items():
        assert [id for id in taken if id.startswith(f"{rule}-")] == [f"{rule}-{i}" for i in range(n)]
