"""Who is known not to be erased: within a share of the budget, and never one who is erased since."""

from shared.journal.unerased import ENTRY_BYTES, SHARE, UNERASED, Unerased
from shared.worker.budget import Budget


def test_who_was_looked_up_is_known_until_erased() -> None:
    budget = Budget()
    known = Unerased(budget)
    known.add(["ann", "bob", "ann"])
    assert ("ann" in known, "bob" in known, "eve" in known) == (True, True, False)
    assert budget.kinds[UNERASED] == 2 * ENTRY_BYTES
    known.discard(["ann", "eve"])
    assert ("ann" in known, "bob" in known) == (False, True)
    known.clear()
    assert ("bob" in known, budget.kinds[UNERASED], budget.used) == (False, 0, 0)


def test_where_its_share_is_full_it_begins_anew() -> None:
    budget = Budget(limit=SHARE * 10 * ENTRY_BYTES)
    known = Unerased(budget)
    for number in range(100):
        known.add([f"c{number}"])
        assert f"c{number}" in known
        assert budget.kinds[UNERASED] <= 11 * ENTRY_BYTES
    assert "c0" not in known
