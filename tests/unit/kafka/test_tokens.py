"""Tokens by client credentials: kept until four fifths of their life are over, and no secret is shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.kafka import tokens as fetching
from shared.kafka.tokens import TokenEndpoint, TokenRefusedError, Tokens
from tests.answering import NO_HTTP, listening
from tests.certificates import Authority
from tests.secured import HOST
from tests.tokens import CLIENT, SCOPE, SECRET, token_server


def test_a_token_is_asked_for_anew_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    clock = [1000.0]
    monkeypatch.setattr(fetching, "monotonic", lambda: clock[0])
    with token_server(authority.issue("endpoint", HOST)) as server:
        tokens = Tokens(TokenEndpoint(server.url, CLIENT, SecretStr(SECRET), SCOPE, authority.file))
        first = tokens.token()
        clock[0] += 0.79 * server.lasting
        assert tokens.token() == first
        clock[0] += 0.02 * server.lasting
        assert tokens.token() != first
        assert server.given == 2


def test_what_is_wrong_is_said_without_the_secret(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with token_server(authority.issue("endpoint", HOST)) as server:
        wrong = Tokens(TokenEndpoint(server.url, CLIENT, SecretStr("xyzzy"), SCOPE, authority.file))
        with pytest.raises(TokenRefusedError, match="answered 401") as refused:
            wrong.token()
        stranger = Tokens(TokenEndpoint(server.url, CLIENT, SecretStr("xyzzy"), SCOPE))
        with pytest.raises(TokenRefusedError, match="certificate verify failed") as untrusted:
            stranger.token()
        assert "xyzzy" not in f"{refused.value}{untrusted.value}"


@pytest.mark.parametrize("answer", NO_HTTP)
def test_what_answers_speaks_no_http_or_hangs_up(answer: bytes) -> None:
    with listening(answer) as port, pytest.raises(TokenRefusedError, match="gave no token"):
        Tokens(TokenEndpoint(f"http://127.0.0.1:{port}/token", CLIENT, SecretStr(SECRET))).token()
