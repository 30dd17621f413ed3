"""The embedded store with TLS, and with users who must show a password."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pymongo import MongoClient

from rapport.embedded import mongo, ports
from rapport.embedded.part import Part, Spec
from rapport.home import Home
from tests.certificates import Authority
from tests.secured import HOST

USER, PASSWORD = "loyalty", "p@ss/w:rd"


@dataclass(frozen=True)
class SecuredStore:
    """A server that runs. ``authority`` signed what it shows."""

    part: Part
    authority: Authority

    def uri(self, user: str | None = USER, password: str = PASSWORD) -> str:
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"mongodb://{login}{HOST}:{self.part.port}/?directConnection=true"

    def env(self) -> dict[str, str]:
        """The variables of a client that is let in."""
        return {"RAPPORT_MONGO": self.uri(), "RAPPORT_MONGO_CA": str(self.authority.file)}


@contextmanager
def secured_store(
    home: Home, certificate: Path, authority: Authority, *, auth: bool = False, more: Sequence[str] = ()
) -> Iterator[SecuredStore]:
    """Start it with this certificate. ``auth``: with the user, who is made first. ``more``: options."""
    port = ports.pick()
    tls = ["--tls-cert-file", str(certificate), "--tls-key-file", str(certificate), *more]
    if auth:
        with _running(home, port, tls) as part:
            client: MongoClient[dict[str, object]] = MongoClient(
                SecuredStore(part, authority).uri(None), tls=True, tlsCAFile=str(authority.file)
            )
            with client:
                roles = [{"role": "readWrite", "db": "rapport_loyalty"}]
                client.admin.command("createUser", USER, pwd=PASSWORD, roles=roles)
    with _running(home, port, [*tls, *(["--auth"] if auth else [])]) as part:
        yield SecuredStore(part, authority)


@contextmanager
def _running(home: Home, port: int, options: Sequence[str]) -> Iterator[Part]:
    program = mongo.locate("secantusd-py", {})
    assert program is not None
    data = home.data("secured-store")
    data.mkdir(parents=True, exist_ok=True)
    command = [str(program), "--host", HOST, "--port", str(port), "--storage-path", str(data), *options]
    spec = Spec("mongo", lambda: command, lambda: _shakes_hands(port), port)
    with Part(spec, home) as part:
        part.start()
        part.wait_ready()
        yield part


def _shakes_hands(port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((HOST, port), 2.0) as link, context.wrap_socket(link):
            return True
    except OSError:
        return False
