"""The desk's file: what ships is valid, and what cannot be is named by its path."""

import pytest

from services.interactions.config import DESK, load_desk, parse_desk
from services.interactions.domain.desk.policy import same_language
from shared.runtime.config import ConfigError
from shared.schemas.times import SECOND

FILE = DESK.read_text(encoding="utf-8")
ONE = "teams: [{id: service, default: true}]"


def test_what_ships_says_the_defaults() -> None:
    """A file that says no more than its teams is as the one that ships."""
    shipped, least, own = load_desk(), parse_desk(ONE), {"teams", "vip", "learning", "macros"}
    assert shipped.default.id == least.default.id == "service"
    assert shipped.model_dump(exclude=own) == least.model_dump(exclude=own)
    assert (shipped.preferred_for, shipped.calm.rest) == (120 * SECOND, 1_800 * SECOND)
    assert [*shipped.ranks] == ["urgent", "high", "normal", "low"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("default: true", "default: false", "teams: must hold one, and only one, with default: true"),
        ("    name: Complaints", "    default: true", "teams: must hold one, and only one, with default"),
        ("  - id: service", "  - id: complaints\n  - id: service", "teams[1].id: is used twice: complaints"),
        ("id: complaints", "id: a b", "teams[0].id: "),
        ("to: service", "to: nobody", "teams[0].overflow.to: is no team of this file: nobody"),
        ("to: service", "to: complaints", "teams[0].overflow.to: is the team itself"),
        ("after: 10m", "after: 0m", "teams[0].overflow.after: must be more than 0"),
        ("after: 10m", "after: soon", "teams[0].overflow.after: must be a time such as 30s, 2m, 1h30m or 1d"),
        ("after: 10m", "before: 10m", "teams[0].overflow.after: is missing"),
        ("[complaints, refunds]", "[refunds, refunds]", "teams[0].skills[1]: is listed twice: refunds"),
        ("normal, low]", "normal]", "priorities.order: must name each of these once: low, normal, high"),
        ("normal, low]", "normal, dull]", "priorities.order[3]: "),
        ("ageing: 15m", "ageing: 15", "priorities.ageing: must be a time such as"),
        ("raise_to: high", "raise_to: top", "vip.raise_to: "),
        ("preferred_for: 2m", "preferred_for: -2m", "preferred_for: must be a time such as"),
        ("preferred_for: 2m", "preferred_for: 9999999d", "preferred_for: must be 999d at most"),
        ("sticky_for: 1m", "stick_for: 1m", "stick_for: is not a known field"),
        ("remind_before: 14d", "remind_before: soon", "learning.remind_before: must be a time such as"),
        ("kind: course, ", "kind: magic, ", "learning.trainings.refunds.kind: "),
        (
            "refresh_after: 180d",
            "refresh_after: 0d",
            "refunds.refresh_after: must be more",
        ),
        (
            "refresh_after: 180d",
            "refresh_after: 14d",
            "refunds.refresh_after: must be more than remind",
        ),
        ("{email: 8m", "{email: 2d", "staffing.handle_time.email: must be 1d at most"),
        ("service_level: 0.8", "service_level: 1", "staffing.service_level: "),
        ("shrinkage: 0.3", "shrinkage: .nan", "staffing.shrinkage: "),
        ("timezone: UTC", "timezone: Here", "staffing.timezone: not a time zone of the IANA database"),
        ("{email: 8m", "{pigeon: 8m", "staffing.handle_time.pigeon"),
        ("{email: 8m, chat: 10m, phone: 6m, social: 5m, sms: 4m}", "{}", "handle_time: must name a channel"),
        ("sentiment: -0.5", "sentiment: -5", "calm.sentiment: "),
        ("in_a_row: 3", "in_a_row: 0", "calm.in_a_row: "),
        ("severities: [high", "severities: [awful", "calm.severities[0]: "),
        ("only_these_teams: false", "only_these_teams: perhaps", "only_these_teams: "),
    ],
)
def test_what_cannot_be_is_named(old: str, new: str, error: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as found:
        parse_desk(FILE.replace(old, new))
    assert error in str(found.value)


def test_times_are_written_as_people_write_them() -> None:
    desk = parse_desk(f"{ONE}\npreferred_for: 1h2m3s\nsticky_for: 0s\npriorities: {{ageing: 1d}}")
    assert (desk.preferred_for, desk.sticky_for) == (3_723 * SECOND, 0)
    assert desk.priorities.ageing == 86_400 * SECOND


DESKS = """
teams:
  - {id: wien, languages: [de-AT], skills: [refunds]}
  - {id: berlin, languages: [de, nl]}
  - {id: money, skills: [refunds, invoices]}
  - {id: all, default: true}
"""


@pytest.mark.parametrize(
    ("team", "language", "skills", "asked"),
    [
        ("money", "de", [], "money"),
        ("elsewhere", None, [], "elsewhere"),
        (None, "de", ["refunds"], "wien"),
        (None, "DE_ch", [], "berlin"),
        (None, "nl", ["refunds"], "berlin"),
        (None, "en", ["refunds"], "money"),
        (None, None, ["invoices", "refunds"], "money"),
        (None, None, ["invoices", "law"], "all"),
        (None, "en", [], "all"),
        (None, None, [], "all"),
    ],
)
def test_who_is_asked(team: str | None, language: str | None, skills: list[str], asked: str) -> None:
    assert parse_desk(DESKS).asked(team, language, skills) == asked


def test_where_only_these_teams_are_there() -> None:
    closed = parse_desk(f"{DESKS}only_these_teams: true")
    assert (closed.is_team("money"), closed.is_team("elsewhere")) == (True, False)
    assert closed.asked("elsewhere", "nl", []) == "berlin"


def test_languages_are_compared_without_their_country() -> None:
    assert same_language("de", "de-AT")
    assert same_language("pt_BR", "PT")
    assert not same_language("de", None)
    assert not same_language("den", "de")
