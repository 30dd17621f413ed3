"""A real Prometheus that scrapes a platform which runs here, by the rules that ship; and what it is asked."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from rapport.home import Home
from rapport.status import read
from tools.prometheus import prometheus

CONFIG = Path(__file__).parents[1] / "deploy" / "prometheus" / "prometheus.yaml"
EVERY = "1s"
"""So often it scrapes, and evaluates its rules."""
SPAN = "15m"
"""What stands for the spans that Grafana fills in: longer than the demo takes."""
_COMPARED = re.compile(r"\s*(?<![!=<>])(?:==|!=|<=|>=|<|>)\s*-?[0-9.]+(?![0-9.a-z])")


class FailedQueryError(Exception):
    """Prometheus's own words."""


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, expr: str) -> list[Any]:
        """What the expression is now, a series each. Raises ``FailedQueryError``."""
        result: list[Any] = self.get("query", query=expr)["result"]
        return result

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer. Raises ``FailedQueryError``."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise FailedQueryError(f"{query}: {error.read().decode()}") from None

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def scraping(home: Home, folder: Path) -> Iterator[Prometheus]:
    """Scrapes every process of the platform in ``home`` until the end of the block; its files are in
    ``folder``. Raises ``MissingProgramError`` where there is no Prometheus."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump(_config(home)), encoding="utf-8")
    address = f"127.0.0.1:{port}"
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with open(folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [prometheus(), *options, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
        try:
            found = Prometheus(f"http://{address}")
            deadline = time.monotonic() + 30
            while not found.ready:
                ended = process.poll() is not None or time.monotonic() > deadline
                assert not ended, (folder / "prometheus.log").read_text(encoding="utf-8")[-2000:]
                time.sleep(0.1)  # it tells its start in no other way
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _config(home: Home) -> Any:
    """The configuration that ships, on this machine's ports, and faster."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["global"] |= {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    config["rule_files"] = [str(CONFIG.parent / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    status = read(home)
    assert status is not None, home.root
    named = [part for part in status.parts if part.name.endswith(("-api", "-worker"))]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{part.port}" for part in named]}]
    return config


def asked(expr: str) -> str:
    """A panel's expression, as Grafana fills it in with all that there is to choose."""
    filled = re.sub(r"\$__(rate_interval|range|interval)\b", SPAN, expr)
    filled = re.sub(r"\$[a-z]+\b", ".*", filled)
    assert "$" not in filled, expr
    return filled


def compared(expr: str) -> str:
    """What an alert looks at: its expression without the numbers that it is compared with."""
    return " ".join(_COMPARED.sub(" ", expr).split())


def rules() -> Sequence[dict[str, Any]]:
    """Every rule that ships."""
    found: list[dict[str, Any]] = []
    for name in yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["rule_files"]:
        file = yaml.safe_load((CONFIG.parent / name).read_text(encoding="utf-8"))
        found += [rule for group in file["groups"] for rule in group["rules"]]
    return found
