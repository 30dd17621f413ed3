"""Messages that a team brings: a rule or a person asks for one, a task is opened, and so it is sent."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.followup.config import DEFAULT_RULES, load_policy, load_rules
from services.followup.domain.policy import Policy
from services.followup.domain.tasks import TASKS
from shared.runtime.config import ConfigError
from shared.schemas.commands.followup import OutreachRequested, ReplyRequested
from shared.schemas.outreach import OutreachScheduled, OutreachSent, OutreachSuppressed
from shared.schemas.teams import TaskOpened

from .driver import (
    CHANNELS,
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    previewed,
    profile,
    purchase,
    refusal,
    returned,
)
from .test_rules import settings
from .webhookserver import webhook

CALL: dict[str, Any] = {"kind": "call", "team": "sales", "within": "1d"}
TEXT = "Call {{ customer.name }} about {{ order_id }}.\n"


def written(tmp_path: Path, *, team: str | None = None, **changes: Any) -> Path:
    """The default rules, whose thank-you is a task."""
    content = yaml.safe_load(DEFAULT_RULES.read_text())
    content["team"] = team
    rule = next(rule for rule in content["rules"] if rule["name"] == "thank-you")
    rule |= {"channel": "task", "task": CALL, **changes}
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def calling(tmp_path: Path, text: str = TEXT, **changes: Any) -> Policy:
    (tmp_path / "thank-you.task.txt").write_text(text)
    asked = settings(rules=written(tmp_path, **changes), templates=tmp_path)
    return load_policy(asked, [*CHANNELS.values()])


def customer(policy: Policy, **told: Any) -> Driver:
    driver = Driver(policy=policy)
    driver.event(profile(phone="+49301", **told))
    driver.event(granted(channel="phone"))
    return driver


def test_a_call_is_opened_for_its_team_and_counts_as_sent(tmp_path: Path) -> None:
    driver = customer(calling(tmp_path))
    driver.event(purchase())
    driver.after(2 * HOUR)
    (task,), (sent,) = driver.facts(TaskOpened), driver.facts(OutreachSent)
    assert (task.kind, task.text, task.customer_id) == ("call", "Call Ada Byron about o-1.", "c-1")
    assert task.due_at == NOON + 2 * HOUR + DAY
    assert task.task_id == task.outreach_id == sent.outreach_id
    assert (sent.channel, sent.attempt) == ("phone", 1)
    told = {type(event.data): event for event in driver.emitted}
    assert told[TaskOpened].subject == "sales"
    assert told[OutreachSent].subject == "c-1"
    (row,) = driver.rows.values()
    assert (row["status"], row["channel"], row["sent_at"]) == ("sent", "phone", NOON + 2 * HOUR)
    assert driver.sent == []
    assert driver.state.in_flight == driver.state.planned == ()
    driver.event(purchase("o-2"))  # it counts for the interval of its rule
    driver.after(3 * HOUR)
    assert len(driver.facts(TaskOpened)) == 1


def test_a_call_needs_the_word_on_the_phone_and_a_number(tmp_path: Path) -> None:
    driver = Driver(policy=calling(tmp_path))
    driver.event(profile())
    driver.event(granted())  # e-mail alone
    driver.event(granted(channel="phone"))
    driver.event(purchase())
    driver.after(2 * HOUR)
    driver.event(profile(phone="+49301"))
    driver.event(granted(channel="phone", word=False))
    driver.after(40 * DAY)
    driver.event(purchase("o-2"))
    driver.after(2 * HOUR)
    assert [told.reason for told in driver.facts(OutreachSuppressed)] == ["condition_unmet", "no_consent"]
    assert driver.facts(TaskOpened) == []


def test_a_letter_has_its_own_consent_and_the_files_team(tmp_path: Path) -> None:
    driver = customer(calling(tmp_path, team="care", task={"kind": "letter"}))
    rule = driver.policy.rules.rule("thank-you")
    assert rule is not None
    assert previewed(driver, rule).reason == "no_consent"
    driver.event(granted(channel="mail"))
    assert previewed(driver, rule).text == "Call Ada Byron about <order_id>."
    driver.event(purchase())
    driver.after(2 * HOUR)
    (task,) = driver.facts(TaskOpened)
    assert (task.kind, task.due_at) == ("letter", NOON + 2 * HOUR + 2 * DAY)
    assert [e.subject for e in driver.emitted if isinstance(e.data, TaskOpened)] == ["care"]


def test_one_whose_reason_is_gone_is_not_opened(tmp_path: Path) -> None:
    driver = customer(calling(tmp_path))
    driver.event(purchase())
    driver.event(returned())
    driver.after(DAY)
    assert driver.facts(TaskOpened) == []
    assert driver.statuses("thank-you") == ["cancelled"]


def test_what_says_nothing_is_told_as_failed(tmp_path: Path) -> None:
    driver = customer(calling(tmp_path, text="{{ '' }}"))
    driver.event(purchase())
    driver.after(2 * HOUR)
    (row,) = driver.rows.values()
    assert (row["status"], row["error"]) == ("failed", "there is nothing to say")
    assert driver.facts(TaskOpened) == driver.facts(OutreachSent) == []


@pytest.mark.parametrize("channel", ["task", "phone"])
def test_a_person_may_ask_for_a_call(channel: str) -> None:
    driver = Driver(policy=load_policy(settings(), [*CHANNELS.values()]))
    driver.event(profile(phone="+49301"))
    words = {"subject": "Kettle", "message": "It is here."}
    asked = {"template": "note", "channel": channel, "variables": words}
    driver.event(OutreachRequested.model_validate(asked))
    assert driver.outcome is not None
    assert driver.outcome["status"] == "sent"
    (task,) = driver.facts(TaskOpened)
    assert (task.kind, task.text) == ("call", "Kettle: It is here.")
    driver.event(OutreachRequested.model_validate({**asked, "at": NOON + DAY}))
    assert driver.outcome["status"] == "scheduled"
    assert driver.facts(OutreachScheduled)[-1].channel == "phone"
    driver.after(DAY)
    assert len(driver.facts(TaskOpened)) == 2
    nobody = driver.policy.rules.model_copy(update={"team": None})
    alone = Driver(policy=Policy(nobody, driver.policy.templates, driver.policy.channels, str))
    alone.event(profile(phone="+49301"))
    assert refusal(alone, OutreachRequested.model_validate(asked)).code == "unknown_channel"


def test_a_reply_by_phone_is_no_task() -> None:
    driver = Driver(policy=load_policy(settings(), [*CHANNELS.values()]))
    driver.event(profile(phone="+49301"))
    driver.event(ReplyRequested(outreach_id="r-1", conversation_id="v-1", channel="phone", text="Yes."))
    (told,) = driver.facts(OutreachSuppressed)
    assert (told.reason, told.detail) == ("condition_unmet", "nothing is sent by phone")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": None}, r"channel task needs task: \{kind: call or letter\}"),
        ({"channel": "email"}, "task is for channel: task"),
        ({"channel": "mail"}, "task is for channel: task"),
        ({"task": {"kind": "visit", "team": "a"}}, r"rules\[0\]\.task\.kind"),
        ({"task": {"kind": "call"}}, "task.team: name one, or a team for the whole file"),
        ({"task": {"kind": "call", "team": "a b"}}, r"rules\[0\]\.task\.team"),
        (
            {"task": {"kind": "call", "team": "a", "within": "soon"}},
            r"rules\[0\]\.task\.within: write a duration",
        ),
    ],
)
def test_a_bad_task_stops_the_start(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_rules(written(tmp_path, **changes))


def test_a_task_needs_its_text_and_its_channels_are_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file thank-you\.task\.txt"):
        load_policy(settings(rules=written(tmp_path)), [*CHANNELS.values()])
    with pytest.raises(ConfigError, match="What goes by phone is done by people"):
        load_policy(settings(), [*CHANNELS.values(), webhook(webhook_channels="phone")])


def test_what_is_read_can_be_written_and_read_again(tmp_path: Path) -> None:
    read = load_rules(written(tmp_path))
    again = type(read).model_validate(read.model_dump(mode="json", by_alias=True))
    assert again == read
    assert {TASKS[name].kind for name in ("phone", "mail")} == {"call", "letter"}
