"""The OpenAPI document: pydantic models as components, the envelope round answers, the security schemes.

Owns how the API is described (API-4). Must not change how it behaves.
"""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent, get_lib_doc_excludes
from pydantic import BaseModel

from messaging.webchat.views import WebchatView
from tenants.api.views import TenantAPIView

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
UNSAFE = METHODS[1:]
JSON = "application/json"
RAW = "x-raw-answer"  # extend_schema(extensions={RAW: True}): the answer has no envelope


def _body(operation: Schema) -> Schema:
    """Media type → content of what is sent."""
    content: Schema = operation.get("requestBody", {}).get("content", {})
    return content


def _tells(operation: Schema, status: str) -> bool:
    """Whether its description names an error of that status by its code: 404 `training_not_found`."""
    return f"{status} `" in operation.get("description", "")


#: always null; the openapi-generator makes a class that does not compile of a type that is nothing but null
NULL: Schema = {"type": ["object", "null"], "description": "null"}

#: status → (what it means, whether an operation can give it)
ERRORS: dict[str, tuple[str, Any]] = {
    "400": ("Something in the request is not of the documented form", lambda operation, path, method: True),
    "401": ("No valid credential", lambda operation, path, method: True),
    "403": (
        "The credential does not allow this",
        lambda operation, path, method: bool(operation.get("security")) or "/webchat/" in path,
    ),
    "404": (
        "No such thing for this tenant",
        lambda operation, path, method: "{" in path or JSON in _body(operation) or _tells(operation, "404"),
    ),
    "409": ("Clashes with the present state", lambda operation, path, method: method in UNSAFE),
    "412": (
        "It was changed since the version that `If-Match` names",
        lambda operation, path, method: IF_MATCH in operation.get("parameters", ()),
    ),
    "413": ("The body is too large", lambda operation, path, method: "requestBody" in operation),
    "415": ("The body is not JSON", lambda operation, path, method: "requestBody" in operation),
    "422": (
        "Understood, but it cannot be done",
        lambda operation, path, method: (
            method in UNSAFE or any(one["in"] == "query" for one in operation.get("parameters", []))
        ),
    ),
    "429": ("Too many requests; see Retry-After", lambda operation, path, method: True),
    "501": ("The service is not set up for it", lambda operation, path, method: _tells(operation, "501")),
    "503": ("Try again shortly; see Retry-After", lambda operation, path, method: True),
}

#: status → one error of that status: its code, message and details
EXAMPLES: dict[str, tuple[str, str, Any]] = {
    "400": (
        "validation_error",
        "The request is not valid.",
        [{"field": "page_size", "message": "Input should be less than or equal to 100", "code": "less_than_equal"}],
    ),
    "401": ("not_authenticated", "Give a valid access token or API key.", None),
    "403": ("permission_denied", "Your role does not allow this.", None),
    "404": ("not_found", "There is no such thing here.", None),
    "409": ("idempotency_in_progress", "The first request with this Idempotency-Key is still running.", None),
    "412": ("precondition_failed", "It was changed since you read it: read it again.", {"etag": '"3f9a…"'}),
    "413": ("payload_too_large", "The body is too large.", None),
    "415": ("unsupported_media_type", "The body must be JSON: `Content-Type: application/json`.", None),
    "422": ("idempotency_mismatch", "This Idempotency-Key was used for another request.", None),
    "429": ("rate_limited", "Too many requests.", None),
    "501": ("not_available", "This service does not offer that yet.", None),
    "503": ("unavailable", "Please try again shortly.", None),
}

COMPONENTS: dict[str, Schema] = {
    "Meta": {
        "type": "object",
        "properties": {
            "request_id": {"type": "string", "description": "Names this request in the logs"},
            "timestamp": {"type": "string", "format": "date-time"},
        },
        "required": ["request_id", "timestamp"],
    },
    "Error": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "Stable; decide by it", "examples": ["validation_error"]},
            "message": {"type": "string", "description": "For people; may change"},
            "details": {"description": "For validation errors a list of field, message and code"},
            "request_id": {"type": "string"},
        },
        "required": ["code", "message", "details", "request_id"],
    },
    "ErrorAnswer": {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["error"]},
            "data": NULL,
            "error": {"$ref": "#/components/schemas/Error"},
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
        "required": ["status", "data", "error", "meta"],
    },
}

TENANT_HEADER: Schema = {
    "name": "X-Tenant-ID",
    "in": "header",
    "required": False,
    # no `format`: some generators would put an object of theirs into the header, which takes words only
    "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    "description": "Optional; must be the credential's own tenant",
}
IDEMPOTENCY_HEADER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "The same key and request again give the first answer again",
}

IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 1000},
    "description": "The `ETag` that GET told: the change is made only if it is still so, else 412 `precondition_failed`",
}
IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},  # what is no version of ours is none that the caller has: nothing is refused
    "description": "The `ETag` that you have: 304 without a body while it is still so",
}
ETAG: Schema = {"schema": {"type": "string"}, "description": "The version of what is shown, for `If-Match`"}


def doc_excludes() -> list[type]:
    """Classes whose docstrings are for us and must not become descriptions of operations."""
    return [*get_lib_doc_excludes(), TenantAPIView, WebchatView]


