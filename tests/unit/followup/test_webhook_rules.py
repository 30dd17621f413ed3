"""Text messages by webhook: who gets them, by which rules, and what switches the channel on."""

from pathlib import Path

import pytest

from services.followup.channels.registry import load_channels
from services.followup.config import load_policy
from services.followup.domain.state import Customer
from shared.facts.profile import profile_told
from shared.runtime.config import ConfigError
from shared.schemas.commands.followup import OutreachRequested

from .driver import CHANNELS, NOON, Driver, granted, policy, profile, refusal, rules
from .test_rules import changed
from .test_rules import settings as followup_settings
from .webhookserver import SECRET, webhook

SHORT = "whsec_c2hvcnQ="


def test_whom_it_reaches() -> None:
    ada = Customer(customer_id="c-1", profile=profile_told({}, profile(phone="+49301"), 0))
    assert webhook().address(ada) == "+49301"
    assert webhook(webhook_channels="whatsapp").address(ada) == "+49301"
    assert webhook(webhook_channels="push").address(ada) == "c-1"
    assert webhook().address(Customer(customer_id="c-2", profile=profile_told({}, profile(), 0))) is None


def test_a_text_message_by_hand_has_a_consent_of_its_own() -> None:
    driver = Driver(policy=policy(channels={**CHANNELS, "sms": webhook()}))
    driver.event(profile())
    note = {"template": "note", "variables": {"subject": "s", "message": "It is <here>."}}
    asked = OutreachRequested.model_validate({**note, "channel": "sms"})
    assert refusal(driver, asked).code == "condition_unmet"
    driver.event(profile(phone="+4930123456"))
    driver.event(asked)
    driver.event(OutreachRequested.model_validate(note))
    text, mail = driver.sent
    assert (text["channel"], text["to"]["address"]) == ("sms", "+4930123456")
    link = "https://rapport.example/u/c-1-service-sms"
    assert text["text"] == f"It is <here>. Rapport Store. No more of these: {link}"
    assert (text["subject"], text["html"], text["headers"]) == ("", "", {"unsubscribe_url": link})
    assert (mail["channel"], mail["to"]["address"]) == ("email", "ada@example.org")
    driver.event(granted("service", word=False, channel="sms"))
    assert refusal(driver, asked).code == "no_consent"
    driver.event(OutreachRequested.model_validate(note))
    no_text = OutreachRequested(template="note", channel="push", variables=note["variables"])
    assert refusal(driver, no_text).code == "unknown_channel"


def test_a_template_without_a_text_for_the_channel_cannot_go_by_it() -> None:
    driver = Driver(policy=policy(channels={**CHANNELS, "push": webhook(webhook_channels="push")}))
    driver.event(profile())
    refused = refusal(driver, OutreachRequested(template="note", channel="push"))
    assert (refused.code, refused.field) == ("unknown_template", "template")


def test_a_rule_may_send_by_it_where_it_is_switched_on(tmp_path: Path) -> None:
    place = next(n for n, rule in enumerate(rules().rules) if rule.name == "points-expiring")
    file = changed(tmp_path, "rules", place, "channel", to="sms")
    on = load_policy(followup_settings(rules=file), [*CHANNELS.values(), webhook()])
    assert on.rules.rules[place].channel == "sms"
    with pytest.raises(ConfigError, match=r"channel: nothing is sent by sms, only by email, task\."):
        load_policy(followup_settings(rules=file), [*CHANNELS.values()])
    untold = changed(tmp_path, "rules", 0, "channel", to="sms")
    with pytest.raises(ConfigError, match=r"template thank-you: there is no file thank-you\.sms\.txt"):
        load_policy(followup_settings(rules=untold), [*CHANNELS.values(), webhook()])


def test_what_is_shipped_for_it_is_short() -> None:
    channel = webhook()
    shown = {
        "points": 120,
        "balance": 1480,
        "expires_at": NOON.isoformat(),
        "complaint_id": "k-1",
        "message": "m",
        "promised_by": NOON.isoformat(),
    }
    told = ("complaint-acknowledged", "complaint-update", "complaint-check")
    for name in ("note", "news", "points-expiring", *told):
        message = policy().templates.render(
            name, channel, Customer(customer_id="c"), shown, sender="Store", unsubscribe_url="U"
        )
        assert message.text.endswith("Store. No more of these: U")
        assert "\n" not in message.text
        assert len(message.text) < 160


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"URL": "https://sms.example"}, "RAPPORT_WEBHOOK_SECRET: must be set"),
        (
            {"URL": "https://sms.example", "SECRET": SHORT},
            "RAPPORT_WEBHOOK_SECRET: must be whsec_",
        ),
        ({"URL": "https://sms.example", "SECRET": SECRET[6:]}, "RAPPORT_WEBHOOK_SECRET: must be whsec_"),
        ({"URL": "sms.example", "SECRET": SECRET}, "RAPPORT_WEBHOOK_URL:"),
        ({"URL": "https://sms.example", "SECRET": SECRET, "CHANNELS": "sms,,"}, "RAPPORT_WEBHOOK_CHANNELS"),
        ({"URL": "https://sms.example", "SECRET": SECRET, "TIMEOUT": "0"}, "RAPPORT_WEBHOOK_TIMEOUT:"),
    ],
)
def test_a_bad_variable_is_named_and_no_secret_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"RAPPORT_WEBHOOK_{name}", value)
    with pytest.raises(SystemExit) as caught:
        load_channels()
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert SECRET[6:] not in told


def test_it_may_stand_for_several_channels_but_not_for_email(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_WEBHOOK_URL", "https://sms.example/in")
    monkeypatch.setenv("RAPPORT_WEBHOOK_SECRET", SECRET)
    assert [channel.name for channel in load_channels()] == ["email", "sms"]
    monkeypatch.setenv("RAPPORT_WEBHOOK_CHANNELS", "sms, push,whatsapp")
    assert [channel.name for channel in load_channels()] == ["email", "sms", "push", "whatsapp"]
    monkeypatch.setenv("RAPPORT_WEBHOOK_CHANNELS", "sms,email")
    with pytest.raises(ConfigError, match="Two channels are named email"):
        load_channels()
