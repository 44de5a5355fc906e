"""Values that some database refuses, or gives back broken, are refused at the door with the field's name."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from channels_app.registry import KINDS
from conversations.models import Contact, Message
from messaging.api.chat import SendMessageRequest
from tenants.storage.db import new_id
from tests.adapters.kit import kit_for
from tests.api.document import document
from tests.channels_app.words.test_moments import OUTSIDE
from tests.factories import ChannelFactory, ConversationFactory

pytestmark = pytest.mark.django_db

TIMES = (*OUTSIDE, "2026-01-31T12:00:00", "1e999", "NaN", "0.5", "1769860800", "1e9", " 1 ")


@pytest.fixture
def web(tenant):
    return ChannelFactory(tenant=tenant, kind="web", name="Website")


def said(**more):
    return {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": "hello"}, **more}


def _address(path: str) -> str:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return path.format(**{name: str(new_id()) for name in names})


def _resolved(schema, node):
    return schema["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def _is_time(node) -> bool:
    return any(option.get("format") == "date-time" for option in [node, *node.get("anyOf", ())])


def _times():
    """(method, path, where, name) of every time that the API takes."""
    schema = document()
    for path, item in schema["paths"].items():
        for method, operation in ({} if "/system/" in path else item).items():  # operators have tests of their own
            for parameter in operation.get("parameters", ()):
                if _is_time(parameter["schema"]):
                    yield method, path, "query", parameter["name"]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for name, node in _resolved(schema, body).get("properties", {}).items():
                if _is_time(node):
                    yield method, path, "body", name


PARAMETERS = sorted(_times())


def test_the_document_names_the_times_we_know():
    names = {name for _, _, _, name in PARAMETERS}
    assert names >= {"timestamp", "start_date", "end_date", "since", "until"}


@pytest.mark.parametrize(("method", "path", "where", "name"), PARAMETERS)
def test_every_time_that_the_api_takes_is_bounded(api, tenant, method, path, where, name):
    client, refused = api(tenant), {}
    for given in TIMES:
        sent = {"query": {"QUERY_STRING": urlencode({name: given})}, "body": {"data": {name: given}}}[where]
        answer = getattr(client, method)(_address(path), **sent)
        error = client.error_of(answer)
        told = name in {detail["field"] for detail in error["details"]}
        refused[given] = (answer.status_code, error["code"], told)
    assert refused == dict.fromkeys(TIMES, (400, "validation_error", True))


def test_a_time_with_an_offset_is_stored_as_utc_and_read_back(api, tenant, scope, web):
    client = api(tenant)
    sent = client.post("/api/v2/chat/message", said(timestamp="2026-01-31T14:00:00+02:00"))
    assert sent.status_code == 200
    conversation = client.data_of(sent)["conversation_id"]
    assert client.get(f"/api/v2/chat/conversations/{conversation}/messages").status_code == 200
    assert Message.objects.get(direction="inbound").sent_at.isoformat() == "2026-01-31T12:00:00+00:00"


BAD = [
    ('{"a": NaN}', "a", "not_finite"),
    ('{"a": [1, -Infinity]}', "a.1", "not_finite"),
    ('{"a": 1e999}', "a", "not_finite"),
    ('{"a": -1E+0400}', "a", "not_finite"),
    ('{"a": 123456789012345678901}', "a", "number_too_large"),
    ('{"a": 1e308}', "a", "number_too_large"),
    ('{"a": -123456789012.5e9}', "a", "number_too_large"),
    ('{"a": {"b": "x\\u0000y"}}', "a.b", "nul_character"),
    ('{"a\\u0000": 1}', "", "nul_character"),
    ('{"a": "\\ud83d"}', "a", "lone_surrogate"),
    ('{"a": "\\uDE00\\uD83D"}', "a", "lone_surrogate"),
    ('{"a": ' + "[" * 60 + "]" * 60 + "}", "a", "too_deep"),
]


@pytest.mark.parametrize(("value", "field", "code"), BAD, ids=range(len(BAD)))
def test_what_no_database_keeps_is_refused_by_name(api, tenant, scope, web, value, field, code):
    body = json.dumps(said(channel_metadata={"additional_data": "here"})).replace('"here"', value)
    client = api(tenant)
    answer = client.post("/api/v2/chat/message", body)
    error = client.error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "validation_error")
    (detail,) = error["details"]
    place = ".".join(filter(None, ["channel_metadata.additional_data", field]))
    assert detail["code"] == code
    assert place.startswith(detail["field"]) or detail["field"].startswith(place)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "value",
    [
        '{"a": 9223372036854775807}',
        '{"a": 1e15, "b": -0.25}',
        '{"a": "NaN 1e999 \\\\u0000"}',
        '{"a": "\\ud83d\\ude00"}',
    ],
)
def test_what_can_be_kept_is_kept(api, tenant, scope, web, value):
    body = json.dumps(said(channel_metadata={"additional_data": "here"})).replace('"here"', value)
    assert api(tenant).post("/api/v2/chat/message", body).status_code == 200
    assert Message.objects.get(direction="inbound").metadata["additional_data"] == json.loads(value)


class TestRanges:
    def test_a_list_s_range_ends_after_it_begins(self, api, tenant):
        client = api(tenant)
        answer = client.get("/api/v2/chat/conversations?start_date=2026-02-01T00:00:00Z&end_date=2026-01-31T23:59:59Z")
        error = client.error_of(answer)
        assert (answer.status_code, error["code"]) == (400, "range_invalid")
        assert [detail["field"] for detail in error["details"]] == ["start_date", "end_date"]

    @pytest.mark.parametrize("end", ["", "&end_date=2026-02-01T00:00:00Z"])
    def test_an_open_or_empty_range_is_fine(self, api, tenant, end):
        ConversationFactory(tenant=tenant)
        answer = api(tenant).get(f"/api/v2/chat/conversations?start_date=2026-02-01T00:00:00Z{end}")
        assert answer.status_code == 200

    def test_a_replay_s_range_ends_after_it_begins(self, api, tenant):
        client = api(tenant)
        body = {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
        answer = client.post(f"/api/v2/webhook-endpoints/{new_id()}/replay", body)
        assert (answer.status_code, client.error_of(answer)["code"]) == (400, "range_invalid")


class TestRecipients:
    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"web", "webhook"}))
    def test_who_cannot_be_reached_is_refused_before_anything_is_stored(self, api, tenant, scope, kind):
        ChannelFactory(tenant=tenant, kind=kind, config=kit_for(kind).config)
        client = api(tenant)
        answer = client.post("/api/v2/chat/message", said(channel=kind, user_id="not-a-phone"))
        error = client.error_of(answer)
        assert (answer.status_code, error["code"]) == (422, "recipient_invalid")
        assert [detail["field"] for detail in error["details"]] == ["user_id"]
        assert not Contact.objects.exists()

    def test_the_kinds_are_those_of_the_registry(self, api, tenant):
        assert SendMessageRequest.model_json_schema()["properties"]["channel"]["enum"] == list(KINDS)
        client = api(tenant)
        answer = client.post("/api/v2/chat/message", said(channel="pigeon"))
        assert (answer.status_code, client.error_of(answer)["details"][0]["field"]) == (400, "channel")
