"""The API describes itself: valid, without warnings, with the envelope and the errors (API-4)."""

from __future__ import annotations

import pytest
from drf_spectacular.validation import validate_schema

from tests.api.document import document, warned

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
    validate_schema(schema)


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
