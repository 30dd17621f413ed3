"""An answer without the name of what it answers is found by its subject line, in a complaint box too."""

from datetime import timedelta

import pytest

from shared.schemas.interactions import ConversationClosed

from .post import COMPLAINTS, SERVICE, House, written


@pytest.mark.parametrize("box", [COMPLAINTS, SERVICE])
async def test_an_answer_without_names_is_found_by_its_subject(box: str) -> None:
    house = House()
    await house.take(written("It is broken.", subject="Lamp"), COMPLAINTS)
    [conversation] = house.conversations("c-ann")
    house.answers("c-ann", conversation.conversation_id)
    answer = written("Thank you.", id="m-2@home.example", subject="Re: lamp")
    for _ in range(2):
        assert await house.take(answer, box) == "message"
    assert (
        await house.take(written("Another.", id="m-3@home.example", subject="Lamp"), COMPLAINTS)
        == "complaint"
    )
    [first, *_] = house.conversations("c-ann")
    assert [m.by for m in first.messages] == ["customer", "agent", "customer"]
    assert len(house.worker.state("c-ann").complaints) == 2


async def test_a_first_mail_that_says_it_answers_is_a_complaint_however_often_it_comes() -> None:
    house = House()
    for _ in range(2):
        assert await house.take(written("It is broken.", subject="Re: Lamp"), COMPLAINTS) == "complaint"
    await house.take(written("And the shade.", id="m-2@home.example", subject="Re: Lamp"), COMPLAINTS)
    house.worker.advance(timedelta(days=40))
    late = written("Now the cable.", id="m-3@home.example", subject="Re: Lamp")
    assert await house.take(late, COMPLAINTS) == "complaint"
    assert len(house.worker.state("c-ann").complaints) == 2


@pytest.mark.parametrize("named", [True, False])
async def test_a_mail_handed_in_again_stays_where_it_went_though_that_is_closed(named: bool) -> None:
    """The answer to the mail server was lost; before it tried again an agent closed the conversation."""
    house = House()
    await house.take(written("It is broken.", subject="Lamp"), COMPLAINTS)
    [conversation] = house.conversations("c-ann")
    answer = written("The shade too.", id="m-2@home.example", subject="Re: Lamp")
    if not named:
        answer = answer.replace(b"Message-ID: <m-2@home.example>\r\n", b"")
    assert await house.take(answer, COMPLAINTS) == "message"
    house.worker.advance(timedelta(minutes=1))
    house.worker.tell(
        "c-ann", ConversationClosed(conversation_id=conversation.conversation_id, outcome="solved")
    )
    assert await house.take(answer, COMPLAINTS) == "message"
    [contact, again] = house.told[-2:]
    assert (again.id, again.data) == (contact.id, contact.data)
    assert len(house.worker.state("c-ann").complaints) == 1
    other = written("Now the cable.", id="m-2@home.example", subject="Re: Lamp")
    other = other.replace(b"10:00:00", b"11:00:00")
    assert await house.take(other, COMPLAINTS) == "complaint", "another mail of the same name"


async def test_what_went_on_elsewhere_opens_no_complaint_when_another_box_has_it_too() -> None:
    house = House()
    await house.take(written("It is broken.", subject="Lamp"), COMPLAINTS)
    [conversation] = house.conversations("c-ann")
    answer = written("The shade too.", id="m-2@home.example", subject="Re: Lamp")
    await house.take(answer, SERVICE)
    house.worker.advance(timedelta(minutes=1))
    house.worker.tell(
        "c-ann", ConversationClosed(conversation_id=conversation.conversation_id, outcome="solved")
    )
    assert await house.take(answer, COMPLAINTS) == "message"
    assert len(house.worker.state("c-ann").complaints) == 1
