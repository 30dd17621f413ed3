"""What is heard of messages that went: once each, in any order, and what it means for the address."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.followup.domain.gate.reach import unusable_addresses
from services.followup.domain.rows import RECEIPTS
from services.followup.domain.state import Customer
from shared.domain import RefusedError
from shared.mail.bounces import status_of, verdict
from shared.schemas.commands.followup import OutreachRequested, ReplyRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.outreach import (
    OutreachBounced,
    OutreachComplained,
    OutreachDelivered,
    OutreachFailed,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.times import micros

from .driver import DAY, HOUR, NOON, Driver, profile, purchase, reachable, refusal

NOTE: dict[str, Any] = {"template": "note", "variables": {"subject": "s", "message": "m"}}
NEWS = {**NOTE, "template": "news"}


def asked(driver: Driver, template: dict[str, Any] = NOTE) -> str:
    """The id of a message that is sent by hand."""
    driver.event(OutreachRequested.model_validate(template))
    assert driver.outcome is not None
    return str(driver.outcome["outreach_id"])


def receipt(outreach_id: str, what: str = "bounced", **more: Any) -> ReceiptReported:
    return ReceiptReported.model_validate({"outreach_id": outreach_id, "what": what, **more})


def may(driver: Driver, template: dict[str, Any] = NOTE) -> str | None:
    """Why such a message does not go now; None where it does."""
    try:
        driver.event(OutreachRequested.model_validate(template))
    except RefusedError as refused:
        return refused.code
    return None


def unusable(driver: Driver) -> dict[str, str]:
    return unusable_addresses(driver.policy, driver.state, micros(driver.now))


def test_each_is_told_once_and_shown_beside_the_message() -> None:
    driver = reachable(Driver())
    id = asked(driver)
    for _ in range(2):
        driver.event(receipt(id, "delivered"))
        driver.event(receipt(id, "bounced", kind="soft", code="4.2.2"))
        driver.event(receipt(id, "bounced", kind="hard", code="5.1.1"))
        driver.event(receipt(id, "complained"))
    assert driver.outcome == {"outreach_id": id, "status": "complained"}
    assert driver.facts(OutreachDelivered) == [OutreachDelivered(outreach_id=id, rule="manual")]
    (bounced,) = driver.facts(OutreachBounced)
    assert (bounced.kind, bounced.code) == ("soft", "4.2.2")
    assert len(driver.facts(OutreachComplained)) == 1
    rows = {row["_id"]: row for row in driver.worker.rows(RECEIPTS)}
    assert rows.keys() == {f"{id} delivered", f"{id} bounced", f"{id} complained"}
    assert rows[f"{id} bounced"] == {
        "_id": f"{id} bounced", "customer": "c-1", "at": NOON, "kind": "soft", "code": "4.2.2",
    }  # fmt: skip
    assert driver.rows[id]["status"] == "sent"


def test_a_hard_bounce_loses_the_address_and_not_the_next_one() -> None:
    driver = reachable(Driver())
    driver.event(receipt(asked(driver), kind="hard", code="5.1.1"))
    refused = refusal(driver, OutreachRequested.model_validate(NOTE))
    assert refused.code == "address_suppressed"
    assert "messages to it come back for good (5.1.1)" in refused.detail
    assert may(driver, NEWS) == "address_suppressed"  # what is lost for service is lost for all
    driver.event(purchase())
    driver.after(2 * HOUR)
    (told,) = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == (
        "address_suppressed",
        "messages to it come back for good (5.1.1)",
    )
    assert unusable(driver) == {
        "email": "The address cannot be used: messages to it come back for good (5.1.1)."
    }
    driver.event(ReplyRequested(outreach_id="r-1", conversation_id="v-1", channel="email", text="Yes."))
    assert driver.facts(OutreachSuppressed)[-1].reason == "address_suppressed"
    driver.event(CustomerUpdated(email="ada@new.example"))
    assert unusable(driver) == {}
    assert may(driver) is None
    driver.event(CustomerUpdated(email="ada@example.org"))
    assert may(driver) == "address_suppressed"


def test_what_is_lost_for_marketing_still_takes_what_is_owed() -> None:
    driver = reachable(Driver())
    driver.event(receipt(asked(driver, NEWS), "complained"))
    assert may(driver, NEWS) == "address_suppressed"
    assert may(driver, NOTE) is None
    assert unusable(driver) == {
        "email": "The address is not used for marketing: its owner has called a message unwanted."
    }
    driver.event(ReplyRequested(outreach_id="r-1", conversation_id="v-1", channel="email", text="Yes."))
    assert driver.facts(OutreachSuppressed) == []


@pytest.mark.parametrize(
    ("kind", "code", "said", "about"),
    [
        (None, "5.1.1", "hard", True),
        (None, "5.1.10", "hard", True),
        (None, "5.2.1", "hard", True),
        (None, "5.2.2", "soft", True),  # a full mailbox
        (None, "4.2.2", "soft", True),
        (None, "5.7.1", "soft", False),
        ("hard", "5.7.1", "soft", False),
        ("hard", "5.6.0", "soft", False),
        ("hard", "4.4.7", "soft", True),
        ("hard", "5.0.0", "hard", True),
        ("soft", "5.1.1", "soft", True),
        ("hard", None, "hard", True),
        (None, None, "soft", True),
        (None, "weird-7", "soft", True),
        (None, "5.1.11", "soft", True),
        (None, "15.1.1", "soft", True),
    ],
)
def test_what_a_code_says(kind: Any, code: str | None, said: str, about: bool) -> None:
    found = verdict(kind, code)
    assert (found.kind, found.about_address) == (said, about)


@pytest.mark.parametrize(
    ("answer", "of_recipient", "code"),
    [
        ("5.1.1 <a@b.example>: Recipient address rejected", True, "5.1.1"),
        ("<a@b.example>: User unknown in virtual mailbox table", True, "5.1.1"),
        ("No such user here", True, "5.1.1"),
        ("sorry, that mailbox does not exist", True, "5.1.1"),
        ("rejected: user unknown or blocked by policy", True, "5.7.0"),
        ("no", True, "5.0.0"),
        ("No such user here", False, None),
        ("5.7.1 spam", False, "5.7.1"),
        ("4.7.1 later", True, None),
        ("blocked from 10.5.1.1.7", True, "5.7.0"),
    ],
)
def test_what_a_server_says(answer: str, of_recipient: bool, code: str | None) -> None:
    assert status_of(answer, of_recipient=of_recipient) == code


def test_a_policy_block_is_told_and_loses_nothing() -> None:
    driver = reachable(Driver())
    for _ in range(4):
        driver.event(receipt(asked(driver), kind="hard", code="5.7.1"))
    assert [fact.kind for fact in driver.facts(OutreachBounced)] == ["soft"] * 4
    assert may(driver) is None
    assert unusable(driver) == {}


def test_soft_bounces_count_within_their_time() -> None:
    driver = reachable(Driver())
    for _ in range(3):
        id = asked(driver)
        assert may(driver) is None
        for _ in range(3):  # told again it does not count again
            driver.event(receipt(id, kind="soft", code="4.2.2"))
        driver.after(4 * DAY)
    assert may(driver) == "address_suppressed"
    assert unusable(driver) == {"email": "The address cannot be used: 3 messages to it came back within 14d."}
    driver.after(2 * DAY)  # the first was 14 days ago
    assert may(driver) is None
    assert unusable(driver) == {}


def test_whatever_the_order_the_address_is_lost() -> None:
    told = [
        ("delivered", {}),
        ("bounced", {"kind": "hard", "code": "5.1.1"}),
        ("bounced", {"kind": "soft", "code": "4.2.2"}),
        ("complained", {}),
    ]
    found = []
    for order in permutations(told):
        driver = reachable(Driver())
        id = asked(driver, NEWS)
        for what, more in order:
            driver.event(receipt(id, what, **more))
        state = driver.state
        found.append(
            (sorted((s.mark, s.of, s.why) for s in state.suppressed), len(driver.worker.rows(RECEIPTS)))
        )
    assert all(one == found[0] for one in found)


def test_one_that_is_faster_than_the_sender_waits_for_it() -> None:
    driver = reachable(Driver(instant=False))
    id = asked(driver)
    driver.event(receipt(id, "delivered"))
    driver.event(receipt(id, "complained"))
    driver.event(receipt(id, "delivered"))
    assert driver.facts(OutreachDelivered) == []
    driver.deliver()
    kinds = [type(event.data) for event in driver.emitted][-3:]
    assert kinds == [OutreachSent, OutreachDelivered, OutreachComplained]
    assert may(driver) == "address_suppressed"


def test_one_in_doubt_may_be_heard_of() -> None:
    driver = reachable(Driver(instant=False))
    id = asked(driver, NEWS)
    driver.deliver("in_doubt", "in_doubt: nobody knows")
    driver.event(receipt(id, "delivered"))
    assert len(driver.facts(OutreachDelivered)) == 1
    assert driver.rows[id]["status"] == "in_doubt"


def test_of_others_nothing_is_heard() -> None:
    driver = reachable(Driver(instant=False))
    refused = refusal(driver, receipt("nobody", "delivered"))
    assert (refused.code, refused.status) == ("unknown_outreach", 404)
    id = asked(driver)
    driver.deliver("failed", "550 no")
    assert refusal(driver, receipt(id, "delivered")).code == "unknown_outreach"
    sent = asked(driver)
    driver.deliver()
    driver.after(89 * DAY)
    driver.event(receipt(sent, "delivered"))


def test_of_one_long_ago_nothing_is_heard() -> None:
    driver = reachable(Driver())
    first = asked(driver)
    driver.after(91 * DAY)
    asked(driver)
    assert refusal(driver, receipt(first, "complained")).code == "unknown_outreach"


def test_of_an_erased_customer_nothing_is_kept() -> None:
    driver = reachable(Driver())
    id = asked(driver)
    driver.event(receipt(id, kind="hard", code="5.1.1"))
    driver.event(CustomerErased())
    assert driver.worker.states == {}
    assert refusal(driver, receipt(id, "complained")).code == "erased"
    assert driver.facts(OutreachComplained) == []


def test_what_a_server_refuses_is_a_bounce() -> None:
    driver = reachable(Driver(instant=False))
    asked(driver)
    tell(driver, "5.7.1")
    asked(driver)
    tell(driver, None)
    assert may(driver) is None
    tell(driver, "5.1.1")
    assert [f.code for f in driver.facts(OutreachBounced)] == ["5.7.1", "5.1.1"]
    assert len(driver.facts(OutreachFailed)) == 3
    assert may(driver) == "address_suppressed"


def tell(driver: Driver, code: str | None) -> None:
    """What is with the sender was refused for good."""
    driver.deliver("failed", "550 refused", code)


def test_a_state_of_before_loads() -> None:
    old = Driver(now=NOON - timedelta(hours=1))
    old.event(profile())
    known = old.state.model_dump(mode="json", exclude={"traces", "suppressed", "soft_bounces"})
    assert Customer.model_validate(known) == old.state


def test_times_are_those_at_which_it_was_heard() -> None:
    driver = reachable(Driver())
    id = asked(driver)
    driver.after(DAY)
    driver.event(receipt(id, "delivered"))
    (event,) = [e for e in driver.emitted if isinstance(e.data, OutreachDelivered)]
    assert event.time == NOON + DAY
    assert isinstance(event.time, datetime)
