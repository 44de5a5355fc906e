"""The API describes itself: valid, without warnings, with the envelope and the errors (API-4)."""

from __future__ import annotations

import json
from pathlib import Path

import drf_spectacular.validation
import jsonschema_rs
import pytest

from messaging.privacy.models import Erasure, Export
from tests.api.document import document, warned

#: what is deleted, and answered with what is left of it
ANSWERED = (
    "/api/v1/threads/{thread_id}",
    "/api/v1/threads/{thread_id}/messages/{message_id}",
    "/api/v2/api-keys/{key_id}",
    "/api/v2/channels/{channel_id}",
    "/api/v2/chat/conversations/{conversation_id}",
    "/api/v2/chat/conversations/{conversation_id}/labels/{label_id}",
    "/api/v2/chat/conversations/{conversation_id}/snooze",
    "/api/v2/chat/messages/{message_id}",
    "/api/v2/chat/scheduled/{scheduled_id}",
    "/api/v2/oauth-clients/{row_id}",
    "/api/v2/token-families/{family_id}",
    "/api/v2/token-issuers/{issuer_id}",
)
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def schema():
    assert not warned()
    return document()


@pytest.fixture(scope="module")
def operations(schema):
    return {
        f"{method} {path}": item[method]
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item and path.startswith("/api/")
    }


def test_it_is_valid(schema):
    """By the specification's own schema, which drf-spectacular has; its validator takes seconds, and `make check` asks it."""
    assert schema["openapi"].startswith("3.1")
    told = Path(drf_spectacular.validation.__file__).with_name("openapi_3_1_schema.json")
    specification = jsonschema_rs.validator_for(json.loads(told.read_text()))
    specification.validate(schema)
    assert not specification.is_valid({**schema, "paths": {"/": {"get": {"responses": {"two hundred": {}}}}}})


def test_answers_have_the_envelope(schema):
    content = schema["paths"]["/api/v2/auth/token"]["post"]["responses"]["200"]["content"]["application/json"]
    assert set(content["schema"]["properties"]) == {"status", "data", "error", "meta"}
    assert content["schema"]["properties"]["data"] == {"$ref": "#/components/schemas/TokenPair"}
    assert content["examples"]["Tokens"]["value"]["data"]["token_type"] == "Bearer"


def test_every_operation_names_its_errors(operations):
    silent = [
        name for name, operation in operations.items() if not {"400", "429", "503"} <= set(operation["responses"])
    ]
    assert silent == []


def test_every_operation_has_a_summary_a_tag_and_an_example(operations):
    def example_of(operation):
        contents = [*operation.get("requestBody", {}).get("content", {}).values()]
        for response in operation["responses"].values():
            contents += response.get("content", {}).values()
        return any(content.get("examples") or content.get("example") for content in contents)

    bare = [
        name
        for name, operation in operations.items()
        if not (
            operation.get("summary")
            and operation.get("tags")
            and (example_of(operation) or "204" in operation["responses"])
        )
    ]
    assert bare == []


def test_both_credentials_are_described(schema, operations):
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "apiKey", "visitor"}
    assert operations["post /api/v2/auth/token"]["security"] == [{"bearer": []}, {"apiKey": []}]
    assert operations["post /api/v2/auth/refresh"]["security"] == []


def test_common_headers_are_described(operations):
    names = {parameter["name"] for parameter in operations["post /api/v2/auth/token"]["parameters"]}
    assert {"X-Tenant-ID", "Idempotency-Key"} <= names


def test_our_own_docstrings_stay_out(operations):
    assert [name for name, operation in operations.items() if "TenantAPIView" in operation.get("description", "")] == []
    assert [name for name, operation in operations.items() if "Base of" in operation.get("description", "")] == []


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/api/schema", "application/vnd.oai.openapi"), ("/api/docs", "text/html"), ("/api/redoc", "text/html")],
)
def test_it_is_served(browser, address, kind):
    response = browser.get(address)
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, kind)


