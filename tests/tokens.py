"""A token endpoint by client credentials, in a thread of the test: tokens are signed, last so long, and are
counted."""

import base64
import json
import ssl
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.secured import AUDIENCE, HOST, ISSUER

CLIENT, SECRET, SCOPE = "rapport", "a client's secret", "kafka"
KEY_ID = "tests"


class TokenServer:
    """``given`` counts the tokens; ``lasting`` is how long one is good, in seconds."""

    def __init__(self, certificate: Path | None) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.lasting = 60.0
        self.audience = AUDIENCE
        self.given = 0
        self.server = ThreadingHTTPServer((HOST, 0), _handler(self))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://{HOST}:{self.server.server_port}/token"

    @property
    def jwks(self) -> Any:
        """The public keys, as the broker reads them."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def env(self) -> dict[str, str]:
        """The variables of a client that is given tokens."""
        return {
            "RAPPORT_KAFKA_OAUTH_URL": self.url,
            "RAPPORT_KAFKA_OAUTH_CLIENT_ID": CLIENT,
            "RAPPORT_KAFKA_OAUTH_CLIENT_SECRET": SECRET,
            "RAPPORT_KAFKA_OAUTH_SCOPE": SCOPE,
        }

    def answer(self, asked: dict[str, list[str]]) -> tuple[int, Any]:
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        if {name: asked.get(name, [""])[0] for name in wanted} != wanted:
            return 401, {"error": "invalid_client"}
        self.given += 1
        now = time.time()
        claims = {"sub": CLIENT, "iss": ISSUER, "aud": self.audience, "scope": asked["scope"][0], "iat": now}
        claims |= {"exp": now + self.lasting, "jti": uuid.uuid4().hex}
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lasting}


def _handler(tokens: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked = urllib.parse.parse_qs(body)
            if basic := self.headers["authorization"]:  # as librdkafka shows who it is
                name, _, secret = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
                asked |= {"client_id": [name], "client_secret": [secret]}
            status, said = tokens.answer(asked)
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the terminal."""

    return Handler


@contextmanager
def token_server(certificate: Path | None = None) -> Iterator[TokenServer]:
    tokens = TokenServer(certificate)
    thread = Thread(target=tokens.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield tokens
    finally:
        tokens.server.shutdown()
        tokens.server.server_close()
        thread.join()
