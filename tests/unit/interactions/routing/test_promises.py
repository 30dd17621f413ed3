"""What must hold at each moment of any history in which all is heard at once: the pause after a hard contact,
a shift that ends, the other team that is asked, the silence of bots; and that everybody has their turn."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.interactions.config import parse_desk
from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.state import Customer
from services.interactions.telemetry import observe
from shared.schemas.base import Data
from shared.schemas.commands.conversations import ConversationMessageRequested
from shared.schemas.interactions import ConversationAssigned, ConversationClosed, ConversationReturned
from shared.schemas.times import Micros, micros
from tests.examples import examples
from tests.unit.interactions.talk import escalated

from .floor import Floor, agent, chats

MINUTE = 60_000_000
DESK = parse_desk(
    """
teams: [{id: care, default: true, overflow: {to: night, after: 20m}}, {id: night}]
calm: {in_a_row: 2, rest: 30m, a_day: 3, pause: 5m}
"""
)
TOTALS = {"ann": 1, "bob": 2}
TALKS = [f"c-{n}" for n in range(5)]
"""Conversations, each of the customer of its name."""


class Act(NamedTuple):
    kind: str
    who: str
    agent: str
    angry: bool
    minutes: int


OFTEN = ["wants", "wants", "wants", "closed", "closed", "work", "work", "time", "time", "bot says"]
acts = st.lists(
    st.builds(
        Act,
        st.sampled_from([*OFTEN, "writes", "answers", "by hand", "to bot", "to queue", "home", "break"]),
        st.sampled_from(TALKS),
        st.sampled_from([*TOTALS]),
        st.booleans(),
        st.sampled_from([1, 3, 6, 25]),
    ),
    min_size=5,
    max_size=40,
)
SILENCES = {"escalated": True, "by hand": True, "to queue": True, "answers": True, "to bot": False}


def told(act: Act) -> list[tuple[str, str, Data]]:
    """What it is called, whom it is about, and what it is."""
    id, agent_id = act.who, act.agent
    match act.kind:
        case "wants" | "writes":
            said = chats(conversation_id=id, sentiment=-0.9 if act.angry else 0.5)
            asks: list[tuple[str, str, Data]] = [("escalated", id, escalated(id))]
            return [("writes", id, said), *(asks if act.kind == "wants" else [])]
        case "closed":
            return [(act.kind, id, ConversationClosed(conversation_id=id, outcome="solved"))]
        case "answers":
            by = {"direction": "outbound", "author": "agent", "agent_id": agent_id}
            return [(act.kind, id, chats("done", conversation_id=id, **by))]
        case "by hand":
            return [(act.kind, id, ConversationAssigned(conversation_id=id, agent_id=agent_id, manual=True))]
        case "to bot":
            return [(act.kind, id, ConversationReturned(conversation_id=id, to="bot", reason="easy"))]
        case "to queue":
            return [(act.kind, id, ConversationReturned(conversation_id=id, to="queue", reason="not mine"))]
        case _:
            shift = {"on_shift": act.kind != "home", "on_break": act.kind == "break"}
            return [(act.kind, "care", agent(agent_id, total=TOTALS[agent_id], **shift))]


class House:
    """A floor, and what the test knows of it by itself."""

    def __init__(self) -> None:
        self.floor = Floor(DESK, observe)
        self.angry: dict[str, bool] = {}
        self.silent: dict[str, bool] = {}
        """Of conversations: whether people have it."""
        self.held: dict[str, tuple[str, bool]] = {}
        """Conversation -> who has it, and whether it was hard meanwhile."""
        self.hard_ended: dict[str, Micros] = {}
        """Agent -> when one began to end last."""
        self.working: dict[str, bool] = {}
        self.seen = 0
        for agent_id, total in TOTALS.items():
            self.hear("work", "care", agent(agent_id, total=total))

    @property
    def now(self) -> Micros:
        return micros(self.floor.worker.now)

    @property
    def talks(self) -> dict[str, Conversation]:
        customers = [one for one in self.floor.worker.states.values() if isinstance(one, Customer)]
        return {id: one for of in customers for id, one in course(of.conversations).open.items()}

    def had(self) -> dict[str, str]:
        """Conversation -> the agent who has it."""
        return {
            id: one.agent_id
            for id, one in self.talks.items()
            if one.handled_by == "agent" and one.agent_id is not None and one.status != "closed"
        }

    def hear(self, kind: str, whom: str, data: Data) -> None:
        before, began = self.had(), self.now
        self.floor.tell(whom, data)
        if kind == "writes":
            self.angry[whom] = getattr(data, "sentiment", 0) < 0
        if kind in SILENCES:
            self.silent[whom] = SILENCES[kind]
        self.look(began)
        if kind == "break":
            assert self.had() == before, "what they have stays theirs"
        if kind == "home" and self.working[vars(data)["agent_id"]]:
            owed = [id for id, one in self.talks.items() if one.status == "assigned"]
            kept = [id for id in owed if self.had().get(id) == vars(data)["agent_id"]]
            assert kept == [], "who goes home gives back what is owed an answer"
        if kind in ("home", "break", "work"):
            self.working[vars(data)["agent_id"]] = kind != "home"

    def pass_time(self, minutes: int) -> None:
        began = self.now
        self.floor.after(minutes)
        self.look(began)

    def look(self, began: Micros) -> None:
        had = self.had()
        for id, (agent_id, hard) in self.held.items():
            if hard and had.get(id) != agent_id:
                self.hard_ended[agent_id] = began
        self.held = {
            id: (who, self.angry.get(id, False) or self.held.get(id) == (who, True))
            for id, who in had.items()
        }
        new = [one for one in self.floor.worker.emitted if isinstance(one.data, ConversationAssigned)]
        for event in new[self.seen :]:
            ended = self.hard_ended.get(vars(event.data)["agent_id"])
            assert ended is None or micros(event.time) >= ended + 5 * MINUTE, "a pause after a hard one"
        self.seen = len(new)
        for id, one in self.talks.items():
            assert one.silenced is self.silent.get(id, False), (
                "from when people have it until the bot has it again"
            )
        for waiting in self.floor.team("care").waiting.values():
            assert self.now < waiting.asked_at + 20 * MINUTE, "then the other team is asked"

    def bot_says(self, id: str) -> None:
        """By the API it is refused as long as people have it; told as a fact it is no answer. Both count."""
        if id not in self.talks:
            return
        before = self.floor.conversation(id)
        refused, heard = counted("refused"), counted("heard")
        said = ConversationMessageRequested(conversation_id=id, text="Hi!", author="bot")
        asked = self.floor.worker.tell(id, said)
        assert asked.outcome is not None
        if not self.silent.get(id, False):
            assert (asked.outcome.status, counted("refused")) == (201, refused)
            return
        assert (asked.outcome.status, asked.outcome.body["code"]) == (409, "bot_silenced")
        self.floor.tell(id, chats("Hi!", conversation_id=id, direction="outbound", author="bot"))
        now = self.floor.conversation(id)
        assert (counted("refused"), counted("heard")) == (refused + 1, heard + 1)
        assert len(now.hushed) == len(before.hushed) + 1
        assert (now.status, now.handled_by, now.agent_id) == (
            before.status,
            before.handled_by,
            before.agent_id,
        )


def counted(how: str) -> float:
    return REGISTRY.get_sample_value("rapport_bot_silenced_total", {"how": how}) or 0.0


@settings(max_examples=examples(100), deadline=None)
@given(acts)
def test_what_is_promised_holds_and_everybody_has_their_turn(history: list[Act]) -> None:
    house = House()
    for act in history:
        if act.kind == "time":
            house.pass_time(act.minutes)
        elif act.kind == "bot says":
            house.bot_says(act.who)
        else:
            for one in told(act):
                house.hear(*one)
    # There is room for all: calm may keep hard ones for a while, and no longer.
    for team, agent_id in (("care", "dan"), ("night", "eve")):
        house.floor.tell(team, agent(agent_id, total=99))
    for _ in TALKS:
        house.floor.after(24 * 60)
        waiting = [key for team in ("care", "night") for key in house.floor.team(team).waiting]
        if not waiting:
            break
        for id in house.had():
            house.floor.tell(id, ConversationClosed(conversation_id=id, outcome="solved"))
    assert waiting == []