def test_what_an_operation_deletes_and_answers_with_is_told(operations):
    """drf-spectacular takes every DELETE for one that answers with nothing, unless the status is told."""
    assert "content" in operations["delete /api/v2/api-keys/{key_id}"]["responses"]["200"]
    told = {name for name, one in operations.items() if name.startswith("delete") and "200" in one["responses"]}
    assert told == {f"delete {address}" for address in ANSWERED}
    assert all("204" in operations[name]["responses"] for name in operations.keys() - told if name.startswith("delete"))


def test_an_error_that_a_description_names_is_declared(operations):
    for name, status in (
        ("get /api/v2/product-source", "404"),
        ("delete /api/v2/product-source", "404"),
        ("get /api/v2/intents/trainings/run", "404"),
        ("get /api/v2/chat/messages/{message_id}/similar", "501"),
        ("get /api/v2/chat/conversations/{conversation_id}/similar", "501"),
    ):
        assert status in operations[name]["responses"], name
    lists = [one for one in operations.values() if any(each["in"] == "query" for each in one.get("parameters", ()))]
    assert len(lists) > 50
    assert all("422" in one["responses"] for one in lists)  # `sort_not_offered`, `agent_unknown`


def test_names_that_must_be_languages_are_told_as_such(schema):
    """``patternProperties`` alone allow every other name."""
    variants = schema["components"]["schemas"]["TemplateBodyRequest"]["properties"]["variants"]
    assert variants["propertyNames"] == {"pattern": "^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", "maxLength": 15}
    assert variants["additionalProperties"] == {"$ref": "#/components/schemas/VariantRequest"}
    assert "patternProperties" not in str(schema)


def test_an_answer_leads_to_what_wants_its_row(schema):
    made = schema["paths"]["/api/v2/contacts"]["post"]["responses"]["201"]["links"]
    assert made["contact_get"] == {
        "operationId": "contact_get",
        "parameters": {"contact_id": "$response.body#/data/id"},
    }
    listed = schema["paths"]["/api/v2/contacts"]["get"]["responses"]["200"]["links"]
    assert listed["contact_change"]["parameters"] == {"contact_id": "$response.body#/data/items/0/id"}
    assert listed.keys() == made.keys()


def test_a_row_of_one_collection_leads_to_none_of_another(schema):
    """`message_id` is a message of a talk, or of a thread."""
    links = schema["paths"]["/api/v1/threads/{thread_id}/messages"]["post"]["responses"]["201"]["links"]
    assert {name.partition("_")[0] for name in links} == {"thread"}
    assert links["thread_message_delete"]["parameters"] == {
        "message_id": "$response.body#/data/id",
        "thread_id": "$request.path.thread_id",
    }


def test_what_is_called_alike_is_not_taken_for_one(schema):
    """The first of two components of one name stood for both."""

    def asked(path, name):
        parameters = schema["paths"][path]["get"]["parameters"]
        told = next(one["schema"] for one in parameters if one["name"] == name)
        return schema["components"]["schemas"][told["$ref"].rpartition("/")[2]]["enum"]

    assert asked("/api/v1/privacy/export", "status") == list(Export.Status)
    assert asked("/api/v1/privacy/delete", "status") == list(Erasure.Status)
    reply = schema["components"]["schemas"]["QuickReplyRequest"]["properties"]["content_type"]
    assert schema["components"]["schemas"][reply["$ref"].rpartition("/")[2]]["enum"] == [
        "text",
        "location",
        "phone",
        "email",
    ]


def test_a_body_of_several_kinds_must_be_there(operations):
    assert operations["post /api/v2/webchat/{key}/messages"]["requestBody"]["required"] is True
    assert not operations["patch /api/v2/labels/{label_id}"]["requestBody"].get("required")


def test_operations_tell_the_permissions_that_they_take(operations):
    told = {name: one.get("description", "").rpartition("\n\n")[2] for name, one in operations.items()}
    assert told["post /api/v2/chat/messages/{message_id}/compare"] == "Takes `messages:read` and `conversations:write`."
    assert told["get /api/v2/contacts"] == "Takes `contacts:read`."
    open_to_all = ("post /api/v2/auth/refresh", "post /api/v2/auth/token")
    assert [name for name in open_to_all if told[name].startswith("Takes ")] == []
