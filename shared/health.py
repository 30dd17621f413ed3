"""A worker's pages: its health, whether it is ready, its metrics."""

import asyncio
from time import monotonic
from typing import Any

import faust
from faust.web import Request, Response, View
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from shared.kafka.publisher import Publisher
from shared.runtime.mongo import Document
from shared.worker.loop import RecordLoop

STALLED_SECONDS = 60.0
"""A loop that has not gone round for so long is not alive. No outage keeps it from going round."""


def add_pages(
    app: faust.App, loop: RecordLoop, publisher: Publisher, client: AsyncMongoClient[Document]
) -> None:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    @app.page("/healthz")
    async def healthz(view: View, request: Request) -> Response:
        stalled = monotonic() - loop.progress
        body: dict[str, Any] = {"status": "stalled" if stalled > STALLED_SECONDS else "alive"}
        return view.json(body, status=503 if stalled > STALLED_SECONDS else 200)

    @app.page("/readyz")
    async def readyz(view: View, request: Request) -> Response:
        try:
            await asyncio.wait_for(client.admin.command("ping"), 2.0)
            store = True
        except (PyMongoError, TimeoutError):
            store = False
        # All of one moment, so nothing is awaited from here on.
        there = {"kafka": publisher.ready, "partitions": loop.held or loop.standby, "mongo": store}
        missing = [part for part, is_there in there.items() if not is_there]
        status = "waiting" if missing else "standby" if loop.standby else "ready"
        body = {"status": status, "missing": missing, "partitions": sorted(loop.held)}
        return view.json(body, status=503 if missing else 200)

    @app.page("/metrics")
    async def metrics(view: View, request: Request) -> Response:
        loop.show()
        return view.text(generate_latest().decode(), headers={"content-type": CONTENT_TYPE_LATEST})
