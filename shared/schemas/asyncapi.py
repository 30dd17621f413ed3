"""The AsyncAPI 3.0 document of every topic, made from the models."""

import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.schemas.base import ID_PATTERN, Data
from shared.schemas.envelope import CODES, JSON, STRUCTURED
from shared.schemas.topics import DEAD_LETTER_SUFFIX, OWN_TYPES, TOPICS, TYPES

CONTRACT_VERSION = "1.0.0"
"""Of the outside contract: rises with a new topic or type, not with a release."""

DEAD_LETTER_HEADERS = {
    "rapport-service": "Service that could not use the record.",
    "rapport-error": "Why, as a code; what a service refuses for itself adds codes of its own.",
    "rapport-error-detail": "Why, for people.",
    "rapport-origin": "Where it was: topic/partition/offset.",
    "rapport-failed-at": "When, RFC 3339.",
}
"""What a dead letter carries besides its own headers."""
CUT_HEADERS = {
    "rapport-cut": "What was cut, as the record was too large: value, headers, key, or several with commas.",
    "rapport-cut-<part>-length": "Bytes of the part before it was cut.",
    "rapport-cut-<part>-sha256": "SHA-256 of it, in hex; of headers: names and values as netstrings.",
}
"""What one carries too whose record no producer would take whole."""

_SUBJECT = "The customer's id, on teams the team's, of a command maybe a product's SKU; the record's key."
_KEY = {"type": "string", "pattern": ID_PATTERN, "description": _SUBJECT}


def topic_text(topic: str) -> str:
    """What a topic carries: the docstring of the module that names it."""
    named = next(cls for cls in TOPICS[topic][0].__mro__ if "topic" in vars(cls))
    return " ".join((sys.modules[named.__module__].__doc__ or "").split())


def type_text(cls: type[Data]) -> str:
    """What a type says: the docstring of its class."""
    return " ".join((cls.__doc__ or "").split())


def asyncapi() -> dict[str, Any]:
    """The whole document, ready for JSON; the same at every call."""
    channels: dict[str, Any] = {}
    for topic in TOPICS:
        channels[topic] = _channel(topic)
        channels[topic + DEAD_LETTER_SUFFIX] = _dead_letter_channel(topic)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport events",
            "version": CONTRACT_VERSION,
            "description": "Every record is a CloudEvent 1.0 about one customer, keyed by the customer's id; "
            "on the topic teams about one team, keyed by the team's. "
            "All topics have the same number of partitions.",
        },
        "defaultContentType": STRUCTURED,
        "channels": channels,
        "operations": _operations(),
        "components": {
            "messages": {cls.event_type: _message(cls) for cls in TYPES.values()}
            | {"deadLetter": _dead_letter()},
            "schemas": {"CloudEvent": _cloud_event()} | _data_schemas(),
        },
    }


def _channel(topic: str) -> dict[str, Any]:
    messages = {cls.event_type: {"$ref": f"#/components/messages/{cls.event_type}"} for cls in TOPICS[topic]}
    return {"address": topic, "description": topic_text(topic), "messages": messages}


def _dead_letter_channel(topic: str) -> dict[str, Any]:
    return {
        "address": topic + DEAD_LETTER_SUFFIX,
        "description": f"Records of `{topic}` that could not be used, as they came, with the reason.",
        "messages": {"deadLetter": {"$ref": "#/components/messages/deadLetter"}},
    }


def _operations() -> dict[str, Any]:
    """Sent: what Rapport alone writes, and dead letters. Received: all the rest."""
    operations: dict[str, Any] = {}
    for topic, classes in TOPICS.items():
        own = [cls.event_type for cls in classes if cls.event_type in OWN_TYPES]
        others = [cls.event_type for cls in classes if cls.event_type not in OWN_TYPES]
        for action, types in (("receive", others), ("send", own)):
            if types:
                operations[f"{action}.{topic}"] = _operation(action, topic, types)
        dead = topic + DEAD_LETTER_SUFFIX
        operations[f"send.{dead}"] = _operation("send", dead, ["deadLetter"])
    return operations


def _operation(action: str, channel: str, messages: list[str]) -> dict[str, Any]:
    at = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": at},
        "messages": [{"$ref": f"{at}/messages/{name}"} for name in messages],
    }


def _message(cls: type[Data]) -> dict[str, Any]:
    data = {"$ref": f"#/components/schemas/{cls.__name__}"}
    return {
        "name": cls.event_type,
        "title": cls.__name__,
        "summary": type_text(cls),
        "contentType": STRUCTURED,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"properties": {"type": {"const": cls.event_type}, "data": data}},
            ]
        },
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": "0.5.0"}},
    }


def _dead_letter() -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: {"type": "string", "description": meaning}
        for name, meaning in (DEAD_LETTER_HEADERS | CUT_HEADERS).items()
    }
    properties["rapport-error"]["examples"] = list(CODES)
    return {
        "name": "deadLetter",
        "title": "Dead letter",
        "summary": "A record that could not be used: key, value and headers as they came, and why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": list(DEAD_LETTER_HEADERS), "properties": properties},
        "payload": {"description": "Any bytes, or none."},
    }


def _cloud_event() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "A CloudEvent 1.0 in structured mode; binary mode is read too.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "pattern": ID_PATTERN, "description": "With source, names the event for ever."},
            "source": {**text, "pattern": "^[!-~]{1,256}$", "description": "Who says so."},
            "type": {**text, "description": "What happened, with the version of its data."},
            "subject": {**text, "pattern": ID_PATTERN, "description": _SUBJECT},
            "time": {**text, "format": "date-time", "description": "When it happened, with an offset."},
            "datacontenttype": {"const": JSON},
            "traceparent": {**text, "description": "W3C trace context."},
            "data": {"type": "object"},
        },
    }


def _data_schemas() -> dict[str, Any]:
    models = [(cls, "validation") for cls in TYPES.values()]
    _, schema = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return dict(sorted(schema["$defs"].items()))
