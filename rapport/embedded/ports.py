"""Which port a part listens on: fixed by the environment, kept from last time, or free."""

import json
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from rapport.home import Home, read_json, write_atomically
from rapport.trouble import TroubleError

HOST = "127.0.0.1"
_LOW = 20_000
_EPHEMERAL_FROM = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _high() -> int:
    try:
        return int(_EPHEMERAL_FROM.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768


def pick(taken: Iterable[int] = ()) -> int:
    """A free port below those that the system gives to outgoing connections: a client that keeps
    calling a dead port up there can end up talking to itself and hold the port."""
    taken = set(taken)
    high = max(_high(), _LOW + 1_000)
    for port in random.sample(range(_LOW, high), k=min(1_000, high - _LOW)):
        if port not in taken and is_free(port):
            return port
    raise TroubleError(f"No port from {_LOW} to {high} is free: close some programs and try again.")


def variable(part: str) -> str:
    """The variable that fixes a part's port: an API's has its service's name only."""
    return f"RAPPORT_{part.removesuffix('-api').replace('-', '_').upper()}_PORT"


def _fixed(part: str, environ: Mapping[str, str]) -> int | None:
    text = environ.get(variable(part), "")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise TroubleError(f"{variable(part)} is {text!r}: give a port from 1 to 65535.")
    if not is_free(int(text)):
        raise TroubleError(
            f"Port {text} for {part} is in use: stop what listens there, or set {variable(part)} to another."
        )
    return int(text)


def choose(home: Home, parts: Iterable[str], environ: Mapping[str, str]) -> dict[str, int]:
    """A port for each part, remembered in the home so that addresses last across restarts.

    Raises TroubleError for a fixed port that is in use or no port number, or given twice.
    """
    kept = read_json(home.ports_file) or {}
    chosen: dict[str, int] = {}
    for part in parts:
        fixed = _fixed(part, environ)
        if fixed is not None:
            twin = next((name for name, port in chosen.items() if port == fixed), None)
            if twin is not None:
                raise TroubleError(f"{variable(part)} and {variable(twin)} are both {fixed}: change one.")
            chosen[part] = fixed
    for part in (p for p in parts if p not in chosen):
        old = kept.get(part)
        usable = isinstance(old, int) and old not in chosen.values() and is_free(old)
        chosen[part] = old if isinstance(old, int) and usable else pick(chosen.values())
    write_atomically(home.ports_file, json.dumps({**kept, **chosen}, indent=1))
    return chosen
