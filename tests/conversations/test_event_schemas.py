"""Every event type has a schema, every event is checked against it, and the published documents are current (EVT-3)."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from pydantic import BaseModel, ValidationError

from conversations.event_schemas import (
    CALLS,
    SCHEMAS,
    BadEvent,
    Envelope,
    UnknownEvent,
    envelope_of,
    envelope_read,
    event_check,
    schema_of,
)
from conversations.models import Event
from conversations.timeline import VERSIONS, system_event
from tenants.models import Tenant
from tenants.storage.db import new_id

PAUSED = {"endpoint_id": str(new_id()), "description": "CRM", "reason": "failures"}


def test_every_type_that_is_written_has_its_schema() -> None:
    newest = dict(sorted(SCHEMAS))
    assert newest == VERSIONS


@pytest.mark.parametrize(("type", "version"), SCHEMAS, ids=[f"{type}.v{version}" for type, version in SCHEMAS])
def test_every_schema_is_a_schema(type: str, version: int) -> None:
    schema = schema_of(type, version)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["data"]["description"]


def test_a_stored_event_fits_its_published_schema(scope: Tenant) -> None:
    event = system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    told = json.loads(envelope_of(event).to_bytes())
    jsonschema.validate(told, schema_of(event.type, event.version))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**told, "data": {}}, schema_of(event.type, event.version))


def test_the_envelope_of_a_row_is_the_one_that_pydantic_makes(scope: Tenant) -> None:
    event = system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    given = {name: getattr(event, name) for name in Envelope.model_fields if hasattr(event, name)}
    wanted = Envelope.model_construct(**given, timestamp=event.created_at, data=event.payload)
    made = envelope_of(event)
    assert made == wanted == envelope_read(made.to_bytes()) == pickle.loads(pickle.dumps(made))
    for name in ("__dict__", *BaseModel.__slots__):
        assert getattr(made, name) == getattr(wanted, name)
    assert (
        made.model_copy(update={"seq": 7}).model_dump_json() == wanted.model_copy(update={"seq": 7}).model_dump_json()
    )
    with pytest.raises(ValidationError):
        made.seq = 7  # type: ignore[misc]


@pytest.mark.parametrize(
    "payload",
    [{}, {**PAUSED, "endpoint_id": "none"}, {**PAUSED, "surprise": 1}],
    ids=["missing", "wrong", "undocumented"],
)
def test_what_no_schema_promises_is_not_written(scope: Tenant, payload: dict[str, Any]) -> None:
    with pytest.raises(BadEvent):
        system_event(scope.id, "chat.system.webhook_paused", payload)
    assert not Event.objects.exists()


def test_in_production_a_detail_does_not_stop_a_message() -> None:
    event_check("chat.system.webhook_paused", 1, {}, strict=False)


@pytest.mark.parametrize(
    "change",
    [{"type": "chat.surprise"}, {"version": 99}, {"data": {}}, {"tenant_id": "x"}],
    ids=["type", "version", "data", "tenant"],
)
def test_readers_check_too(scope: Tenant, change: dict[str, Any]) -> None:
    value = json.loads(envelope_of(system_event(scope.id, "chat.system.webhook_paused", PAUSED)).to_bytes())
    assert envelope_read(json.dumps(value).encode()).data == PAUSED
    with pytest.raises(ValueError):
        envelope_read(json.dumps({**value, **change}).encode())


def test_readers_take_fields_they_do_not_know(scope: Tenant) -> None:
    value = json.loads(envelope_of(system_event(scope.id, "chat.system.webhook_paused", PAUSED)).to_bytes())
    value |= {"new": 1, "data": {**value["data"], "new": 1}}
    assert envelope_read(json.dumps(value).encode()).data["new"] == 1


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(UnknownEvent):
        schema_of("chat.message.received", 2)


def test_the_api_shows_all_schemas(api: Callable[..., Any], db: None) -> None:
    shown = _data(api(), "schemas")
    assert {(event["type"], event["version"]) for event in shown["events"]} == {*SCHEMAS, *CALLS}


@pytest.mark.parametrize("name", ["chat.message.received", "chat.message.received.v1"])
def test_the_api_shows_one_schema(api: Callable[..., Any], db: None, name: str) -> None:
    shown = _data(api(), f"schemas/{name}")
    assert shown["name"] == "chat.message.received.v1"
    assert shown["json_schema"] == schema_of("chat.message.received", 1)
    assert shown["topics"][-1].endswith("conversation.events.v1")


@pytest.mark.parametrize("name", ["chat.message", "chat.message.received.v2", "chat.message.received.v¹", "x" * 300])
def test_an_unknown_schema_is_not_found(api: Callable[..., Any], db: None, name: str) -> None:
    response = api().get(f"/api/v2/events/schemas/{name}")
    assert (response.status_code, api().error_of(response)["code"]) == (404, "event_type_not_found")


def test_the_asyncapi_document_is_current() -> None:
    call_command("asyncapi", check=True)


def _data(client: Any, path: str) -> Any:
    response = client.get(f"/api/v2/events/{path}")
    assert response.status_code == 200
    return client.data_of(response)
