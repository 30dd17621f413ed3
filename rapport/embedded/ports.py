"""Where a part listens: on this machine alone or for others too; on a port that is fixed by the environment,
kept from last time, or free."""

import ipaddress
import json
import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rapport.home import Home, read_json, write_atomically
from rapport.trouble import TroubleError

HOST = "127.0.0.1"
BIND_VARIABLE, HOST_VARIABLE = "RAPPORT_UP_BIND", "RAPPORT_UP_HOST"
_LOW = 20_000
_EPHEMERAL_FROM = Path("/proc/sys/net/ipv4/ip_local_port_range")


@dataclass(frozen=True, slots=True)
class Where:
    """The address that parts listen on, and the one by which others reach them."""

    bind: str = HOST
    host: str = HOST

    @property
    def own(self) -> str:
        """The address by which this machine reaches them."""
        # It is compared, not bound.
        return HOST if self.bind == "0.0.0.0" else self.bind  # nosec B104


def where(environ: Mapping[str, str]) -> Where:
    """By ``RAPPORT_UP_BIND`` (this machine alone, unless told) and ``RAPPORT_UP_HOST`` (the address itself).
    Raises TroubleError."""
    bind = environ.get(BIND_VARIABLE) or HOST
    try:
        address = ipaddress.IPv4Address(bind)
    except ValueError:
        raise TroubleError(
            f"{BIND_VARIABLE} is {bind!r}: give an IPv4 address of this machine, or 0.0.0.0 for all."
        ) from None
    host = environ.get(HOST_VARIABLE) or ("" if address.is_unspecified else bind)
    if not host:
        raise TroubleError(
            f"{BIND_VARIABLE} is {bind}, every address of this machine: say with {HOST_VARIABLE} by which "
            "name or address others reach it."
        )
    if not is_free(0, bind):
        raise TroubleError(f"{BIND_VARIABLE} is {bind}, which is no address of this machine.")
    return Where(bind, host)


def is_free(port: int, bind: str = HOST) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
        return True


def _high() -> int:
    try:
        return int(_EPHEMERAL_FROM.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768


def pick(taken: Iterable[int] = (), bind: str = HOST) -> int:
    """A free port below those that the system gives to outgoing connections: a client that keeps
    calling a dead port up there can end up talking to itself and hold the port."""
    taken = set(taken)
    high = max(_high(), _LOW + 1_000)
    for port in random.sample(range(_LOW, high), k=min(1_000, high - _LOW)):
        if port not in taken and is_free(port, bind):
            return port
    raise TroubleError(f"No port from {_LOW} to {high} is free: close some programs and try again.")


def variable(part: str) -> str:
    """The variable that fixes a part's port: an API's has its service's name only."""
    return f"RAPPORT_{part.removesuffix('-api').replace('-', '_').upper()}_PORT"


def _fixed(part: str, environ: Mapping[str, str], bind: str) -> int | None:
    text = environ.get(variable(part), "")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise TroubleError(f"{variable(part)} is {text!r}: give a port from 1 to 65535.")
    if not is_free(int(text), bind):
        raise TroubleError(
            f"Port {text} for {part} is in use: stop what listens there, or set {variable(part)} to another."
        )
    return int(text)


def choose(home: Home, parts: Iterable[str], environ: Mapping[str, str], bind: str = HOST) -> dict[str, int]:
    """A port for each part, remembered in the home so that addresses last across restarts.

    Raises TroubleError for a fixed port that is in use or no port number, or given twice.
    """
    kept = read_json(home.ports_file) or {}
    chosen: dict[str, int] = {}
    for part in parts:
        fixed = _fixed(part, environ, bind)
        if fixed is not None:
            twin = next((name for name, port in chosen.items() if port == fixed), None)
            if twin is not None:
                raise TroubleError(f"{variable(part)} and {variable(twin)} are both {fixed}: change one.")
            chosen[part] = fixed
    for part in (p for p in parts if p not in chosen):
        old = kept.get(part)
        usable = isinstance(old, int) and old not in chosen.values() and is_free(old, bind)
        chosen[part] = old if isinstance(old, int) and usable else pick(chosen.values(), bind)
    write_atomically(home.ports_file, json.dumps({**kept, **chosen}, indent=1))
    return chosen
