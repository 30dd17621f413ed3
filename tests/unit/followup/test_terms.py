"""What the rules say of a message is found once, and with it the steps that need not be asked: the decision
is what all of them say."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.conditions.sample import sample
from services.followup.domain.gate.decision import decide, explain
from services.followup.domain.gate.question import ask
from services.followup.domain.gate.steps import STEPS
from services.followup.domain.gate.verdicts import Go, Hold, No, Refuse, Wait
from services.followup.domain.preferences.wishes import Wishes
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Consent, Customer, Planned
from shared.facts.complaints import OPENED, ToldStep
from shared.schemas.times import DAY, Micros, micros
from tests.examples import examples

from .driver import NOON, policy
from .gated import BOTH, FILE, rule

AT: Micros = micros(NOON)
FULL = sample({}).customer
OPEN = FULL.complaints[0].model_copy(update={"steps": (ToldStep(AT - DAY, OPENED),)})
WINDOW = {"days": ["sun"], "from": "10:00", "to": "11:00"}
GRANTED = tuple(
    Consent(purpose=purpose, channel=channel, granted=True, at=0)
    for purpose in ("marketing", "service", "survey")
    for channel in ("email", "sms")
)


def one_of(name: str, *values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """It is left out, or one of these."""
    return st.sampled_from([{}, *({name: value} for value in values)])


def several(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda those: {name: value for one in those for name, value in one.items()})


RULE = several(
    one_of("every", False),
    one_of("at_most_one_in", "2d", "300d"),
    one_of("group", "club"),
    one_of("window", WINDOW),
    one_of("holdout", "0.01", "0.5"),
    one_of("if", "purchases.count > 3", "complaints.open > 0", "purchases.count > 100"),
    one_of("class", "marketing"),
    one_of("channels", ["email", "sms"]),
).map(lambda said: {**said, "every": False} if "at_most_one_in" in said else said)
RULES = several(
    one_of("frequency_cap", {"max": 1, "per": "30d"}, {"max": 9, "per": "week"}),
    one_of("caps", [{"max": 1, "per": "day"}], [{"max": 1, "per": "30d", "purposes": ["survey"]}]),
    one_of("quiet_hours", {"from": "11:00", "to": "20:00"}, {"from": "21:00", "to": "08:00"}),
    one_of("send_windows", {"marketing": WINDOW}, {"service": WINDOW}),
    one_of("hold_during_complaint", [], ["service"]),
    one_of("holdout", "0.01", "0.9"),
)
CUSTOMER = several(
    one_of("sends", (), FULL.sends[:1]),
    one_of("complaints", (), (OPEN,)),
    one_of("consents", GRANTED, GRANTED),
    one_of("wishes", Wishes(frequency="monthly"), Wishes(paused_until=AT + DAY)),
    one_of("profile", {}),
).map(lambda update: FULL.model_copy(update=update))


@given(RULE, RULES, CUSTOMER, st.sampled_from(["marketing", "service", "survey"]), st.integers(-1, 4))
@settings(max_examples=examples(300), deadline=None)
def test_a_decision_is_what_all_the_steps_say(
    its: dict[str, Any], file: dict[str, Any], state: Customer, purpose: str, late: int
) -> None:
    templates = {**FILE["templates"], "plain": {"purpose": purpose}}
    said = {**FILE, **file, "rules": [rule(**its), rule("club", group="club")], "templates": templates}
    whole = policy(Rules.model_validate(said), channels=BOTH)
    outreach = Planned(
        outreach_id="o-1", key="bought", rule="bought", template="plain", purpose=purpose, channel="email",
        due_at=AT - late * DAY, at=AT - DAY, by=AT - DAY,
    )  # fmt: skip
    question = ask(state, whole, outreach, AT)
    terms = question.terms
    quiet = terms.silent if question.way is None else terms.silent_reached
    assert [step.name for step in STEPS if step.name in quiet and step.look(question) is not None] == []
    against = [one for _, one in explain(state, whole, outreach, AT) if one is not None]
    match decide(state, whole, outreach, AT):
        case Go():
            assert against == []
        case Wait(reason=reason):
            assert isinstance(against[0], Hold)
            assert against[0].reason == reason
        case No() as no:
            assert isinstance(against[0], Refuse)
            reasons = [one.refuses_as if isinstance(one, Hold) else one.reason for one in against]
            assert no.blocked_by == tuple(dict.fromkeys(reasons))
            assert (no.reason, no.detail) == (against[0].reason, against[0].detail)


def test_what_is_known_of_a_rule_is_found_once() -> None:
    first = Rules.model_validate(
        {**FILE, "rules": [rule("a")], "templates": {"plain": {"purpose": "survey"}}}
    )
    outreach = Planned(
        outreach_id="o-1", key="a", rule="a", template="plain", purpose="survey", channel="email",
        due_at=AT, at=AT, by=AT,
    )  # fmt: skip
    whole = policy(first, channels=BOTH)
    assert whole.terms(outreach) is whole.terms(outreach)
    assert whole.terms(outreach).gone is None
    gone = outreach.model_copy(update={"rule": "b"})
    assert whole.terms(gone).gone == "there is no rule b any more"
    elsewhere = outreach.model_copy(update={"template": "news"})
    assert whole.terms(elsewhere).gone == "there is no template news any more"
