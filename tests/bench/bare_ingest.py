"""``python -m tests.bench.bare_ingest PORT KAFKA``: a route that publishes as many records as it is told,
made beforehand, by the same producer as the API has, and looks at nothing else."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request

from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher, Record
from shared.runtime.heap import settle_heap
from tests.bench.events import purchases
from tests.bench.loyalty import HEADERS

MADE, CUSTOMERS = 20_000, 5_000


def bare_app(brokers: Brokers) -> FastAPI:
    records = [Record("purchases", key, value, HEADERS) for key, value in purchases(MADE, CUSTOMERS)]
    next_one = 0

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        publisher = Publisher(brokers)
        await publisher.start()
        await publisher.connected()
        app.state.publisher = publisher
        settle_heap()
        yield
        await publisher.stop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/events/{count}", status_code=202)
    async def post(count: int, request: Request) -> dict[str, int]:
        nonlocal next_one
        await request.body()
        first, next_one = next_one, (next_one + count) % (MADE - count)
        await request.app.state.publisher.publish(records[first : first + count])
        return {"accepted": count}

    return app


if __name__ == "__main__":
    uvicorn.run(
        bare_app(Brokers(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
    )
