"""What shops sign with: one secret of a setting, or several while one takes another's place."""

import pytest

from services.interactions.hooks.heard import accepted_secrets, is_signed
from services.interactions.settings import InteractionsSettings
from shared.runtime.settings import load_settings

from .recorded import signed


def test_signatures_are_of_the_raw_body_by_one_of_the_secrets() -> None:
    body = b'{"id": 1}'
    old, new = "old-secret-0123456789", "new-secret-0123456789"
    secrets = accepted_secrets(f"{old}, {new}")
    assert is_signed(secrets, body, signed(body, old))
    assert is_signed(secrets, body, signed(body, new))
    assert not is_signed(secrets, body + b" ", signed(body, new))
    assert not is_signed(secrets, body, "")
    assert not is_signed(secrets, body, "é\udcff")
    # One that is too short by now does not keep out the one in its place.
    assert is_signed(accepted_secrets(f"abc,{new}"), body, signed(body, new))
    assert not is_signed(accepted_secrets(f"abc,{new}"), body, signed(body, "abc"))
    # WooCommerce makes secrets of its own with commas in them: they count whole, and no short part does.
    assert accepted_secrets("x,y!short") == (b"x,y!short",)


@pytest.mark.parametrize("setting", ["{0},", ",{0}", " {0} , ", "{0},,", "{1},{0},", "{0}, ,{1}"])
def test_a_comma_that_was_left_over_is_no_secret(setting: str) -> None:
    body, secret = b"{}", "a-secret"
    secrets = accepted_secrets(setting.format(secret, "another-secret"))
    assert is_signed(secrets, body, signed(body, secret))
    assert not is_signed(secrets, body, signed(body, ""))


@pytest.mark.parametrize("setting", [" ", ",", " , ", "\t", "x", "seven77", " seven77 ,", ",,,,,,,,,,"])
@pytest.mark.parametrize("shop", ["shopify", "woocommerce"])
def test_a_secret_of_blanks_or_a_few_characters_stops_the_start(
    setting: str, shop: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = f"RAPPORT_{shop.upper()}_SECRET"
    told = {variable: setting, "RAPPORT_KAFKA": "a:1", "RAPPORT_MONGO": "mongodb://a"}
    for name, value in (told | {"RAPPORT_SECRET_KEY": "0123456789abcdef"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(InteractionsSettings)
    said = f"{variable}: must have 8 characters or more, blanks and commas around it aside.\n"
    assert capsys.readouterr().err == said
