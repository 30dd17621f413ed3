"""A complaint's whole way by mail: by LMTP in, acknowledged by a rule's mail of followup, whose answer stands
in the same conversation, whichever box it comes to."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.schemas.complaints import ComplaintAcknowledged, ComplaintOpened
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachSent
from tests.unit.followup.driver import Driver

from ..told import START
from .post import COMPLAINTS, SERVICE, House, written
from .test_serving import hand_in, serving

ANN = "c-ann"


class Both:
    """The house, and followup beside it; each hears what the other tells of Ann."""

    def __init__(self) -> None:
        self.house = House()
        self.followup = Driver(now=self.house.worker.now, customer=ANN)

    def acknowledge(self) -> dict[str, Any]:
        """An agent does; the mail that followup sends by its rule."""
        [complaint] = self.house.worker.state(ANN).complaints
        acknowledged = ComplaintAcknowledged(complaint_id=complaint.complaint_id, message="We look into it.")
        self.house.worker.tell(ANN, acknowledged)
        for event in self.house.told:
            self.followup.worker.send(event)
        self.followup.event(acknowledged)
        self.followup.after(timedelta(0))
        [mail] = self.followup.sent
        for event in self.followup.emitted:
            if isinstance(event.data, OutreachSent):
                self.house.worker.send(event)
        return mail


@pytest.mark.parametrize("box", [COMPLAINTS, SERVICE])
async def test_an_answer_to_what_a_rule_says_of_a_complaint_stands_in_its_conversation(box: str) -> None:
    both = Both()
    house = both.house
    async with serving(house.taker) as port:
        house.knows("ann@home.example", ANN)
        both.followup.event(CustomerUpdated(email="ann@home.example"))
        raw = written("It is broken.", subject="Lamp")
        await asyncio.to_thread(hand_in, port, raw, COMPLAINTS)
        mail = both.acknowledge()
        assert (mail["rule"], mail["to"]["address"]) == ("complaint-acknowledged", "ann@home.example")
        assert mail["headers"]["In-Reply-To"] == mail["headers"]["References"] == "<m-1@home.example>"
        house.worker.advance(timedelta(minutes=1))
        answer = written(
            "Thank you.",
            id="m-2@home.example",
            answers=f"{mail['_id']}@shop.example",
            subject=f"Re: {mail['subject']}",
        )
        await asyncio.to_thread(hand_in, port, answer, box)
    [conversation] = house.conversations(ANN)
    [complaint] = house.worker.state(ANN).complaints
    assert [message.by for message in conversation.messages] == ["customer", "customer"]
    assert complaint.conversation_id == conversation.conversation_id


def opened(conversation_id: str | None) -> ComplaintOpened:
    told = {"complaint_id": "x", "channel": "phone", "category": "x", "severity": "low", "description": "x"}
    in_one = {} if conversation_id is None else {"conversation_id": conversation_id}
    return ComplaintOpened.model_validate({**told, **in_one})


@pytest.mark.parametrize("late", [True, False])
async def test_the_mail_may_be_told_before_its_complaint(late: bool) -> None:
    house = House()
    house.knows("ann@home.example", ANN)
    if not late:
        house.worker.tell(ANN, opened("talk"), at=START)
    sent = house.sends(ANN, "o-1", about="x")
    if late:
        house.worker.tell(ANN, opened("talk"), at=START)
    assert await house.take(written("Thank you.", answers=sent), COMPLAINTS) == "message"
    robot = written("Away.", id="r@x", answers=sent, more="Auto-Submitted: auto-replied")
    assert await house.take(robot, COMPLAINTS) == "automatic"
    assert [event.data.conversation_id for event in house.told[-2:]] == ["talk", "talk"]
    assert len(house.worker.state(ANN).complaints) == 1


async def test_an_answer_about_a_complaint_made_in_no_conversation_opens_no_second_one() -> None:
    """As of one that was made by phone."""
    house = House()
    house.knows("ann@home.example", ANN)
    house.worker.tell(ANN, opened(None))
    answer = written("Thank you.", answers=house.sends(ANN, "o-1", about="x"))
    for _ in range(2):
        assert await house.take(answer, COMPLAINTS) == "message"
    assert len(house.worker.state(ANN).complaints) == 1
    [conversation] = house.conversations(ANN)
    assert len(conversation.messages) == 1
