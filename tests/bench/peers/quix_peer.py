"""Quix Streams: a tumbling window of a day (``window``), or a state of one's own (``state``)."""

import sys
from datetime import datetime, timedelta

from progress import Progress, day_of
from quixstreams import Application

bootstrap, group, folder, how, wanted = *sys.argv[1:5], int(sys.argv[5])
progress = Progress(wanted)
cells = cents = 0

app = Application(
    broker_address=bootstrap,
    consumer_group=group,
    auto_offset_reset="earliest",
    processing_guarantee="at-least-once",
    state_dir=folder,
    loglevel="WARNING",
)


def event_ms(value, headers, timestamp, kind):
    return int(datetime.fromisoformat(value["time"]).timestamp() * 1000)


topic = app.topic(
    "purchases",
    value_deserializer="json",
    key_deserializer="str",
    timestamp_extractor=event_ms if how == "window" else None,
)


def note(value):
    if progress.seen():
        app.stop()


def begin(value):
    global cells, cents
    progress.begin()
    cells += 1
    amount = value["data"]["total"]["amount"]
    cents += amount
    return [1, amount]


def more(total, value):
    global cents
    amount = value["data"]["total"]["amount"]
    cents += amount
    return [total[0] + 1, total[1] + amount]


def own(value, state):
    global cells, cents
    progress.begin()
    day = str(day_of(value["time"]))
    amount = value["data"]["total"]["amount"]
    count, total = state.get(day) or (0, 0)
    cells += count == 0
    cents += amount
    state.set(day, [count + 1, total + amount])


stream = app.dataframe(topic)
if how == "window":
    day = stream.tumbling_window(timedelta(days=1), grace_ms=timedelta(days=1))
    stream = day.reduce(reducer=more, initializer=begin).current()
    stream = stream.update(note)
else:
    stream = stream.update(own, stateful=True)
    stream = stream.update(note)

app.run()
progress.show(cells, cents)
