"""One decision, of any team: what it gives is allowed, by rules that are written down here once more; nothing
that is allowed is left; and who comes first is not passed over."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.config import parse_desk
from services.interactions.domain.routing.calm import can_take_hard
from services.interactions.domain.routing.decide import Assigned, decide
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.state import Agent, Carried, Contact, Team, Waiting, key_of
from tests.examples import examples

MINUTE = 60_000_000
NOW = 1_000_000 * MINUTE
DAY = 1_440 * MINUTE
DESK = parse_desk(
    """
teams: [{id: care, default: true}]
calm: {in_a_row: 2, rest: 30m, a_day: 3, pause: 5m}
"""
)
SKILLS, CHANNELS, LANGUAGES = ("law", "tax"), ("chat", "email"), ("de", "en")
AGENTS = ("ann", "bob", "cyd")
TAKES = (500, 1_000, 1_500, 4_000)

skills = st.lists(st.sampled_from(SKILLS), unique=True)
ago = st.sampled_from([0, 1, 3, 10, 45, 600, 1_500]).map(lambda minutes: NOW - minutes * MINUTE)


@st.composite
def carried(draw: st.DrawFn, number: int) -> Carried:
    return Carried(
        customer_id=f"had-{number}",
        conversation_id="t",
        revision=1,
        at=draw(ago),
        channel=draw(st.sampled_from([None, *CHANNELS, "phone"])),
        takes=draw(st.sampled_from(TAKES)),
        difficult=draw(st.booleans()),
        manual=draw(st.booleans()),
    )


@st.composite
def agents(draw: st.DrawFn, id: str, first: int) -> Agent:
    """Half of them are at work, and take anything that asks for no skill."""
    ready = draw(st.booleans())
    has = [draw(carried(first + n)) for n in range(draw(st.integers(0, 2)))]
    hard = sorted(draw(st.lists(st.tuples(ago, st.booleans()), max_size=4)))
    contacts = [
        Contact(at=at, key=f"old-{n} t", difficult=difficult) for n, (at, difficult) in enumerate(hard)
    ]
    return Agent(
        agent_id=id,
        at=0,
        told="",
        name=id,
        skills={name: draw(st.integers(1, 10)) for name in draw(skills)},
        languages=tuple(draw(st.lists(st.sampled_from(LANGUAGES), unique=True))),
        total=draw(st.sampled_from([1_000, 2_000, 3_500] if ready else [0, 1_000, 2_000, 3_500])),
        weights={
            name: draw(st.sampled_from([300, 1_000]))
            for name in (CHANNELS if ready else draw(st.lists(st.sampled_from(CHANNELS))))
        },
        on_shift=ready or draw(st.booleans()),
        on_break=not ready and draw(st.booleans()),
        lease=1 if ready else draw(st.sampled_from([1, None])),
        carries={key_of(one.customer_id, one.conversation_id): one for one in has},
        contacts=tuple(contacts),
        hard_ended_at=draw(st.one_of(st.none(), ago)),
        idle_since=draw(ago),
    )


@st.composite
def waitings(draw: st.DrawFn, number: int) -> Waiting:
    """Half of them have just been asked about, and ask for nothing: only who knows the customer, and who gave
    it back, matters."""
    plain = draw(st.booleans())
    if plain:
        return Waiting(
            customer_id=f"c-{number}",
            conversation_id="t",
            revision=1,
            since=draw(ago),
            asked_at=NOW - draw(st.sampled_from([0, MINUTE // 2, MINUTE])),
            priority=draw(st.sampled_from([*DESK.ranks])),
            channel=draw(st.sampled_from([None, *CHANNELS])),
            knows=draw(st.sampled_from([None, *AGENTS])),
            gave_back=draw(st.sampled_from([None, *AGENTS])),
        )
    return Waiting(
        customer_id=f"c-{number}",
        conversation_id="t",
        revision=1,
        since=draw(ago),
        asked_at=draw(st.one_of(ago, st.just(NOW - MINUTE // 2))),
        priority=draw(st.sampled_from([*DESK.ranks])),
        skills=tuple(draw(skills)),
        preferred=tuple(draw(st.sampled_from([[], [], ["law"], ["tax"]]))),
        language=draw(st.sampled_from([None, None, "de-AT"])),
        channel=draw(st.sampled_from([None, *CHANNELS])),
        takes=draw(st.sampled_from(TAKES)),
        difficult=draw(st.booleans()),
        knows=draw(st.sampled_from([None, *AGENTS])),
        gave_back=draw(st.sampled_from([None, None, *AGENTS])),
        leaving=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def teams(draw: st.DrawFn, most: int) -> Team:
    known = {id: draw(agents(id, 10 * n)) for n, id in enumerate(AGENTS)}
    waiting = [draw(waitings(n)) for n in range(draw(st.integers(1, most)))]
    return Team(
        team_id="care",
        agents=known,
        waiting={key_of(one.customer_id, one.conversation_id): one for one in waiting},
        holders={key: agent.agent_id for agent in known.values() for key in agent.carries},
    )


class Rules(NamedTuple):
    """Of an agent as they stand."""

    agent: Agent

    def cost(self, channel: str | None, takes: int) -> int | None:
        weights = self.agent.weights
        weight = max(weights.values(), default=None) if channel is None else weights.get(channel)
        if weight is None:
            return None
        of_it = -(-weight * takes // 1_000)
        return of_it if takes <= 1_000 else max(weight, min(of_it, self.agent.total))

    @property
    def load(self) -> int:
        taken = ((self.cost(one.channel, one.takes), one.takes) for one in self.agent.carries.values())
        return sum(takes if cost is None else cost for cost, takes in taken)

    def fits(self, one: Waiting, *, preferred: bool) -> bool:
        """They are here, and know what it needs."""
        agent = self.agent
        here = agent.lease is not None and agent.on_shift and not agent.on_break and agent.total > 0
        wanted = {*one.skills, *(one.preferred if preferred else ())}
        speaks = one.language is None or one.language[:2] in agent.languages
        return (
            here
            and wanted <= agent.skills.keys()
            and speaks
            and self.cost(one.channel, one.takes) is not None
        )

    def has_room(self, one: Waiting) -> bool:
        cost = self.cost(one.channel, one.takes)
        return cost is not None and self.load + cost <= self.agent.total

    def is_calm(self, one: Waiting) -> bool:
        ended = self.agent.hard_ended_at
        if ended is not None and ended + 5 * MINUTE > NOW:
            return False
        if not one.difficult:
            return True
        today = sum(had.difficult and had.at > NOW - DAY for had in self.agent.contacts)
        return today < 3 and can_take_hard(DESK.calm, self.agent, NOW)


def allowed(found: dict[str, Agent], id: str, one: Waiting) -> bool:
    """Whether it may go to this agent now."""
    rules = Rules(found[id])
    known = found.get(one.knows or "")
    awaited = known is not None and one.asked_at + MINUTE > NOW and one.gave_back != one.knows
    if awaited and known is not None and Rules(known).fits(one, preferred=False) and one.knows != id:
        return False
    new = one.asked_at + 2 * MINUTE > NOW
    if one.leaving or (new and one.gave_back == id):
        return False
    prefers = new and not (awaited and one.knows == id)
    return rules.fits(one, preferred=prefers) and rules.has_room(one) and rules.is_calm(one)


def before_each(team: Team, made: list[Assigned]) -> Iterator[tuple[Floor, Assigned]]:
    """How the floor stood as each was given."""
    floor = Floor(DESK, team, NOW)
    for one in made:
        yield floor, one
        told: dict[str, Any] = {
            "customer_id": one.waiting.customer_id,
            "conversation_id": one.waiting.conversation_id,
            "revision": one.waiting.revision,
            "at": NOW,
            "channel": one.waiting.channel,
            "takes": one.waiting.takes,
            "difficult": one.waiting.difficult,
            "reserved": True,
        }
        key = key_of(one.waiting.customer_id, one.waiting.conversation_id)
        floor.give(one.agent_id, key, Carried(**told))


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(teams(4), teams(20)))
def test_what_is_given_is_allowed_and_nothing_that_is_allowed_is_left(team: Team) -> None:
    floor = Floor(DESK, team, NOW)
    made = decide(floor)
    for then, one in before_each(team, made):
        assert allowed(then.agents, one.agent_id, one.waiting), one
    for agent in floor.agents.values():
        if any(one.agent_id == agent.agent_id for one in made):
            assert Rules(agent).load <= agent.total
    left = [
        (one, id) for one in floor.waiting.values() for id in floor.agents if allowed(floor.agents, id, one)
    ]
    assert left == []


@settings(max_examples=examples(300), deadline=None)
@given(teams(8))
def test_who_comes_first_is_not_passed_over(team: Team) -> None:
    """But for a hard one that calm keeps from somebody: an easy one before it may make room for it."""
    ranks = [*DESK.priorities.order]

    def place(one: Waiting) -> tuple[int, int, str]:
        return one.since + 15 * MINUTE * ranks.index(one.priority), one.since, one.customer_id

    for then, one in before_each(team, decide(Floor(DESK, team, NOW))):
        for other in then.waiting.values():
            if not other.difficult and place(other) < place(one.waiting):
                assert not allowed(then.agents, one.agent_id, other), (other, one)
