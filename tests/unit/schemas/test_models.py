"""The models have the contract's types and fields, no more and no fewer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from shared.schemas.base import Data, Money, parse_time
from shared.schemas.clock import ClockAdvanced
from shared.schemas.commands.merging import MergingCommand
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.topics import OWN_TYPES, TOPICS, TYPES

PROFILE = "name email? phone? locale? timezone? birthday? preferred_channel? preferences{} tags[] segment?"
ENTRY = "entry_id points balance reason cause"
ATTEMPT = "outreach_id rule step? variant? channel due_at attempt"
DROPPED = "outreach_id rule reason detail? next_at? blocked_by[] step? variant?"
NOTICE = "complaint_id clock due_at policy? version?"
TERM = "subscription_id plan price expires_at"

# CONTRACT.md, and what was added to it, in its own notation: `?` optional, `[]` a list and `{}` an object
# that may be left out.
CONTRACT = {
    "customers": {
        "customer.registered": PROFILE,
        "customer.updated": PROFILE.replace("name ", "name? ", 1),
        "consent.changed": "purpose channel topic? granted evidence?",
        "customer.merged": "into reason",
        "customer.unmerged": "from reason",
        "customer.erased": "",
        "erasure.completed": "service removed{}",
        "erasure.lifted": "",
        "alias.added": "kind value",
        "alias.removed": "kind value",
    },
    "interactions": {
        "interaction.logged": "channel direction kind summary conversation_id? agent_id? sentiment? "
        "skus[] duration_s? author? text? quoted? attachments[] message_id? in_reply_to? subject? "
        "sent_from?",
        "conversation.escalated": "conversation_id from reason skills[] preferred_skills[] team? language? "
        "priority?",
        "conversation.assigned": "conversation_id agent_id why{} manual? team?",
        "conversation.returned": "conversation_id to reason",
        "conversation.merged": "conversation_id into",
        "conversation.split": "conversation_id into messages",
        "conversation.closed": "conversation_id outcome",
        "conversation.noted": "conversation_id agent_id? text",
        "conversation.snoozed": "conversation_id until? reason?",
    },
    "teams": {
        "agent.changed": "agent_id name skills{} languages[] capacity on_shift on_break",
        "training.booked": "agent_id training refresh_by? kind?",
        "training.passed": "agent_id training refresh_by? kind?",
        "story.told": "agent_id text customer_id? told_by?",
        "task.opened": "task_id kind text customer_id? due_at? outreach_id?",
        "task.done": "task_id outcome",
    },
    "complaints": {
        "complaint.opened": "complaint_id channel category severity description order_id? conversation_id? "
        "message_id?",
        "complaint.acknowledged": "complaint_id message? assignee?",
        "complaint.updated": "complaint_id message assignee? promised_by?",
        "complaint.changed": "complaint_id severity? category? assignee?",
        "complaint.resolved": "complaint_id resolution root_cause?",
        "complaint.reopened": "complaint_id reason",
        "complaint.closed": "complaint_id",
        "complaint.waiting": "complaint_id reason",
        "complaint.resumed": "complaint_id",
        "compensation.granted": "complaint_id kind points? reward_id? money? asked_by? approved_by?",
        "complaint.sla_warned": NOTICE,
        "complaint.sla_met": NOTICE,
        "complaint.sla_breached": NOTICE,
        "complaint.escalated": "complaint_id clock level to",
    },
    "purchases": {
        "purchase.made": "order_id channel store_id? total items voucher_codes[]",
        "purchase.returned": "order_id return_id items[] refund",
        "subscription.started": TERM,
        "subscription.renewed": TERM,
        "subscription.cancelled": "subscription_id reason? ends_at?",
        "product.registered": "product_id sku purchased_at maintenance_every_days?",
    },
    "feedback": {
        "survey.answered": "survey score comment? about? reason? outreach_id?",
        "review.posted": "sku rating text?",
        "referral.made": "referred_customer",
    },
    "loyalty": {
        "member.enrolled": "channel? tier?",
        "points.earned": ENTRY,
        "points.reversed": ENTRY,
        "points.redeemed": ENTRY,
        "points.expired": ENTRY,
        "points.restored": ENTRY,
        "points.adjusted": ENTRY,
        "tier.changed": "from to direction?",
        "tier.at_risk": "tier ends_at spend_needed",
        "voucher.cancelled": "voucher_code",
        "reward.issued": "reward_id voucher_code expires_at complaint_id? occasion?",
        "reward.available": "reward_id name cost balance",
        "points.expiring": "points expires_at last_at balance",
        "member.anniversary": "years points",
        "member.birthday": "points? reward_id? name? voucher_code? expires_at?",
    },
    "outreach": {
        "outreach.scheduled": ATTEMPT,
        "outreach.sent": f"{ATTEMPT} consent? asks? complaint_id?",
        "outreach.failed": ATTEMPT,
        "outreach.suppressed": DROPPED,
        "outreach.cancelled": DROPPED,
        "outreach.delivered": "outreach_id rule",
        "outreach.bounced": "outreach_id rule kind code?",
        "outreach.complained": "outreach_id rule",
        "outreach.goal_reached": "outreach_id rule goal",
        "outreach.paused": "domain why sent bounced complained until",
    },
    "insights": {
        "segment.changed": "from? to",
        "health.changed": "score drivers[] churn_probability clv?",
        "churn.warned": "probability drivers[]",
        "feedback.acted": "theme text",
        "product.suggested": "order_id because sku together buyers share",
        "kpi.anomaly": "kpi day value usual spread direction moved_by{}",
        "kpi.restated": "kpi day from to cause",
        "model.fitted": "model parameters",
        "theme.rising": "theme week mentions usual log_odds",
    },
    "clock": {"clock.advanced": "to"},
}
NESTED = {
    ("rapport.purchase.made.v1", "PurchaseItem"): "sku category? quantity unit_price",
    ("rapport.purchase.made.v1", "Money"): "amount currency",
    ("rapport.purchase.returned.v1", "ReturnItem"): "sku quantity",
    ("rapport.survey.answered.v1", "About"): "kind id",
    ("rapport.interaction.logged.v1", "Attachment"): "name type size sha256 url",
    ("rapport.points.earned.v1", "Cause"): "source id",
    ("rapport.outreach.sent.v1", "ConsentCited"): "source id",
}
ENUMS = {
    ("consent.changed", "purpose"): "marketing service survey",
    ("interaction.logged", "channel"): "phone email chat social sms mail in_person web",
    ("interaction.logged", "direction"): "inbound outbound",
    ("conversation.escalated", "from"): "bot agent",
    ("complaint.opened", "severity"): "low normal high critical",
    ("compensation.granted", "kind"): "points voucher refund",
    ("conversation.returned", "to"): "bot queue",
    ("complaint.sla_warned", "clock"): "first_response next_response update resolution",
    ("complaint.escalated", "clock"): "first_response next_response update resolution",
    ("survey.answered", "survey"): "nps csat ces",
    ("outreach.suppressed", "reason"): "no_consent quiet_hours frequency_cap open_complaint stale duplicate "
    "condition_unmet erased address_suppressed holdout outranked send_window rate_limited goal_reached",
}


def notation(schema: dict[str, Any]) -> str:
    """A schema's fields in the contract's notation."""
    names = []
    for name, field in schema.get("properties", {}).items():
        kinds = {kind.get("type") for kind in (field, *field.get("anyOf", ()))}
        mark = "[]" if "array" in kinds else "{}" if "object" in kinds else "?"
        names.append(name if name in schema.get("required", ()) else name + mark)
    return " ".join(names)


def test_topics_and_types_are_the_contracts() -> None:
    listed = {
        topic: [cls.event_type for cls in classes] for topic, classes in TOPICS.items() if topic != "commands"
    }
    assert listed == {topic: [f"rapport.{kind}.v1" for kind in types] for topic, types in CONTRACT.items()}


@pytest.mark.parametrize("cls", TYPES.values())
def test_a_class_names_its_type_and_topic(cls: type[Data]) -> None:
    assert cls in TOPICS[cls.topic]
    words = cls.event_type.removeprefix("rapport.").removesuffix(".v1").replace("_", ".").split(".")
    if cls.topic == "commands":
        own = words[:1] if issubclass(cls, MergingCommand) else []  # each service has these
        words = [*own, *words[1:-1], "requested"]
        if words[0] in ("delivery", "receipt"):
            words[-1] = "reported"
        if words[0] == "enrol":
            words.insert(0, "member")
    assert cls.__name__ == "".join(word.capitalize() for word in words)


@pytest.mark.parametrize(
    ("kind", "fields"), [(k, f) for types in CONTRACT.values() for k, f in types.items()]
)
def test_fields_are_the_contracts(kind: str, fields: str) -> None:
    assert notation(TYPES[f"rapport.{kind}.v1"].model_json_schema()) == fields


@pytest.mark.parametrize(("place", "fields"), NESTED.items())
def test_fields_of_nested_shapes_are_the_contracts(place: tuple[str, str], fields: str) -> None:
    assert notation(TYPES[place[0]].model_json_schema()["$defs"][place[1]]) == fields


@pytest.mark.parametrize(("place", "members"), ENUMS.items())
def test_listed_values_are_the_contracts(place: tuple[str, str], members: str) -> None:
    schema = TYPES[f"rapport.{place[0]}.v1"].model_json_schema()
    assert schema["properties"][place[1]]["enum"] == members.split()


def test_no_caller_may_write_what_only_rapport_writes() -> None:
    theirs = {event_type for event_type in TYPES if event_type not in OWN_TYPES}
    topics = {TYPES[event_type].topic for event_type in theirs}
    assert topics == {"customers", "interactions", "teams", "complaints", "purchases", "feedback"}
    assert "rapport.complaint.sla_breached.v1" not in theirs
    assert "rapport.compensation.granted.v1" in theirs


@pytest.mark.parametrize("cls", TYPES.values())
def test_every_type_and_field_says_what_it_means(cls: type[Data]) -> None:
    schema = cls.model_json_schema()
    for shape in (schema, *schema.get("$defs", {}).values()):
        assert shape["description"]
        assert all(field.get("description") for field in shape.get("properties", {}).values()), shape["title"]


def test_models_are_frozen_and_keep_unknown_fields() -> None:
    money = Money.model_validate({"amount": 1, "currency": "EUR", "note": "x"})
    assert money.model_extra == {"note": "x"}
    with pytest.raises(ValidationError):
        money.amount = 2  # type: ignore[misc]


def test_the_domain_builds_them_from_python_values() -> None:
    total = Money(amount=0, currency="EUR")
    assert PurchaseMade(order_id="o", channel="web", total=total, items=()).voucher_codes == ()
    with pytest.raises(ValidationError, match="must not be negative"):
        PurchaseReturned(order_id="o", return_id="r", refund=Money(amount=-1, currency="EUR"))
    with pytest.raises(ValidationError, match="must be 1 to 5 for csat"):
        SurveyAnswered(survey="csat", score=9)
    with pytest.raises(ValidationError, match="timezone"):
        ClockAdvanced(to=datetime(2026, 1, 1))  # noqa: DTZ001


def test_parse_time() -> None:
    assert parse_time("2026-11-22T10:00:00.123456+02:00") == datetime(
        2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC
    )
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_time("2026-11-22T10:00:00")
