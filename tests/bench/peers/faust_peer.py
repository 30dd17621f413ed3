"""Faust: an agent and a table in memory, with a changelog topic."""

import asyncio
import os
import signal
import sys

import faust
from progress import Progress, day_of

bootstrap, group, folder, wanted = *sys.argv[1:4], int(sys.argv[4])
progress = Progress(wanted)
found: dict[str, int] = {}

app = faust.App(
    group,
    broker=f"kafka://{bootstrap}",
    store="memory://",
    datadir=folder,
    topic_partitions=4,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
purchases = app.topic("purchases", key_type=bytes, key_serializer="raw", value_serializer="json")
sums = app.Table("sums", partitions=4, key_type=str, value_type=list)


@app.agent(purchases)
async def count(stream):
    async for customer, event in stream.items():
        progress.begin()
        cell = f"{customer.decode()}|{day_of(event['time'])}"
        amount = event["data"]["total"]["amount"]
        n, total = sums.get(cell) or (0, 0)
        sums[cell] = [n + 1, total + amount]
        found[cell] = total + amount
        if progress.seen():
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
    finally:
        progress.show(len(found), sum(found.values()))
