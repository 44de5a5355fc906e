"""What is listed can be read alone, and what has an address can be read there (API-2)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.document import document
from tests.api.test_tenant_matrix import filled, place
from tests.api.world import World

pytestmark = pytest.mark.django_db

#: address of one thing that is not read there → where it is
ELSEWHERE = {
    "/api/v2/chat/conversations/{conversation_id}/labels/{label_id}": "the conversation lists its labels",
    "/api/v2/webchat/{key}/files/{ticket}": "the message that it came with links to it",
}
#: list → the address of what it lists, where that does not stand under it
ITEMS = {
    "/api/v2/chat/conversations/{conversation_id}/messages": "/api/v2/chat/messages/{message_id}",
    "/api/v2/chat/conversations/{conversation_id}/notes": "/api/v2/chat/messages/{message_id}",
    "/api/v2/chat/conversations/{conversation_id}/scheduled": "/api/v2/chat/scheduled/{scheduled_id}",
    "/api/v2/chat/conversations/{conversation_id}/similar": "/api/v2/chat/conversations/{conversation_id}",
    "/api/v2/chat/inbox": "/api/v2/chat/conversations/{conversation_id}",
    "/api/v2/chat/messages/{message_id}/similar": "/api/v2/chat/messages/{message_id}",
    "/api/v2/contacts/{contact_id}/conversations": "/api/v2/chat/conversations/{conversation_id}",
    "/api/v2/contacts/{contact_id}/devices": "/api/v2/sessions/{session_id}",
    "/api/v2/contacts/{contact_id}/history": "/api/v2/chat/messages/{message_id}",
    "/api/v2/judged-answers": "/api/v2/chat/messages/{message_id}/judgement",
    "/api/v2/knowledge/unanswered": "/api/v2/chat/messages/{message_id}",
    "/api/v2/members": "/api/v2/members/{user_id}/desk",
}
#: lists of what has no more to it than its row there
ROWS = {
    "/api/v2/channels/kinds", "/api/v2/chat/conversations/{conversation_id}/looking",
    "/api/v2/chat/conversations/{conversation_id}/trail", "/api/v2/chat/messages/{message_id}/hidden",
    "/api/v2/knowledge-sites/{site_id}/pages", "/api/v2/models/use",
}  # fmt: skip


def lists() -> list[str]:
    """Addresses that answer with `items`."""
    schema = document()
    found = []
    for path, item in schema["paths"].items():
        told = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        data = told.get("schema", {}).get("properties", {}).get("data", {})
        named = schema["components"]["schemas"].get(data.get("$ref", "").rpartition("/")[2], {})
        found += [path] if "items" in named.get("properties", {}) else []
    return found


def item_of(path: str) -> str | None:
    paths = document()["paths"]
    return ITEMS.get(path) or next((one for one in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", one)), None)


def django(path: str) -> str:
    """The address as the URL conf writes it."""
    return re.sub(r"\{(\w+)\}", r"<uuid:\1>", path.lstrip("/"))


#: words are found once the index has them, which factories do not fill; operators have tests of their own
WITH_ITEMS = [
    path
    for path in lists()
    if item_of(path) and path not in {*ITEMS, "/api/v2/chat/messages", "/api/v2/system/tenants"}
] + ["/api/v2/members"]


def test_what_has_an_address_is_read_there() -> None:
    paths = document()["paths"]
    assert {path for path in paths if path.endswith("}") and "get" not in paths[path]} == ELSEWHERE.keys()


def test_what_is_listed_has_an_address() -> None:
    paths = document()["paths"]
    assert {path for path in lists() if not item_of(path)} == ROWS
    assert [address for address in ITEMS.values() if "get" not in paths[address]] == []
    assert len(WITH_ITEMS) > 30


@pytest.mark.parametrize("path", WITH_ITEMS)
def test_it_is_told_alone_as_the_list_tells_it(path: str, tenant: Any, api: Any) -> None:
    client, world = api(tenant), World(tenant, "kingfisher")
    address = item_of(path) or ""
    listed = client.data_of(client.get(filled(django(path), world.ids)))["items"]
    assert listed, path
    own = re.findall(r"\{(\w+)\}", address)[-1]
    for item in listed[:3]:
        alone = client.get(filled(django(address), {**world.ids, place(django(address), own): item["id"]}))
        assert alone.status_code == 200, alone.content
        told = client.data_of(alone)
        assert {name: told.get(name) for name in item.keys() - {"snippet"}} == {
            name: item[name] for name in item.keys() - {"snippet"}
        }
