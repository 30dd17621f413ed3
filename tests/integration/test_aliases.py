"""Customers known by what they are called: over HTTP and over Kafka, and by many at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.stack import Answer, Stack, event, new_customer, purchase, until

ASKING = 8


def address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


def called(stack: Stack, alias: str) -> list[str]:
    """Whose that is: one customer, or nobody."""
    found = stack.get("interactions", f"/customers?alias={quote(alias)}")["items"]
    return [one["customer_id"] for one in found]


def whose(stack: Stack, alias: str) -> str:
    [customer] = until(lambda: called(stack, alias), f"{alias.partition(':')[0]} is somebody's")
    return customer


def tell(stack: Stack, *events: dict[str, Any]) -> Answer:
    """What is answered with 503 is told again, under the same ids."""

    def told() -> Answer | None:
        answer = stack.post_events(*events)
        return answer if answer.status != 503 else None

    return until(told, "the events are taken")


def bought(stack: Stack, customer: str) -> int:
    answer = stack.call("interactions", "GET", f"/customers/{customer}")
    return answer.body["purchases"]["count"] if answer.status == 200 else 0


def names(stack: Stack, customer: str) -> dict[str, str]:
    """What the customer is called by, and whose it is."""
    answer = stack.call("interactions", "GET", f"/customers/{customer}")
    told = answer.body["aliases"] if answer.status == 200 else []
    return {f"{one['kind']}:{one['value']}": one["owner"] for one in told}


def test_who_is_told_of_by_an_address_is_one_customer_in_any_spelling(stack: Stack) -> None:
    email = address()
    told = (purchase(f"email:{spelt}", 1_000) for spelt in (email, email.upper()))
    for one in told:
        assert tell(stack, one).status == 202
    customer = whose(stack, f"email:{email}")
    until(lambda: bought(stack, customer) == 2, "both purchases are one customer's")
    until(lambda: stack.balance(customer) == 20, "loyalty has them too")
    log = [record.value.lower() for record in stack.records("purchases")]
    assert not [value for value in log if email.encode() in value], "no address stands in the log"
    assert names(stack, customer) == {f"email:{email}": customer}


def test_two_at_once_never_make_two_customers_of_one_address(stack: Stack) -> None:
    emails = [address() for _ in range(5)]
    batches = [[purchase(f"email:{email}", 1_000) for email in emails] for _ in range(ASKING)]
    with ThreadPoolExecutor(ASKING) as pool:
        answers = list(pool.map(lambda batch: tell(stack, *batch), batches))
    assert {answer.status for answer in answers} == {202}
    owners = [whose(stack, f"email:{email}") for email in emails]
    assert len(set(owners)) == len(emails)
    for owner in owners:
        until(lambda owner=owner: bought(stack, owner) == ASKING, "the customer has all of it")
    orders = {one["data"]["order_id"] for batch in batches for one in batch}
    told = [
        record.key.decode()
        for record in stack.records("purchases")
        if any(order.encode() in record.value for order in orders)
    ]
    assert set(told) == set(owners)


def test_two_who_claim_one_card_over_kafka_at_once(stack: Stack) -> None:
    """One has it, the other waits, and has it once it is given up; an event finds whoever has it."""
    card = f"card:{uuid.uuid4().hex[:12].upper()}"
    alias = {"kind": "card", "value": card.partition(":")[2]}
    both = [new_customer(), new_customer()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: stack.send("customers", event("alias.added", one, alias)), both))

    def agreed() -> str | None:
        said = [names(stack, one).get(card) for one in both]
        return said[0] if said[0] == said[1] else None

    owner = until(agreed, "both say whose it is")
    assert [owner] == called(stack, card)
    [other] = set(both) - {owner}
    assert tell(stack, purchase(card, 1_000)).status == 202
    until(lambda: bought(stack, owner) == 1, "what is told of the card is its owner's")
    assert bought(stack, other) == 0
    stack.send("customers", event("alias.removed", owner, alias))
    until(lambda: names(stack, other).get(card) == other, "who waited has it")
    assert names(stack, owner) == {}
    until(lambda: called(stack, card) == [other], "what was remembered is too old", 20)


@pytest.mark.parametrize("alias", ["email:nobody", "phone:1", "card:"])
def test_what_is_no_alias_is_refused_whole(stack: Stack, alias: str) -> None:
    good = purchase(new_customer(), 1_000)
    answer = stack.post_events(good, purchase(alias, 1_000))
    assert (answer.status, answer.body["code"]) == (422, "invalid_events")
    named = [(one["index"], one["code"], one["field"]) for one in answer.body["errors"]]
    assert named == [(1, "invalid_alias", "subject")]
    assert good["subject"].encode() not in [record.key for record in stack.records("purchases")]


def test_asking_makes_nobody(stack: Stack) -> None:
    email = address()
    assert called(stack, f"email:{email}") == []
    assert called(stack, f"email:{email}") == []
    asked = stack.call("interactions", "GET", "/customers?alias=ann@example.com")
    assert (asked.status, asked.body["code"]) == (422, "invalid_alias")
    both = stack.call("interactions", "GET", f"/customers?alias=email:{email}&query=ann")
    assert (both.status, both.body["code"]) == (422, "query_or_alias")