class PydanticModels(OpenApiSerializerExtension):
    """Lets ``extend_schema(request=Model, responses=Model)`` take pydantic models."""

    target_class = "pydantic.BaseModel"
    match_subclasses = True
    priority = 1  # before drf-spectacular's own, which describes requests as if they were answers

    def get_name(self, auto_schema: Any, direction: str) -> str:
        name: str = self.target.__name__
        return name.removesuffix("Request") if direction == "request" else name  # it is put back

    def get_identity(self, auto_schema: Any, direction: str) -> Any:
        return self.target

    def map_serializer(self, auto_schema: Any, direction: str) -> Schema:
        model: type[BaseModel] = self.target
        suffix = "Request" if direction == "request" else ""
        schema = model.model_json_schema(
            ref_template="#/components/schemas/{model}" + suffix,
            mode="validation" if direction == "request" else "serialization",
        )
        parts = schema.pop("$defs", {})
        for name, part in list(parts.items()):
            known = auto_schema.registry._components.get((name + suffix, ResolvedComponent.SCHEMA))
            if known and "enum" in part and known.schema.get("enum") != part["enum"]:  # `Status` of another model
                apart = f"{model.__name__}{name}"
                schema, parts = (_renamed(one, name + suffix, apart + suffix) for one in (schema, parts))
                parts[apart] = parts.pop(name)
        for name, part in parts.items():
            component = ResolvedComponent(
                name=name + suffix, type=ResolvedComponent.SCHEMA, object=f"{name}{suffix}", schema=part
            )
            auto_schema.registry.register_on_missing(component)
        return schema


def _renamed(schema: Schema, before: str, after: str) -> Schema:
    """The schema with its references to one component led to another."""
    text = json.dumps(schema).replace(f'"#/components/schemas/{before}"', f'"#/components/schemas/{after}"')
    renamed: Schema = json.loads(text)
    return renamed


class BearerSchemes(OpenApiAuthenticationExtension):
    """Either of the two ways to show a credential."""

    target_class = "tenants.access.auth.BearerAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: Any) -> list[Schema]:  # type: ignore[override]
        return [
            {"type": "http", "scheme": "bearer", "description": "An access token, or an API key (csk_…)"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key (csk_…)"},
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"bearer": []}, {"apiKey": []}]


def envelope(result: Schema, **options: Any) -> Schema:
    """drf-spectacular's post-processing hook: what all operations under /api/ have in common."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(COMPONENTS)
    components["responses"] = {
        f"Error{status}": {"description": text, "content": _refused(*EXAMPLES[status])}
        for status, (text, _) in ERRORS.items()
    }
    for path, item in result.get("paths", {}).items():
        for method in METHODS:
            if path.startswith("/api/") and method in item:
                _demand_body(item[method], components["schemas"])
                _declare_versions(item, method)
                _complete(item[method], path, method)
    return result


def _demand_body(operation: Schema, schemas: Schema) -> None:
    """A file has to be sent, and what asks for one member at least (`minProperties`; `x-demanded`, which the document does not
    tell, where it was promised without): drf-spectacular looks at `required` alone."""
    for media, content in _body(operation).items():
        schema = content.get("schema", {})
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        if media != JSON or schema.get("minProperties") or schema.pop("x-demanded", False):
            operation["requestBody"]["required"] = True


def _declare_versions(item: Schema, method: str) -> None:
    """As tenants/api/versions.py has it."""
    changed = {"put", "patch", "delete"} & item.keys()
    operation = item[method]
    if "get" not in item or not changed or {"bearer": []} not in operation.get("security", []):
        return
    if method in changed:
        operation.setdefault("parameters", []).append(IF_MATCH)
    if method == "get" and "200" in operation["responses"]:
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        operation["responses"]["200"].setdefault("headers", {})["ETag"] = ETAG
        operation["responses"]["304"] = {"description": "It is still as `If-None-Match` has it"}


def _refused(code: str, message: str, details: Any) -> Schema:
    request = "6f1c2b7e0d9a4c8f"
    value = {
        "status": "error",
        "data": None,
        "error": {"code": code, "message": message, "details": details, "request_id": request},
        "meta": {"request_id": request, "timestamp": "2026-01-31T12:00:00.123Z"},
    }
    schema = {"$ref": "#/components/schemas/ErrorAnswer"}
    return {JSON: {"schema": schema, "examples": {code: {"value": value}}}}


def _complete(operation: Schema, path: str, method: str) -> None:
    if not operation.pop(RAW, False):
        for status, response in operation["responses"].items():
            if status.startswith("2") and JSON in response.get("content", {}):
                _wrap(response["content"][JSON])
    _declare_headers(operation, method)
    for status, (_, applies) in ERRORS.items():
        if status not in operation["responses"] and applies(operation, path, method):
            operation["responses"][status] = {"$ref": f"#/components/responses/Error{status}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _wrap(content: Schema) -> None:
    content["schema"] = {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["success"]},
            "data": content.get("schema", {}),
            "error": NULL,
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
        "required": ["status", "data", "error", "meta"],
    }
    for example in content.get("examples", {}).values():
        meta = {"request_id": "019a2f6e-6d1c-7e5b-9c55-0e3b9f5f1a77", "timestamp": "2026-01-31T12:00:00.000Z"}
        example["value"] = {"status": "success", "data": example.get("value"), "error": None, "meta": meta}


def _declare_headers(operation: Schema, method: str) -> None:
    if {"bearer": []} not in operation.get("security", []):
        return  # a visitor has neither a tenant to name nor keys to repeat by
    declared = {parameter["name"] for parameter in operation.get("parameters", [])}
    wanted = [TENANT_HEADER, *([IDEMPOTENCY_HEADER] if method in UNSAFE else [])]
    operation.setdefault("parameters", []).extend(header for header in wanted if header["name"] not in declared)
