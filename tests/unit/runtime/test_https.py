"""Whom we ask by HTTPS behind an authority of one's own: each client takes its word, and says what lacks."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from rapport.client import Client
from rapport.doctor.examine import examine
from rapport.doctor.finding import Finding
from rapport.importing.sending import Sender, Sent
from rapport.trouble import TroubleError
from services.followup.channels.base import ChannelAwayError, Result
from services.interactions.desk.oidc import Begun, NotVouchedError, Provider, ProviderAwayError
from services.interactions.export import gathering
from services.interactions.export.gathering import ServiceSilentError, Sources
from services.interactions.settings import InteractionsSettings
from services.metrics.behind import Interactions
from shared.http.jwks import IssuerKeys
from shared.http.problems import ProblemError
from shared.runtime.https import trusting
from tests.certificates import Authority
from tests.unit.followup.mailserver import delivery
from tests.unit.followup.webhookserver import webhook

HERE, ELSEWHERE = "127.0.0.1", "login.example"
DISCOVERY = "/.well-known/openid-configuration"
LACKING = "self-signed certificate in certificate chain): set RAPPORT_HTTPS_CA to the certificate of the"


class Provided:
    """What a server of ours answers, by path; whatever else is asked for is refused as a code would be."""

    def __init__(self, certificate: Path) -> None:
        self.told: dict[str, str] = {}
        self.asked: list[str] = []
        provided = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.partition("?")[0]
                provided.asked.append(path)
                self.send_response(200 if path in provided.told else 400)
                body = provided.told.get(path, '{"error": "invalid_grant"}').encode()
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None: ...

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Of clients that do not trust it."""

        self.server = Quiet((HERE, 0), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.place = f"{HERE}:{self.server.server_port}"
        self.url = f"https://{self.place}"
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        ways = ", ".join(f'"{name}": "{self.url}/{path}"' for name, path in ends.items())
        self.told[DISCOVERY] = f'{{"issuer": "{self.url}", {ways}}}'


@contextmanager
def provided(certificate: Path) -> Iterator[Provided]:
    found = Provided(certificate)
    thread = Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Provided]:
    with provided(authority.issue("good", HERE)) as found:
        yield found


def of_the_desk(server: Provided, ca: Path | None) -> Provider:
    told = {"kafka": "nowhere:1", "mongo": "mongodb://nowhere", "secret_key": "0123456789abcdef"}
    signs = {"oidc_issuer": server.url, "oidc_client_id": "desk", "oidc_client_secret": "s"}
    return Provider(InteractionsSettings.model_validate({**told, **signs, "https_ca": ca}))


BEGUN = Begun(state="s", nonce="n", verifier="v" * 43)


async def test_an_issuers_keys(server: Provided, authority: Authority) -> None:
    curve = '"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"'
    server.told["/keys"] = f'{{"keys": [{{"kid": "one", {curve}}}]}}'
    found = await IssuerKeys(f"{server.url}/keys", trust=trusting(authority.file)).key("one")
    assert found.key_id == "one"


async def test_keys_that_nobody_vouches_for_are_not_taken_and_the_log_names_the_setting(
    server: Provided,
) -> None:
    with capture_logs() as logs, pytest.raises(ProblemError):
        await IssuerKeys(f"{server.url}/keys", trust=trusting(None)).key("one")
    said = str(logs)
    assert f"The certificate that {server.place} shows is not to be trusted" in said
    assert LACKING in said
    assert server.asked == []


async def test_signing_in(server: Provided, authority: Authority) -> None:
    known = of_the_desk(server, authority.file)
    assert (await known.begin(BEGUN, "https://desk/back")).startswith(f"{server.url}/authorize")
    with pytest.raises(NotVouchedError, match="invalid_grant"):
        await known.finish(BEGUN, "a code", "https://desk/back")
    assert server.asked == [DISCOVERY, "/token"]


async def test_signing_in_at_a_provider_that_nobody_vouches_for(server: Provided) -> None:
    with pytest.raises(ProviderAwayError, match="RAPPORT_HTTPS_CA"):
        await of_the_desk(server, None).begin(BEGUN, "https://desk/back")
    assert server.asked == []


@asynccontextmanager
async def posting(server: Provided, **more: Any) -> AsyncIterator[Any]:
    channel = webhook(webhook_url=f"{server.url}/messages?token=secret", webhook_timeout=5, **more)
    yield channel
    await channel.close()


async def test_a_webhooks_service(server: Provided, authority: Authority) -> None:
    server.told["/messages"] = ""
    async with posting(server, https_ca=authority.file) as channel:
        await channel.open()
        sent = await channel.send(delivery("a"), datetime.now(UTC))
    assert sent.result is Result.SENT


async def test_a_service_that_is_not_trusted_leaves_no_trace_on_any_message(server: Provided) -> None:
    async with posting(server) as channel:
        with pytest.raises(ChannelAwayError, match="RAPPORT_HTTPS_CA") as caught:
            await channel.open()
        assert not channel.is_open
    assert "secret" not in str(caught.value)
    assert server.asked == []


NOW = datetime.now(UTC)
Asks = Callable[[Provided, Path | None], Awaitable[object]]


async def for_an_export(server: Provided, ca: Path | None) -> object:
    known = Sources(cast(Any, None), {"loyalty": server.url}, "key", b"k" * 32, trusting(ca))
    return [one async for one in known.held(["c-1"])]


