"""``rapport clock``."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from rapport import broker, connections
from rapport.commands.show import console
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.schemas.clock import ClockAdvanced
from shared.schemas.codec import encode
from shared.schemas.event import Event

SOURCE = "/rapport/clock"
AHEAD = timedelta(hours=24)

app = typer.Typer(help="Move the stream clock.", no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Move the stream clock (RAPPORT_CLOCK=stream)."""


def read_time(text: str) -> datetime:
    """An RFC 3339 time or a date, in UTC; without an offset it is UTC. Raises TroubleError."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise TroubleError(
                f"{text!r} is no time: write it like 2018-07-01 or 2018-07-01T12:00:00Z."
            ) from None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def parse_time(text: str, now: datetime) -> datetime:
    """As ``read_time``. Raises TroubleError for a time over 24 h ahead of ``now`` too, which every worker
    would refuse."""
    to = read_time(text)
    if to > now + AHEAD:
        raise TroubleError(
            f"{to.isoformat()} is over 24 h ahead of the wall clock, so workers would refuse it."
        )
    return to


def advanced(to: datetime, partition: int) -> Event:
    """The event for one partition. Its time is ``to``, as the watermark is the highest time applied; its
    id is the same for the same time, so that advancing twice is advancing once."""
    return Event(
        id=f"{to:%Y%m%dT%H%M%S.%fZ}-{partition}",
        source=SOURCE,
        subject=f"clock-{partition}",
        time=to,
        data=ClockAdvanced(to=to),
    )


def advance_clock(servers: Brokers, to: datetime) -> int:
    """Write one record to each partition of ``clock``; how many. Raises TroubleError without a topic."""
    with broker.producer(servers) as client:
        partitions = client.partitions_for(ClockAdvanced.topic) or set()
        sent = []
        for partition in sorted(partitions):
            event = advanced(to, partition)
            value, headers = encode(event)
            key = event.subject.encode()
            sent.append(client.send(ClockAdvanced.topic, value, key, headers, partition))
        for future in sent:
            future.get(timeout=30)
    if not partitions:
        raise TroubleError("There is no topic `clock`: run `rapport topics apply` first.")
    return len(partitions)


@app.command()
def advance(
    to: Annotated[str, typer.Argument(metavar="TIME", help="A date, or an RFC 3339 time.")],
) -> None:
    """Tell every worker that event time has come this far: timers up to it fire. Needs no event."""
    instant = parse_time(to, datetime.now(UTC))
    count = advance_clock(connections.brokers(), instant)
    console.print(f"The clock goes to {instant.isoformat()} on {count} partitions.")
