"""``/api/v2/templates``: create, read, change, delete, preview; who may, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import MessageTemplate
from tenants.models import AuditEntry
from tenants.storage.db import new_id
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = "/api/v2/templates"
HELLO = {"content": {"type": "text", "text": "Hello {{name}}, {{order}}"}, "defaults": {"name": "there"}}


def body(name: str = "hello", **variants: Any) -> dict[str, Any]:
    return {"name": name, "variants": variants or {"en": HELLO}}


def made(client: Any, name: str = "hello", **variants: Any) -> Any:
    answer = client.post(WHERE, body(name, **variants))
    assert answer.status_code == 201, answer.content
    return client.data_of(answer)


def test_a_template_from_birth_to_death(tenant, scope, api) -> None:
    client = api(tenant)
    row = made(client)
    assert (row["languages"], row["variables"], row["channel_id"]) == (["en"], ["name", "order"], None)
    one = f"{WHERE}/{row['id']}"
    assert client.data_of(client.get(one))["variants"]["en"]["defaults"] == {"name": "there"}
    changed = client.patch(one, {"variants": {"de": {"content": {"type": "text", "text": "Hallo"}}}})
    assert client.data_of(changed)["languages"] == ["de"]
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["template.created", "template.updated", "template.deleted"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "name"),
        (body("has space"), "name"),
        ({"name": "x", "variants": {}}, "variants"),
        (body(english=HELLO), "variants.english.[key]"),
        (body(en={"content": {"type": "text"}}), "variants.en.content"),
        (body(en={"content": {"type": "text", "text": "x", "format": "native"}}), "variants.en.content"),
        (body(en={**HELLO, "extra": 1}), "variants.en.extra"),
    ],
    ids=["empty", "name", "no language", "language", "no words", "native", "unknown member"],
)
def test_a_wrong_template_is_told_where(tenant, api, sent, field) -> None:
    client = api(tenant)
    answer = client.post(WHERE, sent)
    assert (answer.status_code, client.error_of(answer)["code"]) == (400, "validation_error")
    assert field in [detail["field"] for detail in client.error_of(answer)["details"]]


def test_a_name_is_taken_once_per_tenant(tenant, other_tenant, api) -> None:
    client = api(tenant)
    made(client)
    again = client.post(WHERE, body())
    assert (again.status_code, client.error_of(again)["code"]) == (409, "template_exists")
    made(api(other_tenant))


def test_pages_follow_each_other_without_gap_or_repeat(tenant, api) -> None:
    client, seen, cursor = api(tenant), [], ""
    for name in "edcba":
        made(client, name)
    for _ in range(3):
        page = client.data_of(client.get(f"{WHERE}?page_size=2{cursor}"))
        seen += [row["name"] for row in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == list("abcde")


def test_anothers_templates_and_cursors_are_absent(tenant, other_tenant, api) -> None:
    mine, theirs = api(tenant), api(other_tenant)
    row = made(theirs)
    made(theirs, "second")
    assert mine.data_of(mine.get(WHERE))["items"] == []
    for method in (mine.get, mine.delete):
        assert method(f"{WHERE}/{row['id']}").status_code == 404
    assert mine.patch(f"{WHERE}/{row['id']}", {"variants": {"en": HELLO}}).status_code == 404
    assert mine.post(f"{WHERE}/{row['id']}/preview", {}).status_code == 404
    cursor = theirs.data_of(theirs.get(f"{WHERE}?page_size=1"))["next_cursor"]
    assert mine.error_of(mine.get(f"{WHERE}?cursor={cursor}"))["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("method", "tail", "sent"),
    [("post", "", body()), ("patch", "/{id}", {"variants": {"en": HELLO}}), ("delete", "/{id}", None)],
    ids=["create", "change", "delete"],
)
def test_who_may_only_read_changes_nothing(tenant, api, method, tail, sent) -> None:
    row = made(api(tenant), "kept")
    client = api(tenant, "templates:read")
    assert getattr(client, method)(WHERE + tail.format(id=row["id"]), sent).status_code == 403
    assert len(client.data_of(client.get(WHERE))["items"]) == 1


def test_the_platforms_templates_are_read_only(tenant, scope, api) -> None:
    channel = ChannelFactory(tenant=tenant, kind="whatsapp")
    row = MessageTemplate.objects.create(
        tenant=tenant, channel=channel, name="theirs", variants={"en_US": HELLO}, synced_at=channel.created_at
    )
    client = api(tenant)
    for answer in (client.delete(f"{WHERE}/{row.id}"), client.patch(f"{WHERE}/{row.id}", {"variants": {"en": HELLO}})):
        assert (answer.status_code, client.error_of(answer)["code"]) == (409, "template_of_platform")
    assert [row["name"] for row in client.data_of(client.get(f"{WHERE}?channel_id={channel.id}"))["items"]] == [
        "theirs"
    ]


def test_a_preview_fills_it_in_and_names_what_is_missing(tenant, api) -> None:
    client = api(tenant)
    row = made(client)
    where = f"{WHERE}/{row['id']}/preview"
    shown = client.data_of(client.post(where, {"language": "en-GB", "variables": {"order": "7"}}))
    assert (shown["language"], shown["content"]["text"]) == ("en", "Hello there, 7")
    missing = client.post(where, {})
    assert (missing.status_code, client.error_of(missing)["code"]) == (422, "template_variable_missing")
    assert client.error_of(missing)["details"] == {"variables": ["order"]}


def test_a_preview_on_a_channel_is_what_goes_out_there(tenant, scope, api) -> None:
    channel = ChannelFactory(tenant=tenant, kind="whatsapp")
    approved = {"content": {"type": "text", "text": "Your order {{order}}"}, "external": {"status": "approved"}}
    MessageTemplate.objects.create(tenant=tenant, channel=channel, name="hello", variants={"en_US": approved})
    client = api(tenant)
    row = made(client)
    asked = {"channel_id": str(channel.id), "variables": {"order": "7"}}
    content = client.data_of(client.post(f"{WHERE}/{row['id']}/preview", asked))["content"]
    assert (content["type"], content["text"], content["template"]["language"]) == ("template", "Your order 7", "en_US")
    absent = client.post(f"{WHERE}/{row['id']}/preview", {**asked, "channel_id": str(new_id())})
    assert (absent.status_code, client.error_of(absent)["code"]) == (404, "channel_not_found")


@pytest.mark.parametrize("entrance", ["message", "preview", "agent"])
def test_native_text_is_nobodys_to_send(tenant, api, entrance) -> None:
    """``native`` would reach the platform unread, marks and all."""
    channel = ChannelFactory(tenant=tenant, kind="web")
    content = {"type": "text", "text": "<!channel>", "format": "native"}
    where, sent = {
        "message": ("/api/v2/chat/message", {"user_id": "ada", "channel": "web", "content": content}),
        "preview": (f"/api/v2/channels/{channel.id}/preview", {"content": content}),
        "agent": (f"/api/v2/chat/conversations/{new_id()}/messages", {"content": content}),
    }[entrance]
    client = api(tenant)
    answer = client.post(where, sent)
    assert (answer.status_code, client.error_of(answer)["code"]) == (400, "validation_error")
    assert [(d["field"], d["code"]) for d in client.error_of(answer)["details"]] == [("content", "native_format")]
