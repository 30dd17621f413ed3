"""``rapport dlq``."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.progress import track

from rapport import broker, connections, deadletters
from rapport.commands.show import console, plain, table
from rapport.deadletters import DeadLetter
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.schemas.topics import DEAD_LETTER_SUFFIX, TOPICS

POLL_MS = 5_000

app = typer.Typer(help="List, show and replay dead letters.", no_args_is_help=True, add_completion=False)

Topic = Annotated[str, typer.Argument(metavar="TOPIC", help="purchases or purchases.dlq.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason (rapport-error).")]
Service = Annotated[str | None, typer.Option(help="Only those that this service could not use.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Count dead letters by topic, service and reason."""
    rows = deadletters.counts(read_dead_letters(connections.brokers(), TOPICS))
    if as_json:
        names = ("topic", "service", "reason", "waiting", "replayed")
        typer.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    elif not rows:
        console.print("No dead letters.")
    else:
        made = table("topic", "service", "reason", "waiting", "replayed", right=("waiting", "replayed"))
        for row in rows:
            made.add_row(*map(str, row))
        console.print(made)


@app.command()
def show(
    topic: Topic,
    reason: Reason = None,
    service: Service = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest dead letters of a topic: why, whose, where from, and how the value starts."""
    dead_letters = read_dead_letters(connections.brokers(), [_plain(topic)])
    chosen = deadletters.matching(dead_letters, reason, service)[-limit:]
    if as_json:
        typer.echo(deadletters.to_json(chosen))
        return
    if not chosen:
        console.print("No dead letters.")
    for dead_letter in chosen:
        state = "replayed" if dead_letter.replayed else "waiting"
        console.print(
            plain(f"{dead_letter.origin}  {dead_letter.reason}  {dead_letter.service}", "bold"), state
        )
        told = [
            ("why", dead_letter.detail),
            ("when", dead_letter.failed_at),
            ("key", (dead_letter.key or b"-").decode("utf-8", "backslashreplace")),
            ("value", dead_letter.excerpt()),
        ]
        if dead_letter.cut:
            told.append(
                ("cut", f"{dead_letter.cut} It cannot be replayed: the whole is at {dead_letter.origin}.")
            )
        for name, text in told:
            console.print(plain(f"  {name:<6}{text}"), soft_wrap=True)


@app.command("replay")
def replay_(
    topic: Topic,
    reason: Reason = None,
    service: Service = None,
    again: Annotated[bool, typer.Option("--again", help="Also those replayed before.")] = False,
) -> None:
    """Send dead letters back to their topic, as they came, for the service that could not use them.

    One that nobody could read goes back to all. What took effect meanwhile has no second one. One that was
    too large to be kept whole cannot go back.
    """
    servers = connections.brokers()
    dead_letters = deadletters.matching(read_dead_letters(servers, [_plain(topic)]), reason, service)
    whole = [dead_letter for dead_letter in dead_letters if not dead_letter.cut]
    chosen = [dead_letter for dead_letter in whole if again or not dead_letter.replayed]
    if chosen:
        send_back(servers, chosen, lambda them: track(them, "replaying", console=console))
    already = 0 if again else len(whole) - len(chosen)
    console.print(
        f"{len(chosen)} dead letter{'' if len(chosen) == 1 else 's'} sent back to {_plain(topic)}"
        + (f"; {already} had been replayed before (--again sends those too)." if already else ".")
    )
    cut = len(dead_letters) - len(whole)
    if cut:
        console.print(
            f"{cut} cannot be sent back: too large, and kept only in part. The log has the whole as long as "
            f"the topic keeps it: `rapport dlq show {_plain(topic)}` says where, and its length and SHA-256."
        )


def _plain(topic: str) -> str:
    name = topic.removesuffix(DEAD_LETTER_SUFFIX)
    if name not in TOPICS:
        raise TroubleError(f"There is no topic {topic!r}: use one of {', '.join(TOPICS)}.")
    return name


def read_dead_letters(servers: Brokers, topics: Iterable[str]) -> list[DeadLetter]:
    """All dead letters of these topics, oldest first within a partition."""
    with broker.admin(servers) as client:
        partitions = broker.partitions_of(client, [name + DEAD_LETTER_SUFFIX for name in topics])
        starts = broker.start_offsets(client, partitions)
        ends = broker.end_offsets(client, partitions)
    left = {partition for partition in partitions if ends[partition] > starts[partition]}
    dead_letters: list[DeadLetter] = []
    replayed: set[str] = set()
    if not left:
        return []
    with broker.consumer(servers) as client:
        client.assign(sorted(left))
        client.seek_to_beginning(*left)
        while left:
            records = client.poll(timeout_ms=POLL_MS)
            for record in (record for batch in records.values() for record in batch):
                _sort(record, dead_letters, replayed)
            left = {partition for partition in left if client.position(partition) < ends[partition]}
            if left and not records:
                raise TroubleError("The broker stopped answering while dead letters were read: try again.")
    return [replace(dead_letter, replayed=dead_letter.id in replayed) for dead_letter in dead_letters]


def _sort(record: Any, dead_letters: list[DeadLetter], replayed: set[str]) -> None:
    about = deadletters.marked(record.headers)
    if about is not None:
        replayed.add(about)
    else:
        dead_letters.append(
            deadletters.parse(record.topic, record.partition, record.key, record.value, record.headers)
        )


def send_back(
    servers: Brokers,
    dead_letters: list[DeadLetter],
    progress: Callable[[list[DeadLetter]], Iterable[DeadLetter]] = lambda them: them,
) -> None:
    """Produce each to its topic again, then mark it as replayed. Keys choose partitions by murmur2,
    as they should have at first; a record without a key goes where it came from."""
    with broker.producer(servers) as client:
        for dead_letter in progress(dead_letters):
            partition = None if dead_letter.key is not None else dead_letter.partition
            headers = deadletters.original_headers(dead_letter)
            client.send(dead_letter.topic, dead_letter.value, dead_letter.key, headers, partition).get(
                timeout=30
            )
            mark = deadletters.mark(dead_letter)
            dead = dead_letter.topic + DEAD_LETTER_SUFFIX
            client.send(dead, b"", dead_letter.key, mark, dead_letter.partition)
