"""The AsyncAPI 3 document of a socket's protocol, made from the models of its frames.

Owns its form. Must not know a protocol: its frames are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Protocol:
    """``page``: of the docs, which says what is not in a schema: resuming, marks, heartbeat."""

    name: str
    title: str
    address: str
    page: str
    said: Mapping[str, type[BaseModel]]  # by clients
    told: Mapping[str, type[BaseModel]]  # by the service
    closes: Mapping[int, str]

    def text(self) -> str:
        """The document as it stands in docs/."""
        import yaml

        made = "# Made by: python manage.py asyncapi --write. Do not edit.\n"
        return made + yaml.safe_dump(self.document(), sort_keys=False, allow_unicode=True, width=120)

    def document(self) -> dict[str, Any]:
        frames = {**_named("client", self.said), **_named("server", self.told)}
        schemas = _schemas(self.said, "validation") | _schemas(self.told, "serialization")
        parameters = [part.strip("{}") for part in self.address.split("/") if part.startswith("{")]
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": self.title,
                "version": self.name.rpartition(".v")[2] + ".0.0",
                "description": f"Sub-protocol {self.name}: JSON text frames, told apart by `t`; leave aside frames and members "
                f"that you do not know. `hello` comes first, within 5 s. Resuming, heartbeat and limits: {self.page}. Close "
                "codes: " + "; ".join(f"{code} {meaning}" for code, meaning in self.closes.items()) + ".",
            },
            "defaultContentType": "application/json",
            "channels": {
                "socket": {
                    "address": self.address,
                    "parameters": {name: {} for name in parameters},
                    "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in frames},
                    "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0", "headers": {
                        "type": "object", "required": ["Sec-WebSocket-Protocol"],
                        "properties": {"Sec-WebSocket-Protocol": {"const": self.name}},
                    }}},
                    "x-close-codes": dict(self.closes),
                }
            },
            "operations": {
                "said": _operation("receive", [name for name in frames if name.startswith("client")]),
                "told": _operation("send", [name for name in frames if name.startswith("server")]),
            },
            "components": {
                "messages": {name: _message(name, kind, model) for name, (kind, model) in frames.items()},
                "schemas": schemas,
            },
        }  # fmt: skip


def frame_schema(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    """The payload of a frame: its members beside ``t``."""
    return {
        "type": "object",
        "required": ["t"],
        "properties": {"t": {"const": kind}},
        "allOf": [{"$ref": REFERENCE.format(model=model.__name__)}],
    }


def _named(side: str, frames: Mapping[str, type[BaseModel]]) -> dict[str, tuple[str, type[BaseModel]]]:
    return {f"{side}.{kind}": (kind, model) for kind, model in frames.items()}


def _schemas(frames: Mapping[str, type[BaseModel]], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    models = [(model, mode) for model in dict.fromkeys(frames.values())]
    _, made = models_json_schema(models, ref_template=REFERENCE)
    return dict(made["$defs"])


def _operation(action: str, names: list[str]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/socket/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": messages}


def _message(name: str, kind: str, model: type[BaseModel]) -> dict[str, Any]:
    own = model.__doc__ if model.__doc__ and not model.__doc__.startswith("!!!") else ""
    about = {"summary": " ".join(own.split())} if own else {}
    return {"name": name, **about, "payload": frame_schema(kind, model)}
