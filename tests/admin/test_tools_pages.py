"""Tools are put on the list, changed and tried in the console, by the rules of the list; secrets go in and not out (AI-8)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from assistant.tools import toolbox
from assistant.tools.calling import Outcome
from assistant.tools.models import Tool
from tenants.models import AuditEntry
from tests.admin.conftest import rows, url
from tests.admin.test_settings_page import as_shown

pytestmark = pytest.mark.django_db
SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwK1fTq0mFa2c="


@pytest.fixture
def keeper(tenant: Any, staff_of: Any) -> Client:
    return staff_of(tenant, ("models:read", "models:write"))


def filled(tenant: Any, **change: Any) -> dict[str, Any]:
    given = {
        "tenant": str(tenant.id), "name": "cancel_order", "kind": "http", "title": "Cancel", "description": "Cancels an order",
        "schema": json.dumps(SCHEMA), "url": "https://tools.example.com/x", "remote": "", "new_secret": "", "changes": "on",
        "enabled": "on", "timeout_s": "5",
    }  # fmt: skip
    return {**given, **change}


@pytest.fixture
def tool(tenant: Any, keeper: Client) -> Tool:
    assert keeper.post(url(Tool, "add"), filled(tenant, new_secret=SECRET)).status_code == 302
    return rows(Tool).get(tenant=tenant)


def wrong(answer: Any) -> dict[str, list[str]]:
    return {name: [str(one) for one in told] for name, told in answer.context["adminform"].form.errors.items()}


def test_a_tool_is_made_with_a_secret_that_is_shown_once(tenant, keeper) -> None:
    page = keeper.post(url(Tool, "add"), filled(tenant), follow=True).content.decode()
    made = rows(Tool).get(tenant=tenant)
    assert (made.secret[:6], made.schema, made.changes) == ("whsec_", SCHEMA, True)
    assert made.secret in page
    assert made.secret not in keeper.get(url(Tool, "change", made.pk)).content.decode()
    assert rows(AuditEntry).filter(tenant=tenant, action="tool.created").count() == 1


WRONG = {
    "a name of ours": ({"name": "hand_over"}, "name"),
    "no JSON": ({"schema": "{"}, "schema"),
    "no object": ({"schema": '{"type": "string"}'}, "schema"),
    "a refused keyword": ({"schema": '{"type": "object", "properties": {"a": {"pattern": "x"}}}'}, "schema"),
    "an inner address": ({"url": "https://127.0.0.1/x"}, "url"),
    "no https": ({"url": "ftp://tools.example.com/x"}, "url"),
    "a short secret": ({"new_secret": "whsec_AAAA"}, "new_secret"),
    "too long a wait": ({"timeout_s": "21"}, "timeout_s"),
}


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=list(WRONG))
def test_what_may_not_be_on_the_list_is_told_at_its_field(tenant, keeper, change: dict[str, str], field: str) -> None:
    answer = keeper.post(url(Tool, "add"), filled(tenant, **change))
    assert (answer.status_code, list(wrong(answer))) == (200, [field])
    assert not rows(Tool).exists()


def test_a_page_that_is_saved_unchanged_keeps_the_secret(keeper, tool) -> None:
    where = url(Tool, "change", tool.pk)
    assert keeper.post(where, as_shown(keeper, where)).status_code == 302
    assert rows(Tool).get(pk=tool.pk).secret == SECRET
    assert SECRET not in keeper.get(where).content.decode()


def test_another_address_needs_the_secret_again(keeper, tool) -> None:
    where = url(Tool, "change", tool.pk)
    moved = {**as_shown(keeper, where), "url": "https://other.example.com/x"}
    assert list(wrong(keeper.post(where, moved))) == ["new_secret"]
    assert rows(Tool).get(pk=tool.pk).url == tool.url
    assert keeper.post(where, {**moved, "new_secret": SECRET}).status_code == 302
    assert rows(Tool).get(pk=tool.pk).url == moved["url"]


def test_a_name_that_is_taken_is_told(tenant, keeper, tool) -> None:
    assert keeper.post(url(Tool, "add"), filled(tenant)).status_code == 200
    assert rows(Tool).filter(tenant=tenant).count() == 1


def test_it_is_tried_for_no_person_and_what_came_of_it_is_told(tenant, keeper, tool, monkeypatch: Any) -> None:
    called: list[Any] = []

    def answer(row: Tool, arguments: Any, caller: Any, seconds: float) -> Outcome:
        called.append((row.name, arguments, dict(caller.person)))
        return Outcome("ok", '{"done": "<b>yes</b>"}', 5)

    monkeypatch.setattr(toolbox, "http_called", answer)
    where = f"/admin/assistant/tool/{tool.pk}/try/"
    assert where in keeper.get(url(Tool, "change", tool.pk)).content.decode()
    assert "&quot;order&quot;: &quot;&quot;" in keeper.get(where).content.decode()
    told = keeper.post(where, {"arguments": '{"order": "AC-1"}'}).content.decode()
    assert ("It answered, within 5 ms." in told, "<b>yes" in told) == (True, False)
    assert called == [("cancel_order", {"order": "AC-1"}, {})]
    assert rows(AuditEntry).get(tenant=tenant, action="tool.tried").changes == {"code": "ok"}
    assert "breaks the rule required" in keeper.post(where, {"arguments": "{}"}).content.decode()
    assert "are a JSON object" in keeper.post(where, {"arguments": "[]"}).content.decode()
    assert len(called) == 1


def test_others_may_not(tenant, other_tenant, staff_of, tool) -> None:
    where = f"/admin/assistant/tool/{tool.pk}/try/"
    assert staff_of(tenant, ("models:read",)).post(where, {"arguments": "{}"}).status_code == 403
    assert staff_of(other_tenant).get(where).status_code == 404
    foreign = staff_of(other_tenant).post(url(Tool, "add"), filled(tenant, name="another"))
    assert (foreign.status_code, rows(Tool).count()) == (200, 1)
