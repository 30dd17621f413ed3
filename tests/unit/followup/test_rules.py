"""The YAML files: what ships loads, what is wrong is named by its path."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from services.followup.config import DEFAULT_RULES, load_policy, load_rules, parse_versions
from services.followup.domain.apply import consumes
from services.followup.domain.policy import Policy
from services.followup.domain.rules.times import parse_duration, write_duration
from services.followup.domain.state import Customer
from services.followup.settings import FollowupSettings
from shared.runtime.config import ConfigError, or_exit
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import (
    MemberAnniversary,
    MemberBirthday,
    MemberEnrolled,
    PointsExpiring,
    RewardAvailable,
    TierAtRisk,
    TierChanged,
)
from shared.schemas.purchases import PurchaseMade, SubscriptionCancelled

from .driver import CHANNELS, HEAD, RULES


def settings(**changes: object) -> FollowupSettings:
    required = {"kafka": "k:1", "mongo": "mongodb://m", "secret_key": SecretStr("x" * 32)}
    return FollowupSettings.model_validate({**required, **changes})


def policy_of(**changes: object) -> Policy:
    return load_policy(settings(**changes), [*CHANNELS.values()])


def changed(tmp_path: Path, *path: str | int, to: object) -> Path:
    """The default rules with one field replaced (deleted where ``to`` is None)."""
    content = yaml.safe_load(DEFAULT_RULES.read_text())
    place = content
    for part in path[:-1]:
        place = place[part]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


PROGRAM = {"tier-up", "tier-at-risk", "reward-available", "points-expiring", "anniversary", "birthday"}
"""The rules about the loyalty program that both files have."""
COMPLAINTS = {"complaint-acknowledged", "complaint-update", "complaint-check"}
ASKED = {"nps", "csat-support", "invite-friends", "call-detractor", "what-changed"}
"""What surveys and their answers lead to."""
BOUGHT = {
    "setup-help",
    "review-request",
    "complement",
    "csat-complaint",
    "maintenance-due",
    "bought-together",
}
MOMENTS = {
    "still-deciding",
    "good-to-see-you",
    "surprise-present",
    "vip-circle",
    "members-evening",
    "child-birthday",
    "lapsing",
    "may-leave",
}
MEMBERS = {"welcome", "win-back", "program-welcome", "subscription-expiring", "call-may-leave"}
SHIPPED = {
    "retail": PROGRAM | COMPLAINTS | ASKED | BOUGHT | MOMENTS | {"thank-you", "win-back", "welcome"},
    "subscription": PROGRAM | COMPLAINTS | ASKED | MEMBERS,
}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_loads(name: str) -> None:
    policy = policy_of(rules=RULES / f"{name}.yaml")
    assert {rule.name for rule in policy.rules.rules} == SHIPPED[name]
    assert policy.rules.name == name


def test_a_service_reads_what_its_rules_need() -> None:
    assert PurchaseMade in consumes(load_rules(RULES / "retail.yaml"))
    assert SubscriptionCancelled not in consumes(load_rules(RULES / "retail.yaml"))
    assert SubscriptionCancelled in consumes(load_rules(RULES / "subscription.yaml"))
    told = {MemberEnrolled, TierChanged, TierAtRisk, RewardAvailable, PointsExpiring}
    assert {*told, MemberAnniversary, MemberBirthday} <= set(consumes(load_rules(DEFAULT_RULES)))


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("rules", 1, "delay"), "two days", "rules[1].delay: write a duration"),
        (("rules", 1, "delay"), 5, "rules[1].delay: write a duration"),
        (("rules", 1, "delay"), "999999w", "rules[1].delay: it is longer than 36500d"),
        (("stale_after",), "36501d", "stale_after: it is longer than 36500d"),
        (("stale_after",), "9999999d", "stale_after: it is longer than 36500d"),
        (("frequency_cap", "per"), "999999w", "frequency_cap.per: it is longer than 36500d"),
        (("frequency_cap", "per"), "0s", "frequency_cap.per: must be more than nothing"),
        (
            ("frequency_cap", "per"),
            "year",
            "frequency_cap.per: write a duration such as 12h or 30d, or one of",
        ),
        (
            ("rules", 0, "triggers"),
            [{"date": "profile.birthday", "offset": "999999w"}],
            "rules[0].triggers[0].offset: it is longer than 36500d",
        ),
        (
            ("rules", 0, "triggers"),
            [{"date": "profile.birthday", "offset": "soon"}],
            "rules[0].triggers[0].offset: write a duration such as -30d or 12h",
        ),
        (
            ("rules", 0, "triggers"),
            ["purchase.dreamt"],
            "triggers: there is no event purchase.dreamt",
        ),
        (("rules", 0, "triggers"), ["customer.erased"], "rules[0].triggers: there is no event"),
        (("rules", 0, "triggers"), [], "rules[0].triggers:"),
        (("rules", 0, "variables"), ["colour"], "rules[0].variables: purchase.made has no field colour"),
        (("rules", 1, "cancel_on"), ["purchase.made"], "cancel_on: purchase.made has no field complaint_id"),
        (("rules", 0, "when"), {"colour": "red"}, "rules[0].when: purchase.made has no field colour"),
        (
            ("rules", 0, "when"),
            {"order_id": 7},
            "rules[0].when: order_id of purchase.made is never 7: must be a valid string",
        ),
        (("rules", 0, "when"), ["order_id"], "rules[0].when:"),
        (("rules", 1, "for_each"), "order", "rules[1].for_each: complaint.resolved has no field order"),
        (("rules", 4, "restarts"), True, "rules[4].restarts: is not a known field"),
        (("rules", 4, "name"), "thank-you", "rules: two rules are named thank-you"),
        (("rules", 2, "every"), "often", "rules[2].every:"),
        (("rules", 2, "for_each"), "complaint_id", "rules[2]: every cannot be combined"),
        (("rules", 2, "cancel_on"), ["complaint.closed"], "rules[2]: every cannot be combined"),
        (("rules", 2, "at_most_one_in"), "1d", "rules[2]: every cannot be combined"),
        (("rules", 4, "name"), "manual", "rules[4].name: 'manual' is the name of what POST /outreach sends"),
        (("rules", 4, "name"), "reply", "rules[4].name: 'reply' is the name of what agents answer"),
        (("rules", 4, "template"), "gone", "rules[4].template: there is no template gone"),
        (("rules", 4, "channel"), "pigeon", "rules[4].channel:"),
        (("rules", 4, "topic"), "evnets", "rules[4].topic: there is no topic evnets under topics"),
        (("quiet_hours", "from"), 1260, "quiet_hours.from: write a time of day"),
        (("quiet_hours", "from"), "08:00", "quiet_hours: from and to are the same time"),
        (("timezone",), "Mars/Olympus", "timezone: not a time zone of the IANA database"),
        (("sender", "address"), "a@b>\nBcc: c@d", "sender.address:"),
        (("templates", "thank-you", "purpose"), "spam", "templates.thank-you.purpose:"),
        (("consent", "marketing"), "not_refused", "consent.marketing: is not a known field"),
        (("frequency_cap", "max"), 0, "frequency_cap.max:"),
        (("name",), None, "name: is missing"),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, path: tuple[str | int, ...], to: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(changed(tmp_path, *path, to=to))
    assert said in str(caught.value)


def test_a_condition_is_a_value_that_the_field_can_have(tmp_path: Path) -> None:
    place = next(n for n, rule in enumerate(load_rules(DEFAULT_RULES).rules) if rule.name == "tier-up")
    with pytest.raises(ConfigError, match=r"when: direction of tier\.changed is never 'sideways'"):
        load_rules(changed(tmp_path, "rules", place, "when", to={"direction": "sideways"}))
    rules = load_rules(changed(tmp_path, "rules", place, "when", to={"to": "gold", "direction": "up"}))
    assert rules.model_dump(mode="json")["rules"][place]["when"] == {"to": "gold", "direction": "up"}


def test_a_condition_on_a_fraction_is_the_fraction_that_events_hold(tmp_path: Path) -> None:
    path = changed(tmp_path, "rules", 0, to=None)
    content = yaml.safe_load(path.read_text())
    content["rules"].append(
        {
            "name": "cheer-up",
            "triggers": ["interaction.logged"],
            "when": {"sentiment": -0.7},
            "delay": "1d",
            "template": "news",
        }
    )
    path.write_text(yaml.safe_dump(content))
    rule = load_rules(path).rules[-1]
    logged = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "s"}
    assert rule.holds(InteractionLogged.model_validate({**logged, "sentiment": -0.7}))
    assert not rule.holds(InteractionLogged.model_validate({**logged, "sentiment": 0.7}))


def test_a_template_without_files_or_with_an_unknown_variable_is_named(tmp_path: Path) -> None:
    file = changed(tmp_path, "templates", "ghost", to={"purpose": "service"})
    with pytest.raises(ConfigError, match=r"template ghost: there is no file ghost\.subject\.txt"):
        policy_of(rules=file)
    with pytest.raises(ConfigError, match=r"complaint-check\.txt: 'complaint_id' is undefined"):
        policy_of(rules=changed(tmp_path, "rules", 1, "variables", to=[]))


def test_a_template_must_do_without_what_events_may_leave_out(tmp_path: Path) -> None:
    name = "complaint-acknowledged.txt"
    (tmp_path / name).write_text("{{ message.strip() }}")
    with pytest.raises(ConfigError, match=rf"template {name}: .*has no attribute 'strip'"):
        policy_of(templates=tmp_path)
    (tmp_path / name).write_text("{{ message }} or nothing, {{ complaint_id.strip() }}")
    policy_of(templates=tmp_path)


def test_a_link_to_points_needs_to_lead_somewhere(tmp_path: Path) -> None:
    (tmp_path / "layout.txt").write_text("{% block body %}{% endblock %} {{ points_link() }}")
    with pytest.raises(ConfigError, match=r"layout\.txt asks for points_link\(\): set RAPPORT_LOYALTY_URL"):
        policy_of(templates=tmp_path)
    policy_of(templates=tmp_path, loyalty_url="https://points.shop.example")


def test_a_reply_must_be_writable_by_every_channel(tmp_path: Path) -> None:
    (tmp_path / "reply.html").write_text("{{ message }} {{ agent }}")
    with pytest.raises(ConfigError, match=r"template reply\.html: 'agent' is undefined"):
        policy_of(templates=tmp_path)


def test_a_bad_file_ends_the_start_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        or_exit(lambda: policy_of(rules=changed(tmp_path, "rules", 1, "delay", to="soon")))
    assert caught.value.code == 2
    assert "rules[1].delay" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["- a\n- b", "a: [1", "", "\x00"])
def test_what_is_no_rules_file_at_all(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"rules\.yaml"):
        load_rules(file)
    with pytest.raises(ConfigError, match="No such file"):
        load_rules(tmp_path / "none.yaml")


def test_ones_own_templates_come_first(tmp_path: Path) -> None:
    (tmp_path / "thank-you.subject.txt").write_text("Merci")
    policy = policy_of(templates=tmp_path)
    message = policy.templates.render(
        "thank-you", CHANNELS["email"], Customer(customer_id="c"), {}, sender="S", unsubscribe_url="u"
    )
    assert message.subject == "Merci"
    assert "Thank you" in message.text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45m", 2700), ("2h", 7200), ("60d", 5_184_000), ("1d12h", 129_600), ("2w", 1_209_600)],
)
def test_durations(text: str, seconds: int) -> None:
    duration = parse_duration(text)
    assert duration == timedelta(seconds=seconds)
    assert parse_duration(write_duration(duration)) == duration


def test_rules_are_shown_as_they_are_written() -> None:
    shown = load_rules(DEFAULT_RULES).model_dump(mode="json", by_alias=True)
    assert shown["quiet_hours"] == {"from": "21:00", "to": "08:00"}
    assert shown["rules"][0]["at_most_one_in"] == "30d"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            "cancel_when: {reward.issued: {occasion: null}}",
            "reward.issued: is not in cancel_on",
        ),
        ("cancel_on: [reward.issued], cancel_when: {reward.issued: {colour: red}}", "has no field colour"),
        ("cancel_on: [reward.issued], cancel_when: {reward.issued: {occasion: 5}}", "is never 5"),
    ],
)
def test_what_must_hold_of_a_cancelling_event_is_checked(more: str, fault: str) -> None:
    rule = f"name: a, triggers: [reward.available], delay: 1h, template: welcome, {more}"
    text = f"{HEAD}\nrules:\n  - {{{rule}}}"
    with pytest.raises(ConfigError, match=fault):
        parse_versions(text)
