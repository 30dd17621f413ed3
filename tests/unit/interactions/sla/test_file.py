"""SLA files: what ships is valid, and what cannot be is named by its path."""

from pathlib import Path

import pytest

from services.interactions import api, worker
from services.interactions.config import DEFAULT, DESK, load, parse
from services.interactions.domain.sla.log import Match
from services.interactions.domain.sla.policy import policies_never_reached
from services.interactions.settings import InteractionsSettings
from shared.runtime.config import ConfigError
from shared.schemas.times import DAY

from .contract import CONTRACT

SHIPPED = sorted({*DEFAULT.parent.glob("*.yaml")} - {DESK})


def test_the_file_of_the_contract_is_read() -> None:
    sla = parse(CONTRACT)
    (version,) = sla.versions
    assert version.name == "2020-01-01"
    standard = version.fitting(Match(severity="normal"))
    critical = version.fitting(Match(severity="critical"))
    assert standard is not None
    assert critical is not None
    assert (standard.policy.name, sorted(standard.terms)) == ("standard", ["first_response", "resolution"])
    assert critical.terms["resolution"].duration == DAY
    assert [to for _, to in critical.terms["update"].escalate] == ["lead", "manager"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_policies_that_ship_fit_every_complaint_and_none_is_hidden(file: Path) -> None:
    for version in load(file).versions:
        for severity in ("low", "normal", "high", "critical"):
            assert version.fitting(Match(severity=severity)) is not None
        assert version.fitting(Match(), "conversations") is not None
        assert policies_never_reached(version) == []


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            '"09:00-12:30", "13:30',
            '"09:00-12:30", "12:00',
            "versions[0].calendars.office.hours.mon[1]: overlaps 09:00-12:30",
        ),
        (
            '"09:00-12:30", "13:30-18:00"',
            '"09:00-12:30", "08:00-09:30"',
            "versions[0].calendars.office.hours.mon[1]: overlaps",
        ),
        (
            'fri: ["22:00-06:00"]',
            'fri: ["22:00-06:00"], sat: ["05:59-07:00"]',
            "versions[0].calendars.night.hours.sat[0]: overlaps a window of fri, which runs past midnight",
        ),
        (
            'fri: ["22:00-06:00"]',
            'sun: ["22:00-06:00"], mon: ["08:00-09:00", "00:00-01:00"]',
            "versions[0].calendars.night.hours.mon[1]: overlaps a window of sun",
        ),
        ('{fri: ["22:00-06:00"]}', "{}", "versions[0].calendars.night.hours: has no open hour"),
        ('{fri: ["22:00-06:00"]}', "{fri: []}", "versions[0].calendars.night.hours: has no open hour"),
        ('{fri: ["22:00-06:00"]}', "", "versions[0].calendars.night.hours: must be all, or the windows"),
        ('{fri: ["22:00-06:00"]}', "always", "versions[0].calendars.night.hours: must be all, or"),
        ("22:00-06:00", "22:00-22:00", "versions[0].calendars.night.hours.fri[0]: begins when it ends"),
        ("22:00-06:00", "22:00-24:01", "versions[0].calendars.night.hours.fri[0]: has a time that no day"),
        ("22:00-06:00", "24:00-06:00", "versions[0].calendars.night.hours.fri[0]: has a time that no day"),
        ("22:00-06:00", "22:60-06:00", "versions[0].calendars.night.hours.fri[0]: has a time that no day"),
        ("22:00-06:00", "22 to 6", "versions[0].calendars.night.hours.fri[0]: must be a window such as"),
        ("fri: [", "friday: [", "versions[0].calendars.night.hours.friday: is not a known field"),
        ("timezone: Europe/Berlin", "timezone: Europe/Bern", "versions[0].calendars.office.timezone: not a"),
        ("timezone: Europe/Berlin,", "", "versions[0].calendars.office.timezone: is missing"),
        ("country: DE", "country: XX", "versions[0].calendars.office.holidays.country: no holidays are"),
        ("country: DE", "country: NO", "versions[0].calendars.office.holidays.country: must be text: write"),
        (
            "subdivision: BE",
            "subdivision: ZZ",
            "versions[0].calendars.office.holidays.subdivision: must be one of Augsburg, BB, BE",
        ),
        ("closed: [2026-12-24]", "closed: [soon]", "versions[0].calendars.office.closed[0]: must be a date"),
        ("closed: [2026-12-24]", "closed: [20261224]", "versions[0].calendars.office.closed[0]: must be a"),
        (
            "closed: [2026-12-24]",
            "closed: ['2026-02-30']",
            "versions[0].calendars.office.closed[0]: must be a date such as 2026-12-24; there is no such day",
        ),
        (
            "closed: [2026-12-24]",
            "closed: [2026-02-30]",
            "versions[0].calendars.office.closed[0]: must be a date such as 2026-12-24; there is no day",
        ),
        ("closed: [2026-12-24]", "closed: 2026-12-24", "versions[0].calendars.office.closed: must be a list"),
        ("closed: [2026-12-24]", "closed: [2026-12-32]", "versions[0].calendars.office.closed[0]: must be a"),
        (
            "open: {2026-12-20",
            "open: {2026-13-20",
            "versions[0].calendars.office.open.2026-13-20: must be",
        ),
        (
            "severity: [critical]",
            "severity: critical",
            "versions[0].policies[0].when.severity: must be a li",
        ),
        (
            '["10:00-14:00"]',
            '["10:00-14:00", "13:00-15:00"]',
            "versions[0].calendars.office.open.2026-12-20[1]: overlaps 10:00-14:00",
        ),
        ('["10:00-14:00"]', "[]", "versions[0].calendars.office.open.2026-12-20: must name a window"),
        ('["10:00-14:00"]', "[ten]", "versions[0].calendars.office.open.2026-12-20[0]: must be a window"),
        (
            '2026-12-20: ["10:00-14:00"]',
            '2026-12-20: ["22:00-09:01"]',
            "versions[0].calendars.office.open.2026-12-20[0]: overlaps the hours of 2026-12-21",
        ),
        (
            'hours: {fri: ["22:00-06:00"]}',
            'hours: {fri: ["22:00-06:00"]}, open: {2026-12-19: ["05:00-07:00"]}',
            "versions[0].calendars.night.open.2026-12-19[0]: overlaps a window of 2026-12-18",
        ),
        ("calendar: always", "calendar: allways", "versions[0].policies[0].calendar: is no calendar of"),
        ("calendar: always, ", "", "versions[0].policies[0].calendar: is missing"),
        ("resolution: 24h", "resolution: 1d", "versions[0].policies[1].resolution: is in days"),
        ("resolution: 24h", "resolution: 24", "versions[0].policies[1].resolution: must be a duration"),
        ("resolution: 24h", "resolution: ''", "versions[0].policies[1].resolution: must be a duration"),
        ("resolution: 24h", "resolution: -4h", "versions[0].policies[1].resolution: must be a duration"),
        ("resolution: 24h", "resolution: 1.5h", "versions[0].policies[1].resolution: must be a duration"),
        ("resolution: 24h", "resolution: 30s", "versions[0].policies[1].resolution: must be a duration"),
        ("resolution: 24h", "resolution: 0h", "versions[0].policies[1].resolution: must be more than 0"),
        ("resolution: 24h", "resolution: 9000h", "versions[0].policies[1].resolution: would take more than"),
        ("warn_before: 30m", "warn_before: 0m", "versions[0].policies[0].warn_before: must be more than 0"),
        (
            "resolution: 24h}",
            "resolution: 24h, escalate: [{after: 1d, to: lead}]}",
            "versions[0].policies[1].escalate[0].after: is in days",
        ),
        ("{after: 0m, to: lead}", "{after: 3h, to: lead}", "versions[0].policies[0].escalate[1].after: must"),
        ("name: standard", "name: critical", "versions[0].policies[1].name: is used twice: critical"),
        ("severity: [critical]", "severity: [huge]", "versions[0].policies[0].when.severity[0]: must be"),
        ("severity: [critical]", "severity: []", "versions[0].policies[0].when.severity: "),
        ("severity: [critical]", "color: [red]", "versions[0].policies[0].when.color: is not a known field"),
        (
            "name: critical, when",
            "name: critical, for: conversations, when",
            "versions[0].policies[0].when.severity: is of complaints alone",
        ),
        ("resolution: 24h", "resolve: 24h", "versions[0].policies[1].resolve: is not a known field"),
        ("effective: 2020-01-01", "effective: soon", "versions[0].effective: must be a date such as"),
        ("effective: 2020-01-01", "effective: 2020-01-01T10:00:00Z", "versions[0].effective: must be a date"),
        ("severity: normal", "severity: any", "compensation.limits[0].severity: must be"),
        ("amount: 2000", "amount: -1", "compensation.limits[0].money.amount: must be greater"),
        ("currency: EUR", "currency: euro", "compensation.limits[0].money.currency: "),
        ("points: 500, money: {amount: 2000, currency: EUR}", "", "compensation.limits[0]: must limit"),
        ("name: retail\n", "", "name: is missing"),
    ],
)
def test_a_bad_field_is_named_by_its_path(old: str, new: str, error: str) -> None:
    assert old in CONTRACT
    with pytest.raises(ConfigError) as caught:
        parse(CONTRACT.replace(old, new, 1))
    assert str(caught.value).startswith(error)


