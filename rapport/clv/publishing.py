"""Estimates as events: each model's parameters, from which on scores go by them."""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from rapport import broker
from services.metrics.domain.health.estimating import Estimate
from shared.kafka.brokers import Brokers
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.insights import ModelFitted
from shared.schemas.times import Micros, moment

SOURCE = "/rapport/clv"


def fitted(estimates: Iterable[Estimate], now: Micros) -> list[Event]:
    """``model.fitted`` of each that has parameters, as of the end of the data. The same estimate of the same
    time is the same event."""
    return [
        Event(
            id=f"{one.model}-{moment(now):%Y%m%dT%H%M%S.%fZ}-{_digest(one)}",
            source=SOURCE,
            subject=one.model,
            time=moment(now),
            data=ModelFitted(model=one.model, parameters=one.parameters),
        )
        for one in estimates
        if one.parameters is not None
    ]


def publish(servers: Brokers, events: Iterable[Event]) -> None:
    """To the topic ``insights``; all are acknowledged. Raises TroubleError."""
    with broker.producer(servers) as client:
        sent = []
        for event in events:
            value, headers = encode(event)
            sent.append(client.send(ModelFitted.topic, value, event.subject.encode(), headers))
        for future in sent:
            future.get(timeout=30)


def _digest(one: Estimate) -> str:
    return blake2b(msgspec.json.encode(one.parameters), digest_size=4).hexdigest()
