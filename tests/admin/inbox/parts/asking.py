"""The addresses behind a conversation's page, and how they are asked."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.admin.conftest import World

AGENT = ("conversations:read", "conversations:write", "messages:read", "messages:send", "contacts:read")
JSON = {"headers": {"Accept": "application/json"}}


def at(world: World, name: str, **query: Any) -> str:
    place = reverse(f"admin:conversations_conversation_{name}", args=[world.conversation.pk])
    return place + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")


def post(client: Client, world: World, name: str, **body: Any) -> Any:
    return client.post(at(world, name), json.dumps(body), content_type="application/json")


def error_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])
