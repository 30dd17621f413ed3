"""Root causes of resolved complaints, counted by name."""

from itertools import permutations

from services.metrics.domain.causes import MOST, named
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.root_causes import ROOT_CAUSES
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintClosed, ComplaintReopened, ComplaintResolved

from .story import cancelled, event, opened, result, run, started, value


def resolved(cause: str | None, complaint: str = "k1") -> ComplaintResolved:
    return ComplaintResolved(complaint_id=complaint, resolution="Sent.", root_cause=cause)


def told(*facts: Data) -> object:
    events = [event(data, days=day) for day, data in enumerate(facts)]
    found = {str(value(run(order)[1], "root_causes")) for order in permutations(events)}
    assert len(found) == 1, "whatever is heard first"
    return value(run(events)[1], "root_causes")


def test_the_resolution_that_holds_counts() -> None:
    assert told(opened(), resolved("carrier"), ComplaintClosed(complaint_id="k1")) == {"carrier": 1}
    reopened = ComplaintReopened(complaint_id="k1", reason="No.")
    assert told(opened(), resolved("carrier"), reopened) == {}
    assert told(opened(), resolved("carrier"), reopened, resolved("warehouse")) == {"warehouse": 1}
    assert told(opened(), resolved("carrier"), reopened, resolved(None)) == {}
    assert told(opened(), resolved("carrier"), resolved("warehouse")) == {"carrier": 1}, "it does not follow"
    assert told(resolved("carrier")) == {}, "it is not known"


def test_what_is_a_name() -> None:
    assert [named(text) for text in (None, "", "  ", " the\n carrier ", "x" * 64, "x" * 65)] == [
        *[None] * 3,
        "the carrier",
        "x" * 64,
        "other",
    ]


def test_words_that_the_list_does_not_have_are_told_to_nobody() -> None:
    """In no figure, whatever people write: names of customers too."""
    told_by = {
        "carrier": "carrier",
        " The_Carrier": "other",
        "CARRIER": "carrier",
        "Product-Quality": "product quality",
        "Card expired, says the bank of Ann Ono": "card expired",
        "Ann Ono was rude": "other",
        "other": "other",
    }
    for text, name in told_by.items():
        assert told(opened(), resolved(text)) == {name: 1}, text
    events = [
        event(started("s", 30), days=0),
        event(cancelled("s", 20, "Ann Ono moved to her mother"), days=5),
        event(started("s", 30), days=0, subject="c2"),
        event(cancelled("s", 20, "Moved away"), days=5, subject="c2"),
    ]
    delta = run(events)[1]
    found = result(delta, "churn_reasons").value
    assert found == [{"name": "moved away", "n": 1}, {"name": "other", "n": 1}]
    own = ChurnPolicy(causes=("ann ono moved to her mother",))
    assert result(delta, "churn_reasons", policy=own).value == [
        {"name": "ann ono moved to her mother", "n": 1},
        {"name": "other", "n": 1},
    ], "a changed list holds for the past too"


def test_the_most_frequent_are_named_and_the_rest_is_other() -> None:
    facts = [(opened(f"k{n}"), resolved(f"cause {n % (MOST + 5):02}", f"k{n}")) for n in range(3 * MOST)]
    events = [event(data, days=day) for pair in facts for day, data in enumerate(pair)]
    events += [event(opened("long")), event(resolved("x" * 65, "long"), days=1)]
    policy = ChurnPolicy(causes=tuple(f"Cause-{n:02}" for n in range(MOST + 5)))
    found = result(run(events)[1], "root_causes", policy=policy).value
    assert isinstance(found, dict)
    assert len(found) == MOST + 1
    assert sum(found.values()) == 3 * MOST + 1
    assert found["Cause-00"] == 3
    assert found["other"] == 5 * 2 + 1
    assert [*found][-1] == "other"
    assert ROOT_CAUSES.nothing.value == {}
