"""Settings of the wrong kind are refused by the chart, before there are pods; what services take is taken."""

import pytest

from tests.chart.test_refusals import SMALL, refused
from tests.rendered_chart import render

pytestmark = pytest.mark.chart


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("settings.RAPPORT_KAFKA={a:1,b:2}", "settings.RAPPORT_KAFKA: give text, no list and no map"),
        (
            "services.loyalty.settings.RAPPORT_KAFKA={a:1}",
            "services.loyalty.settings.RAPPORT_KAFKA: give text",
        ),
        ("settings.RAPPORT_BATCH_SIZE=many", "settings.RAPPORT_BATCH_SIZE: give a whole number."),
        ("settings.RAPPORT_BATCH_SIZE=1.5", "settings.RAPPORT_BATCH_SIZE: give a whole number."),
        ("settings.RAPPORT_BATCH_SIZE={5}", "settings.RAPPORT_BATCH_SIZE: give a whole number, no list"),
        (
            "services.followup.settings.RAPPORT_SMTP_PORT=smtp",
            "services.followup.settings.RAPPORT_SMTP_PORT: give a whole number.",
        ),
        ("settings.RAPPORT_STORE_TIMEOUT=2s", "settings.RAPPORT_STORE_TIMEOUT: give a number."),
        ("settings.RAPPORT_SMTP_TLS=maybe", "settings.RAPPORT_SMTP_TLS: give true or false."),
        ("settings.RAPPORT_LOG_LEVEL=loud", "settings.RAPPORT_LOG_LEVEL: give one of DEBUG, ERROR, INFO"),
        ("settings.RAPPORT_KAFKA_SECURITY=tls", "settings.RAPPORT_KAFKA_SECURITY: give one of plaintext, "),
    ],
)
def test_another_kind_than_the_variable_is_named(wrong: str, said: str) -> None:
    assert said in refused(wrong)


@pytest.mark.parametrize(
    "right",
    [
        "RAPPORT_MAX_BODY_BYTES=10485760",
        "RAPPORT_STORE_TIMEOUT=2.5",
        "RAPPORT_SMTP_TLS=true",
        "RAPPORT_SMTP_TLS=",
        "RAPPORT_KAFKA_SECURITY=SASL-SSL",
        "RAPPORT_BATCH_SIZE=null",
        "RAPPORT_BATCH_SIZE=500\n",
        "RAPPORT_STORE_TIMEOUT=\t2.5\n",
        "RAPPORT_SMTP_TLS=true\n",
        "RAPPORT_WEBHOOK_CHANNELS={sms,push}",
        "RAPPORT_API_KEYS.till.scopes={events:write}",
    ],
)
def test_what_the_services_take_is_taken(right: str) -> None:
    assert render("--values", SMALL, "--set", f"settings.{right}")


def test_the_text_null_is_as_if_left_out() -> None:
    assert render("--values", SMALL, "--set-string", "settings.RAPPORT_BATCH_SIZE=null")
