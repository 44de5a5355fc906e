"""The OpenAPI document is one that generators of clients and linters trust (API-4)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from channels_app.registry import KINDS, adapter_for
from chatsvc.web.openapi.contract import METHODS, TAGS, _parts, generators_read_it
from tests.api.document import document as made_once

JSON = "application/json"
ERRORS = Path(__file__).resolve().parents[2] / "docs" / "api" / "errors.md"


@pytest.fixture(scope="module")
def document():
    return made_once()


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
    shared = {name: {"responses": {"": one}} for name, one in document["components"]["responses"].items()}
    for name, operation in {**operations, **shared}.items():
        for content in contents_of(operation):
            validator = Draft202012Validator({**content.get("schema", {}), "components": document["components"]})
            for title, example in content.get("examples", {}).items():
                checked += 1
                wrong += [f"{name} {title}: {error.message}" for error in validator.iter_errors(example["value"])]
    assert wrong == []
    assert checked > 150


def test_every_error_has_an_example_that_its_page_tells(document, operations):
    page = set(re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", ERRORS.read_text(encoding="utf-8"), re.MULTILINE))
    shown = {
        (error["code"], name.removeprefix("Error"), error["message"])
        for name, one in document["components"]["responses"].items()
        for example in one["content"][JSON]["examples"].values()
        for error in [example["value"]["error"]]
    }
    assert shown <= page
    assert {status for _, status, _ in shown} == {
        status for one in operations.values() for status, answer in one["responses"].items() if "$ref" in answer
    }


def test_descriptions_are_for_readers(document):
    """Markdown, not reStructuredText, without the ids of our requirements."""
    texts = {
        name: one["description"] for name, one in document["components"]["schemas"].items() if "description" in one
    }
    assert {name: text for name, text in texts.items() if "``" in text or re.search(r"\([A-Z]+-\d", text)} == {}
    assert "`template`" in texts["ContentRequest"]


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


def test_no_parameter_is_null(operations):
    parameters = [one["schema"] for operation in operations.values() for one in operation.get("parameters", [])]
    found = [schema for schema in parameters for part in _parts(schema) if "null" in part.get("type", ())]
    found += [schema for schema in parameters if None in schema.get("enum", ()) or schema.get("default", "") is None]
    assert found == []


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


def test_every_operation_is_described(operations):
    assert [name for name, operation in operations.items() if not operation.get("description")] == []


def test_operation_ids_end_in_what_is_done(operations):
    """`<noun>_<what is done>`: generated clients list them together by noun."""
    ends = {"get": ("_list", "_get", "_search"), "patch": ("_change",), "put": ("_put",), "delete": ("_delete",)}
    ids = {name: operation["operationId"] for name, operation in operations.items()}
    wrong = [
        (name, one)
        for name, one in ids.items()
        if not one.endswith(ends.get(name.partition(" ")[0], ("",))) or one.startswith(("v1_", "v2_", "api_v", "chat_"))
    ]
    assert wrong == []
    assert [one for one in ids.values() if "_" not in one] == []


def patterns_of(document, operations):
    schemas = [*document["components"]["schemas"].values()]
    schemas += [one["schema"] for operation in operations.values() for one in operation.get("parameters", [])]
    schemas += [adapter_for(kind).config_class.model_json_schema() for kind in KINDS]  # given by /channels/kinds
    return {part["pattern"] for schema in schemas for part in _parts(schema) if "pattern" in part}


def test_patterns_are_those_of_ecmascript_too(document, operations):
    """Linters and clients in JavaScript read them with the flag `u`, where only what has a meaning is escaped."""
    patterns = patterns_of(document, operations)
    escaped = {found for pattern in patterns for found in re.findall(r"\\(.)", pattern)}
    assert escaped <= set("dDwWsSbBfnrtvxukpP0123456789^$\\.*+?()[]{}|/-")
    assert len(patterns) > 5


#: what the service's expressions and ECMAScript's take for different signs: digits and letters of all alphabets or of one,
#: U+0085 as space or not, U+FEFF the other way round
ALPHABETS, SPACE = re.compile(r"\\[dDwWS]"), re.compile(r"\[\^[^\]]*\\s(?!\\x85\\ufeff)")


def test_patterns_mean_the_same_in_ecmascript(document, operations):
    patterns = patterns_of(document, operations)
    assert len(patterns) > 20
    assert [one for one in patterns if ALPHABETS.search(one) or SPACE.search(one)] == []


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
