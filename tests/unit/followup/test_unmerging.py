"""Two who were one customer are two again: each has what is theirs."""

from services.followup.domain.state import Customer
from shared.schemas.customers import CustomerErased
from shared.schemas.outreach import (
    OutreachCancelled,
)

from .driver import (
    HOUR,
    opened,
    policy,
    purchase,
    resolved,
    rules,
    tier,
    written,
)
from .merged import NEW, OLD, OTHER, THANKS, balanced, merge, sent, tell, unmerge, world


def test_unmerged_each_has_their_own() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    tell(driver, NEW, purchase("o-2"))
    merge(driver)
    tell(driver, OLD, purchase("o-3"))
    unmerge(driver)
    old, new = driver.worker.state(OLD), driver.worker.state(NEW)
    assert sorted(one.key for one in old.planned) == ["thanks:o-1", "thanks:o-3"]
    assert [one.key for one in new.planned] == ["thanks:o-2"]
    assert (old.email, new.email) == ("old@example.org", "new@example.org")
    assert not old.shares
    assert not new.shares
    assert all(not one.whose for one in (*old.planned, *new.planned))
    tell(driver, OLD, purchase("o-4"))
    driver.after(3 * HOUR)
    assert (
        sorted(mail["to"]["address"] for mail in driver.sent) == ["new@example.org"] + ["old@example.org"] * 3
    )
    assert balanced(driver)


def test_merged_and_unmerged_a_customer_is_as_before() -> None:
    driver = world(policy(rules()))
    tell(driver, OLD, purchase("o-1"), opened("k-1"), resolved("k-1"))
    driver.after(HOUR)
    tell(driver, NEW, tier("gold"))
    before = {id: driver.worker.state(id) for id in (OLD, NEW)}
    timers = {(timer.key, timer.due_at) for timer in driver.worker.timers()}
    merge(driver)
    unmerge(driver)
    for id in (OLD, NEW):
        now = driver.worker.state(id).model_copy(update={"merging": None})
        assert in_order(now) == in_order(before[id])
    assert {(timer.key, timer.due_at) for timer in driver.worker.timers()} == timers


def in_order(state: Customer) -> dict[str, object]:
    """Of what has no order of its own."""
    told = {name: getattr(state, name) for name in type(state).model_fields}
    return told | {name: sorted(map(repr, told[name])) for name in ("anchors", "planned", "waiting")}


def test_in_flight_at_the_unmerging() -> None:
    driver = world(written(THANKS), instant=False)
    tell(driver, OLD, purchase("o-1"))
    merge(driver)
    driver.after(3 * HOUR)
    unmerge(driver)
    driver.deliver()
    assert driver.worker.state(OLD).sends
    assert not driver.worker.state(NEW).sends
    assert balanced(driver)


def test_a_chain_and_its_undoing() -> None:
    driver = world(written(THANKS), OLD, NEW, OTHER)
    tell(driver, OLD, purchase("o-1"))
    merge(driver, OLD, NEW)
    merge(driver, NEW, OTHER)
    tell(driver, OLD, purchase("o-2"))
    assert len(driver.worker.state(OTHER).planned) == 2
    unmerge(driver, NEW, OTHER)
    assert len(driver.worker.state(NEW).planned) == 2
    assert not driver.worker.state(OTHER).planned
    unmerge(driver, OLD, NEW)
    assert len(driver.worker.state(OLD).planned) == 2
    driver.after(3 * HOUR)
    assert {mail["to"]["address"] for mail in driver.sent} == {"old@example.org"}
    assert balanced(driver)


def test_one_who_is_erased_is_so_under_all_ids() -> None:
    driver = world(written(THANKS))
    tell(driver, OLD, purchase("o-1"))
    tell(driver, NEW, purchase("o-2"))
    merge(driver)
    tell(driver, OLD, CustomerErased())
    driver.after(3 * HOUR)
    assert sent(driver) == []
    assert [e.reason for e in driver.facts(OutreachCancelled)] == ["erased", "erased"]
    assert "old@" not in driver.worker.state(NEW).model_dump_json()
    unmerge(driver)
    assert driver.worker.states == {}
    assert {OLD, NEW} == set(driver.worker.store.gone)
    assert balanced(driver)


def test_who_comes_to_one_who_was_erased_is_erased_too() -> None:
    driver = world(written(THANKS))
    tell(driver, NEW, CustomerErased())
    tell(driver, OLD, purchase("o-1"))
    merge(driver)
    driver.after(3 * HOUR)
    assert sent(driver) == []
    assert balanced(driver)