async def for_a_figure(server: Provided, ca: Path | None) -> object:
    known = Interactions(server.url, {}, trusting(ca))
    return await known.told(["purchase.made"], NOW, NOW, None, 1)


@pytest.mark.parametrize(
    ("asks", "path"), [(for_an_export, "/customers/c-1/held"), (for_a_figure, "/events")]
)
async def test_a_service_asks_another(
    server: Provided, authority: Authority, monkeypatch: pytest.MonkeyPatch, asks: Asks, path: str
) -> None:
    monkeypatch.setattr(gathering, "SERVICES", ("loyalty",))
    for ca, reached in ((None, []), (authority.file, [path])):
        with pytest.raises((ServiceSilentError, ProblemError)):  # its answer is of no use here
            await asks(server, ca)
        assert server.asked == reached


def of_commands(server: Provided, ca: Path | None) -> dict[str, str]:
    named = {} if ca is None else {"RAPPORT_HTTPS_CA": str(ca)}
    return {"RAPPORT_LOYALTY_URL": server.url, "RAPPORT_API_KEY": "a-key", **named}


def test_a_command(server: Provided, authority: Authority) -> None:
    server.told["/readyz"] = "{}"
    with Client(of_commands(server, authority.file)) as client:
        assert client.get("loyalty", "/readyz") == {}
    with Client(of_commands(server, None)) as client, pytest.raises(TroubleError, match="RAPPORT_HTTPS_CA"):
        client.get("loyalty", "/readyz")


def test_an_import(server: Provided, authority: Authority) -> None:
    server.told["/events"] = "{}"
    sent = [Sent(1, b"{}")]
    with pytest.raises(TroubleError, match="RAPPORT_HTTPS_CA"):
        Sender(server.url, of_commands(server, None), patience_s=60).send(sent)
    lane = Sender(server.url, of_commands(server, authority.file), patience_s=0)
    with pytest.raises(TroubleError, match="refuses events: 200"):
        lane.send(sent)
    lane.close()


@pytest.mark.parametrize(
    "url", ["localhost:8001", "https://", "http://here:port", "https://[::1", "http://here:0"]
)
def test_what_is_no_url_is_said(url: str) -> None:
    env = {"RAPPORT_LOYALTY_URL": url, "RAPPORT_API_KEY": "a-key"}
    with Client(env) as client, pytest.raises(TroubleError, match="is no URL of an API"):
        client.get("loyalty", "/readyz")


def examined(tmp_path: Path, server: Provided, ca: Path | None) -> Mapping[tuple[str, str], Finding]:
    named = {"RAPPORT_JWKS_URL": f"{server.url}/keys", "RAPPORT_OIDC_ISSUER": server.url}
    hooked = {"RAPPORT_WEBHOOK_URL": f"{server.url}/messages?token=secret"}
    env = {"RAPPORT_HOME": str(tmp_path), **of_commands(server, ca), **named, **hooked}
    return {(one.part, one.name): one for one in examine(env)}


def test_the_doctor_asks_as_the_services_do(server: Provided, authority: Authority, tmp_path: Path) -> None:
    server.told |= {"/keys": '{"keys": [{}]}', "/readyz": "", "/metrics": ""}
    found = examined(tmp_path, server, authority.file)
    assert found["tokens", "RAPPORT_JWKS_URL"].said == "1 keys published"
    assert found["tokens", "RAPPORT_OIDC_ISSUER"].state == "ok"
    assert found["services", "loyalty API"].said.startswith("ready")
    assert found["certificates", server.place].said.startswith("29 days left")
    assert found["certificates", f"RAPPORT_HTTPS_CA {authority.file}"].state == "ok"
    assert not any(one.part == "certificates" and one.state == "bad" for one in found.values())


def test_the_doctor_names_the_setting(server: Provided, tmp_path: Path) -> None:
    found = examined(tmp_path, server, None)
    for named in (
        ("tokens", "RAPPORT_JWKS_URL"),
        ("services", "loyalty API"),
        ("certificates", server.place),
    ):
        assert LACKING in found[named].said
    assert not any("secret" in one.said for one in found.values())


@pytest.mark.parametrize(
    ("host", "days", "said"),
    [
        (HERE, -1.0, "has expired\\): renew it there"),
        (ELSEWHERE, 30.0, "name the server in RAPPORT_OIDC_ISSUER"),
    ],
)
async def test_a_certificate_that_is_not_good(
    authority: Authority, host: str, days: float, said: str
) -> None:
    with provided(authority.issue("bad", host, days=days)) as server:
        with pytest.raises(ProviderAwayError, match=said):
            await of_the_desk(server, authority.file).begin(BEGUN, "https://desk/back")
        assert server.asked == []


def test_a_file_that_is_of_no_use_is_a_sentence(tmp_path: Path) -> None:
    said = examine({"RAPPORT_HOME": str(tmp_path), "RAPPORT_HTTPS_CA": "/no/such.pem"})
    assert {one.said for one in said if "such.pem" in one.said} == {
        "RAPPORT_HTTPS_CA: there is no file /no/such.pem."
    }


def test_what_the_system_trusts_is_trusted_beside(authority: Authority) -> None:
    """A provider of text messages has a public certificate, though the identity provider has our own."""
    counts = [trusting(ca).cert_store_stats()["x509_ca"] for ca in (None, authority.file)]
    assert counts == [counts[0], counts[0] + 1]
