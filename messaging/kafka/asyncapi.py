"""The AsyncAPI 3 document of the Kafka topics, made from the schemas (docs/asyncapi.yaml).

Owns its form; the facts stand in conversations/event_schemas/ and messaging/kafka/stream.py.
"""

from __future__ import annotations

from typing import Any

import yaml

from conversations.event_schemas import SCHEMAS, schemas
from messaging.kafka.stream import STREAM

HEADERS = {
    "event-id": "The event's id: remove repeats by it",
    "event-type": "As in the value",
    "event-version": "As in the value",
    "tenant-id": "Whose event it is",
    "correlation-id": "Names in our logs what began it all; may be missing",
    "content-type": "application/json",
    "replayed": "1 when an operator had it told again; else missing",
}
KEY = {
    "type": "string",
    "format": "uuid",
    "description": "The conversation, so that its events are in order; the tenant for events that belong to none",
}


def document() -> dict[str, Any]:
    """Topic names are without KAFKA_TOPIC_PREFIX."""
    names = [f"{type}.v{version}" for type, version in SCHEMAS]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatsvc events",
            "version": "1.0.0",
            "description": "At least once, in order per conversation. Remove repeats by the id. "
            f"{STREAM} has every event; each type has a topic of its own beside it. "
            "Topic names have KAFKA_TOPIC_PREFIX and a dot in front when it is set.",
        },
        "defaultContentType": "application/json",
        "channels": {
            **{name: _channel(name, [name]) for name in names},
            STREAM: _channel(STREAM, names),
        },
        "operations": {
            **{f"publish {name}": _operation(name) for name in names},
            f"publish {STREAM}": _operation(STREAM),
        },
        "components": {
            "messages": {name: _message(name, about) for name, about in _about().items()},
            "schemas": {**schemas(), "headers": _headers()},
        },
    }


def text() -> str:
    """The document as it stands in docs/asyncapi.yaml."""
    made = "# Made by: python manage.py asyncapi --write. Do not edit.\n"
    return made + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def _about() -> dict[str, str]:
    models = {f"{type}.v{version}": model for (type, version), model in SCHEMAS.items()}
    return {name: " ".join((model.__doc__ or name).split()) for name, model in models.items()}


def _channel(address: str, messages: list[str]) -> dict[str, Any]:
    return {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"bindingVersion": "0.5.0"}},
    }


def _operation(name: str) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{name}"}}


def _message(name: str, about: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": about,
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": KEY, "bindingVersion": "0.5.0"}},
    }


def _headers() -> dict[str, Any]:
    required = [name for name in HEADERS if name not in ("correlation-id", "replayed")]
    described = {name: {"type": "string", "description": about} for name, about in HEADERS.items()}
    return {"type": "object", "properties": described, "required": required}