def later(effective: str) -> str:
    policies = "policies: [{name: standard, calendar: always, first_response: 1h}]"
    return CONTRACT.replace(
        "compensation:",
        f"  - effective: {effective}\n    calendars: {{always: {{timezone: UTC, hours: all}}}}\n"
        f"    {policies}\ncompensation:",
    )


def test_versions_are_in_order_and_each_holds_to_the_next() -> None:
    sla = parse(later("2026-03-01"))
    begin = sla.versions[1].begins
    found = [sla.at(at) for at in (sla.versions[0].begins - 1, sla.versions[0].begins, begin - 1, begin)]
    names = [version and version.name for version in found]
    assert names == [None, "2020-01-01", "2020-01-01", "2026-03-01"]
    for wrong in ("2020-01-01", "2019-12-31"):
        with pytest.raises(ConfigError, match=r"^versions\[1\]\.effective: must be after that"):
            parse(later(wrong))


def test_a_calendar_whose_every_open_day_is_closed_is_refused() -> None:
    holiday = "{timezone: UTC, hours: {sun: ['09:00-17:00']}, closed: [%s]}"
    sundays = ", ".join(f"2020-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29))
    text = CONTRACT.replace('{timezone: UTC, hours: {fri: ["22:00-06:00"]}}', holiday % sundays)
    parse(text)  # closed for weeks is not closed for ever


def test_policies_that_nothing_reaches_are_named() -> None:
    text = CONTRACT.replace("name: critical, when: {severity: [critical]},", "name: critical,")
    assert policies_never_reached(parse(text).versions[0]) == ["standard"]


@pytest.mark.parametrize("text", ["", "- a", "a"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        parse(text)
    with pytest.raises(ConfigError, match="must be one YAML document"):
        parse(f"{CONTRACT}\n---\n{CONTRACT}")


@pytest.mark.parametrize("main", [worker.main, api.main], ids=["worker", "api"])
def test_a_bad_file_stops_the_start_with_one_sentence(
    main: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(CONTRACT.replace("Europe/Berlin", "Berlin"), encoding="utf-8")
    settings = {"KAFKA": "unused:1", "MONGO": "mongodb://unused", "SECRET_KEY": "k" * 16, "SLA": str(bad)}
    for name, value in settings.items():
        monkeypatch.setenv(f"RAPPORT_{name}", value)
    assert callable(main)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        f"The SLA policy {bad} is not valid: "
        "versions[0].calendars.office.timezone: not a time zone of the IANA database.\n"
    )


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_every_policy_that_ships_starts_the_service(file: Path) -> None:
    settings = InteractionsSettings(kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16, sla=file)
    assert worker.handler(settings).service == "interactions"
