"""What 200 open pages of the desk cost the API's process while nothing happens: its CPU seconds by the clock
on the wall, after each page has been told what it was made of.
"""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from rich.table import Table

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from tests.bench.report import console
from tests.unit.followup.mailserver import free_port

pytestmark = pytest.mark.bench

PAGES = 200
SECONDS = 20.0
SETTLING_S = 5.0
AIM_PERCENT = 5.0
KEY = "a-benchmarks-api-key"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The API as a process of its own: its URL, and its process id."""
    port = free_port()
    with start_mongo(Home(tmp_path_factory.mktemp("bench-desk"))) as part:
        told = {
            "RAPPORT_KAFKA": "127.0.0.1:1",
            "RAPPORT_MONGO": f"mongodb://{part.address}/?directConnection=true",
            "RAPPORT_SECRET_KEY": "benchmark-benchmark",
            "RAPPORT_API_KEY": KEY,
            "RAPPORT_API_PORT": str(port),
            "RAPPORT_LOG_LEVEL": "ERROR",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [sys.executable, "-m", "services.interactions.api"]
        process = subprocess.Popen(command, env={**os.environ, **told})
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while not _answers(url):
                assert time.monotonic() < deadline
                time.sleep(0.1)  # it tells its start in no other way
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


async def test_two_hundred_idle_pages(api: tuple[str, int]) -> None:
    url, pid = api
    async with httpx.AsyncClient(
        base_url=url, timeout=None, limits=httpx.Limits(max_connections=PAGES + 10)
    ) as browser:
        page = await browser.get("/desk/sign-in")
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token is not None
        answer = await browser.post("/desk/sign-in", data={"csrf": token[1], "api_key": KEY})
        assert answer.status_code == 303
        async with contextlib.AsyncExitStack() as open_pages:
            for n in range(PAGES):
                await open_pages.enter_async_context(watching(browser, f"cust-{n},present/cust-{n}"))
            await asyncio.sleep(SETTLING_S)
            before, began = cpu(pid), time.monotonic()
            await asyncio.sleep(SECONDS)
            spent, passed = cpu(pid) - before, time.monotonic() - began
    percent = 100 * spent / passed
    table = Table("open pages", "seconds", "CPU seconds", "of a core", "aim")
    table.add_row(str(PAGES), f"{passed:.0f}", f"{spent:.2f}", f"{percent:.1f} %", f"< {AIM_PERCENT:.0f} %")
    console.print(table)
    assert percent < AIM_PERCENT


@contextlib.asynccontextmanager
async def watching(browser: httpx.AsyncClient, names: str) -> AsyncIterator[None]:
    """A page that is open; what it is told is read."""
    async with browser.stream("GET", "/desk/live", params={"watch": names}) as events:
        assert events.status_code == 200

        async def read() -> None:
            async for _ in events.aiter_bytes():
                pass

        task = asyncio.create_task(read())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
