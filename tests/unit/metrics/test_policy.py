"""The policy file: what ships is valid, and what cannot be is named by its path."""

from pathlib import Path

import pytest

from services.metrics import api, worker
from services.metrics.config import DEFAULT, load, parse
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.settings import MetricsSettings
from shared.runtime.config import ConfigError

SHIPPED = sorted(DEFAULT.parent.glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_policies_that_ship_are_valid(file: Path) -> None:
    assert load(file).name == file.stem


def test_what_is_left_out_is_as_in_the_policy_that_ships() -> None:
    assert parse("name: retail") == load() == MetricsPolicy(name="retail")


WRONG = [
    ("name: x\nchurn: {quiet: 180}", "churn.quiet: must be a number of days, e.g. 30d"),
    ("name: x\nchurn: {quiet: 3d}", "churn.quiet: must be 7d to 730d"),
    ("name: x\nchurn: {silent: 3d}", "churn.silent: is not a known field"),
    ("name: x\nchurn: {contractual: {grace: -1d}}", "churn.contractual.grace: must be a number of days"),
    ("name: x\nchurn: {contractual: {grace: 91d}}", "churn.contractual.grace: must be 0d to 90d"),
    ("name: x\nchurn: {contractual: {expired: no}}", "churn.contractual.expired: must be 'voluntary' or"),
    ("name: x\nchurn: {involuntary: [ok, '']}", "churn.involuntary[1]: "),
    ("name: x\nchurn: {involuntary: [ok, '-']}", "churn.involuntary[1]: must hold more than hyphens"),
    ("name: x\nchurn: {causes: [price, '\u00a0_']}", "churn.causes[1]: must hold more than hyphens"),
    (
        "name: x\nchurn: {causes: [price], words: {price: [dear, '\u0301']}}",
        "churn.words.price[1]: must hold more than hyphens",
    ),
    ("name: x\nchurn: []", "churn: must be a mapping of names to values"),
    (
        "name: x\nchurn: {words: {bored: [langweilig]}}",
        "churn.words.bored: is none of causes and involuntary",
    ),
    ("churn: {}", "name: is missing"),
    ("name: x\n---\nname: y", "it must be one YAML document"),
]


@pytest.mark.parametrize(("text", "error"), WRONG, ids=[error for _, error in WRONG])
def test_what_cannot_be_is_named_by_its_path(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert error in str(caught.value)


@pytest.mark.parametrize("main", [api.main, worker.main], ids=["api", "worker"])
def test_neither_part_starts_on_a_policy_that_is_not_valid(
    main: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nchurn: {quiet: soon}\n", encoding="utf-8")
    for name, value in {"KAFKA": "k:1", "MONGO": "mongodb://m", "SECRET_KEY": "0123456789abcdef"}.items():
        monkeypatch.setenv(f"RAPPORT_{name}", value)
    monkeypatch.setenv("RAPPORT_METRICS_POLICY", str(file))
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"The metrics policy {file} is not valid: churn.quiet: must be a number of days, e.g. 30d.\n"
    )


@pytest.mark.parametrize(
    ("reason", "involuntary"),
    [
        ("Payment_Failed", True),
        ("the card  expired", True),
        ("too expensive", False),
        ("", False),
        ("Karte abgelaufen", True),
        ("Su pago FALLIDO del 3 de mayo", True),
        ("Zu teuer", False),
    ],
)
def test_a_reason_tells_whether_it_was_the_customers_wish(reason: str, involuntary: bool) -> None:
    assert load().churn.is_involuntary(reason) is involuntary


def test_the_policy_is_named_by_the_environment() -> None:
    fields = {"kafka": "k:1", "mongo": "mongodb://m", "secret_key": "0123456789abcdef"}
    app = api.create_app(
        MetricsSettings.model_validate({**fields, "metrics_policy": DEFAULT.with_name("subscription.yaml")})
    )
    assert app.state.policy.churn.quiet == 365


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("Too-Expensive", "too expensive"),
        ("Das war mir zu teuer.", "too expensive"),
        ("demenage a Lyon", "moved away"),
        ("DÉMÉNAGÉ", "moved away"),
        ("Umzug nach Berlin, Frau Meier", "moved away"),
        ("La tarjeta rechazada", "card declined"),
        ("Frau Meier", "other"),
    ],
)
def test_a_reason_in_other_words_is_told_by_its_name(reason: str, name: str) -> None:
    assert load().churn.told_as(reason) == name


def test_words_for_names_that_a_company_does_not_list_are_not_looked_for() -> None:
    mine = parse("name: x\nchurn: {causes: [price], involuntary: [fraud], words: {price: [teuer]}}").churn
    said = ("zu teuer", "Zahlung fehlgeschlagen", "a fraud")
    assert [mine.told_as(reason) for reason in said] == ["price", "other", "fraud"]
    assert parse("name: x\nchurn: {causes: [price]}").churn.told_as("zu teuer") == "other"
