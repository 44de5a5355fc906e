"""The OpenAPI document is one that generators of clients and linters trust (API-4)."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from chatsvc.web.contract import METHODS, TAGS, _parts, generators_read_it

JSON = "application/json"


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture(scope="module")
def operations(document):
    return {
        f"{method} {path}": item[method]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def contents_of(operation):
    """Every body that the operation takes or gives."""
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for holder in holders for content in holder.get("content", {}).values()]


def reached(schema, schemas, seen):
    """All parts of a schema and of the components that it names."""
    for part in _parts(schema):
        yield part
        name = part.get("$ref", "").rpartition("/")[2]
        if name in schemas and name not in seen:
            seen.add(name)
            yield from reached(schemas[name], schemas, seen)


def test_every_example_fits_its_schema(document, operations):
    checked, wrong = 0, []
    for name, operation in operations.items():
        for content in contents_of(operation):
            validator = Draft202012Validator({**content.get("schema", {}), "components": document["components"]})
            for title, example in content.get("examples", {}).items():
                checked += 1
                wrong += [f"{name} {title}: {error.message}" for error in validator.iter_errors(example["value"])]
    assert wrong == []
    assert checked > 150


def test_no_title_renames_a_model(document, operations):
    schemas = [*document["components"]["schemas"].values()]
    schemas += [content["schema"] for one in operations.values() for content in contents_of(one) if "schema" in content]
    assert [part["title"] for schema in schemas for part in _parts(schema) if "title" in part] == []


def test_a_scalar_that_may_be_null_is_no_choice(document):
    scalars = ("string", "integer", "number", "boolean")
    split = [
        name
        for name, schema in document["components"]["schemas"].items()
        for part in _parts(schema)
        if sorted(one.get("type", "") in (*scalars, "null") for one in part.get("anyOf", ())) == [True, True]
        and {"type": "null"} in part["anyOf"]
        and not any("const" in one for one in part["anyOf"])
    ]
    assert split == []


def test_bodies_of_requests_have_no_defaults(document, operations):
    schemas = document["components"]["schemas"]
    found = [
        (name, part)
        for name, operation in operations.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for part in reached(content["schema"], schemas, set())
        if "default" in part
    ]
    assert found == []


def test_credentials_are_no_parameters(operations):
    named = [
        (name, parameter["name"])
        for name, operation in operations.items()
        for parameter in operation.get("parameters", [])
        if parameter["name"].lower() in ("authorization", "x-api-key")
    ]
    assert named == []


@pytest.mark.parametrize(
    ("operation", "security"),
    [
        ("get /api/v2/webchat/{key}/messages", [{"visitor": []}]),
        ("post /api/v2/webchat/{key}/messages", [{"visitor": []}]),
        ("post /api/v2/webchat/{key}/files", [{"visitor": []}]),
        ("post /api/v2/webchat/{key}/session", []),
        ("post /api/v2/auth/refresh", []),
        ("post /api/v2/chat/message", [{"bearer": []}, {"apiKey": []}]),
    ],
)
def test_each_operation_says_who_may_call(operations, operation, security):
    assert operations[operation]["security"] == security


def test_security_is_said_everywhere_by_schemes_that_exist(document, operations):
    schemes = set(document["components"]["securitySchemes"])
    assert [name for name, operation in operations.items() if "security" not in operation] == []
    assert {scheme for one in operations.values() for choice in one["security"] for scheme in choice} == schemes


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("post /api/v2/chat/message", "404"),  # conversation_not_found
        ("post /api/v2/webchat/{key}/session", "403"),  # origin_not_allowed
    ],
)
def test_answers_that_come_are_declared(operations, operation, status):
    assert status in operations[operation]["responses"]


def test_tags_are_described_and_operations_named_by_us(document, operations):
    assert {tag for one in operations.values() for tag in one["tags"]} <= set(TAGS)
    assert all(tag["description"] for tag in document["tags"])
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if name.startswith(("v2_", "api_v2"))] == []


def test_the_front_page_and_the_server_are_there(document):
    headings = ("Authentication", "Answers and errors", "Lists", "Idempotency", "Limits", "Versions")
    assert [name for name in headings if f"## {name}\n" not in document["info"]["description"]] == []
    assert document["servers"][0]["url"] == "/"


def test_shapes_of_generators():
    schema = {
        "properties": {
            "title": {
                "anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}],
                "title": "Title",
                "default": None,
            },
            "size": {"enum": ["s", "l"], "type": "string", "default": "s", "description": "How big."},
        }
    }
    body = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/OneRequest"}}}}
    made = generators_read_it(
        {
            "components": {"schemas": {"OneRequest": schema}, "securitySchemes": {}},
            "paths": {"/x": {"post": {"tags": ["chat"], "requestBody": body, "responses": {}}}},
        }
    )
    assert made["components"]["schemas"]["OneRequest"]["properties"] == {
        "title": {"type": ["string", "null"], "maxLength": 9},
        "size": {"enum": ["s", "l"], "type": "string", "description": 'How big. Without it: `"s"`'},
    }
