"""Kafka and MongoDB for the fault tests, and workers that die where a test says."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.embedded import ports
from tests.faults.platform import Platform, own_platform

SESSION_TIMEOUT = "2"
"""Seconds until the group gives a dead worker's partitions away; short, so that tests are."""


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Kafka and MongoDB, with the topics made, for all tests of the session."""
    with own_platform(tmp_path_factory.mktemp("faults"), "kafka", "mongo") as platform:
        yield platform


class ServiceProcess:
    """A worker's or an API's process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, key: str, log: Path) -> None:
        self.process = process
        self.port = port
        self.key = key
        self.log = log

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Until it says that it is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended early: {self.tail()}"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not ready: {self.tail()}")

    def wait_killed(self, seconds: float = 60.0) -> None:
        """Until its own fault point has killed it: SIGKILL, nothing less."""
        assert self.process.wait(seconds) == -9, self.tail()

    def page(self, path: str) -> tuple[int, Any]:
        """Status and body of a page, 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, None

    def stop(self) -> float:
        """SIGTERM. The seconds until it has ended well."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(60) == 0, self.tail()
        return time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def get(self, path: str) -> Any:
        """The JSON answer of a GET with the platform's key."""
        status, body = self.call(path)
        assert status == 200, body
        return json.loads(body)

    def call(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Status and body of what is asked with the platform's key."""
        url, headers = f"http://127.0.0.1:{self.port}{path}", {"X-API-Key": self.key}
        request = urllib.request.Request(url, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@pytest.fixture
def worker(platform: Platform, tmp_path: Path) -> Iterator["WorkerStarter"]:
    """Starts workers; all of them are stopped when the test ends."""
    starter = WorkerStarter(platform, tmp_path)
    try:
        yield starter
    finally:
        starter.stop()


class WorkerStarter:
    """``worker()`` starts one; ``kind="api"`` the service's API."""

    def __init__(self, platform: Platform, logs: Path) -> None:
        self._platform = platform
        self._logs = logs
        self._started: list[ServiceProcess] = []

    def __call__(
        self,
        service: str = "loyalty",
        *,
        kind: str = "worker",
        fault: str = "",
        code: Path | None = None,
        **settings: str,
    ) -> ServiceProcess:
        """``code``: the root of another version's code."""
        port = ports.pick()
        log = self._logs / f"{service}-{kind}-{len(self._started)}.log"
        variables = {
            **os.environ,
            **self._platform.env,
            "RAPPORT_SESSION_TIMEOUT": SESSION_TIMEOUT,
            "RAPPORT_BATCH_SIZE": "40",  # more batches, more places to die between
            "RAPPORT_WORKER_PORT": str(port),
            "RAPPORT_API_PORT": str(port),
            "RAPPORT_FAULT": fault,
            **{f"RAPPORT_{name.upper()}": value for name, value in settings.items()},
            **({} if code is None else {"PYTHONPATH": str(code)}),
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}.{kind}"],
                env=variables,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        started = ServiceProcess(process, port, variables["RAPPORT_API_KEY"], log)
        self._started.append(started)
        return started

    def stop(self) -> None:
        for started in self._started:
            if started.process.poll() is None:
                started.process.terminate()
        for started in self._started:
            try:
                started.process.wait(15)
            except subprocess.TimeoutExpired:
                started.kill()
