"""Program files: what ships is valid, and what is wrong is named by its path."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.loyalty.config import DEFAULT, load, parse
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler, main
from shared.runtime.config import ConfigError


def settings(program: Path | None) -> LoyaltySettings:
    return LoyaltySettings(kafka="unused:1", mongo="mongodb://unused", secret_key="k" * 16, program=program)


def test_the_retail_program_is_what_the_issue_says() -> None:
    (program,) = load().versions
    assert [(tier.name, tier.spend, tier.multiplier) for tier in program.tiers] == [
        ("bronze", 0, 1),
        ("silver", 30_000, Decimal("1.25")),
        ("gold", 100_000, Decimal("1.5")),
        ("vip", 300_000, 2),
    ]
    assert program.rates == {"EUR": 1, "USD": 1}
    assert program.terms("USD", 1) == "USD 1/80 1"


@pytest.mark.parametrize("file", sorted(DEFAULT.parent.glob("*.yaml")), ids=lambda file: file.name)
def test_every_program_that_ships_starts_the_service(file: Path) -> None:
    assert handler(settings(file)).service == "loyalty"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("multiplier: 1.5}", "multiplier: 0}", "tiers[2].multiplier: must be greater than 0"),
        ("multiplier: 1.5}", "multiplier: -1.5}", "tiers[2].multiplier: must be greater than 0"),
        ("multiplier: 1.5}", "multiplier: '1.5'}", "tiers[2].multiplier: must be a number"),
        ("multiplier: 1.5}", "multiplier: yes}", "tiers[2].multiplier: must be a number"),
        ("multiplier: 1.5}", "multiplier: .nan}", "tiers[2].multiplier: must be a finite number"),
        ("spend: 100000", "spend: 30000", "tiers[2].spend: must be more than the 30000 of silver"),
        ("name: gold", "name: silver", "tiers[2].name: is used twice: silver"),
        ("bronze, spend: 0", "bronze, spend: 5", "tiers[0].spend: must be 0"),
        ("name: gold, ", "", "tiers[2].name: is missing"),
        ("id: voucher-10", "id: voucher-5", "rewards[1].id: is used twice: voucher-5"),
        ("tier: vip}", "tier: best}", "rewards[4].tier: is no tier of this program: best"),
        ("cost: 450", "cost: 4.5", "rewards[1].cost: must be a valid integer"),
        ("rates: {EUR: 1,", "rates: {EUR: 2,", "rates.EUR: must be 1"),
        ("rates: {EUR: 1, USD: 1}", "rates: {USD: 1}", "rates.EUR: must be 1"),
        ("pending_days: 0", "pending_days: 365", "earn.pending_days: must be less than expire_days"),
        ("at_risk_days: 30", "at_risk_days: 365", "at_risk_days: must be less than tier_days"),
        ("welcome_bonus: 0", "welcome_bonuss: 0", "welcome_bonuss: is not a known field"),
        ("currency: EUR", "currency: EUR\ncurrency: USD", "line 4, column 1: currency is given twice"),
        ("enrolment: automatic", "enrolment: never", "enrolment: must be 'automatic' or 'explicit'"),
        ("name: retail", "name: [retail", "line 3, column 9: "),
        ("name: retail", "? [retail]\n: 1", "line 2, column 3: a name must be plain text"),
    ],
)
def test_a_bad_field_is_named_by_its_path(old: str, new: str, error: str) -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigError) as caught:
        parse(text.replace(old, new, 1))
    assert str(caught.value).startswith(error)


@pytest.mark.parametrize("text", ["", "- a", "a"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        parse(text)


def test_a_bad_file_stops_the_start_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(DEFAULT.read_text(encoding="utf-8").replace("per: 100", "per: 0"), encoding="utf-8")
    for name, value in settings(bad).model_dump(include={"kafka", "mongo", "program"}).items():
        monkeypatch.setenv(f"RAPPORT_{name.upper()}", str(value))
    monkeypatch.setenv("RAPPORT_SECRET_KEY", "k" * 16)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said == (
        f"The loyalty program {bad} is not valid: earn.per: must be greater than or equal to 1.\n"
    )
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_a_tier_of_an_older_program_counts_as_the_lowest() -> None:
    program = load().versions[0]
    assert program.rank("platinum") == 0
    assert program.supported(99_999) == 1
