"""What was promised of the API is kept, or told of under a new date (API-4)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chatsvc.release import API_VERSION
from tests.api.document import document
from tools import openapi_baseline as tool

oasdiff = pytest.mark.skipif(not tool.OASDIFF.exists() and not tool.must_be_there(), reason=tool.MISSING)
STRING = {"type": "string"}
PROPERTIES = {"id": STRING, "note": STRING, "description": STRING, "state": {"type": "string", "enum": ["on", "off"]}}


def copied(part: Any) -> Any:
    return json.loads(json.dumps(part))


def api() -> dict[str, Any]:
    answer = {
        "type": "object", "description": "Words.", "properties": copied(PROPERTIES), "required": ["id", "state"],
    }  # fmt: skip
    asked = {
        "type": "object",
        "properties": copied(PROPERTIES),
        "required": ["id"],
        "additionalProperties": False,
    }
    operation = {
        "operationId": "thing_do",
        "parameters": [{"name": "q", "in": "query", "schema": copied(STRING)}],
        "requestBody": {"content": {"application/json": {"schema": asked}}},
        "responses": {"200": {"description": "Done", "content": {"application/json": {"schema": answer}}}},
    }
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "2026-01-01"}, "paths": {"/x": {"post": operation}}}


class Parts:
    def __init__(self, made: dict[str, Any]):
        self.paths = made["paths"]
        self.post = self.paths["/x"]["post"]
        self.asked = self.post["requestBody"]["content"]["application/json"]["schema"]
        self.answer = self.post["responses"]["200"]["content"]["application/json"]["schema"]


BREAKS = {
    "api-path-removed-without-deprecation": lambda api: api.paths.pop("/x"),
    "api-operation-id-removed": lambda api: api.post.update(operationId="thing_undo"),
    "request-parameter-removed": lambda api: api.post["parameters"].clear(),
    "request-property-removed": lambda api: api.asked["properties"].pop("description"),
    "request-property-became-required": lambda api: api.asked["required"].append("note"),
    "request-property-enum-value-removed": lambda api: api.asked["properties"]["state"]["enum"].remove("on"),
    "request-property-max-length-set": lambda api: api.asked["properties"]["id"].update(maxLength=3),
    "response-required-property-removed": lambda api: api.answer["properties"].pop("id"),
    "response-optional-property-removed": lambda api: api.answer["properties"].pop("description"),
    "response-property-became-optional": lambda api: api.answer["required"].remove("id"),
    "response-property-type-changed": lambda api: api.answer["properties"]["id"].update(type="integer"),
    "response-property-enum-value-added": lambda api: api.answer["properties"]["state"]["enum"].append("gone"),
}
HARMLESS = {
    "a field more": lambda api: api.answer["properties"].update(more=STRING),
    "a field more to ask with": lambda api: api.asked["properties"].update(more=STRING),
    "a parameter more": lambda api: api.post["parameters"].append({"name": "p", "in": "query", "schema": STRING}),
    "a value more to ask with": lambda api: api.asked["properties"]["state"]["enum"].append("gone"),
    "other words": lambda api: api.answer.update(description="Others."),
    "another order": lambda api: api.answer["required"].reverse(),
}


def changed(changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The API with an address for each change, before and after it: one comparison tries them all."""
    before, after = api(), api()
    del before["paths"]["/x"], after["paths"]["/x"]
    for number, change in enumerate(changes.values()):
        was, one = api(), api()
        change(Parts(one))
        before["paths"][f"/{number}"] = was["paths"]["/x"]
        after["paths"] |= {f"/{number}": item for item in one["paths"].values()}
    return before, after


@oasdiff
def test_each_kind_of_break_is_found_and_nothing_harmless() -> None:
    found = tool.breaks(*changed(BREAKS))
    assert {one.operation: one.kind for one in found} == {f"POST /{number}": kind for number, kind in enumerate(BREAKS)}
    assert len(found) == len(BREAKS)
    assert tool.breaks(*changed(HARMLESS)) == []


@oasdiff
def test_a_break_is_told_by_kind_and_operation_under_a_new_date() -> None:
    before, after = changed(BREAKS)
    entries = "\n".join(f"- `{kind}` of `POST /{number}`: so." for number, kind in enumerate(BREAKS))
    pages = {date: f"# Changes\n\n## {date}\n\n{entries}\n" for date in ("2026-01-01", "2026-01-02")}
    assert len(tool.silent(before, after, pages["2026-01-02"])) == len(BREAKS)  # the API's own date did not move
    after["info"]["version"] = "2026-01-02"
    assert len(tool.silent(before, after, pages["2026-01-01"])) == len(BREAKS)  # told, but of the former date
    assert tool.silent(before, after, pages["2026-01-02"]) == []
    elsewhere = pages["2026-01-02"].replace("`POST /3`", "`POST /4`")
    assert [one.operation for one in tool.silent(before, after, elsewhere)] == ["POST /3"]


@oasdiff
def test_the_present_api_keeps_what_was_promised() -> None:
    baseline = json.loads(tool.BASELINE.read_text(encoding="utf-8"))
    assert tool.silent(baseline, document(), tool.CHANGELOG.read_text(encoding="utf-8")) == []


def test_the_promise_is_whole_and_has_one_order() -> None:
    baseline = json.loads(tool.BASELINE.read_text(encoding="utf-8"))
    assert tool.BASELINE.read_text(encoding="utf-8") == tool.written(baseline)
    assert len(baseline["paths"]) > 100
    assert "description" in baseline["components"]["schemas"]["EndpointDetail"]["properties"]  # a name, no words


def test_the_date_of_the_api_is_the_newest_of_its_changelog() -> None:
    dates = re.findall(r"^## (\d{4}-\d\d-\d\d)$", tool.CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    assert dates[0] == API_VERSION == document()["info"]["version"]
    assert dates == sorted(set(dates), reverse=True)
