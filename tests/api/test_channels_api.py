"""``/api/v2/channels``: what there is, what each can do, and which of several a message goes to (CH-1, CH-9)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.config import FEATURES, FORMAT_RULES
from channels_app.content.types import Capabilities
from channels_app.models import Channel
from channels_app.registry import KINDS, adapter_for
from conversations.models import Conversation
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = "/api/v2/channels"


def plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (frozenset, list)) else value


def test_the_kinds_are_those_of_the_registry_with_all_their_capabilities(tenant, api) -> None:
    client = api(tenant, "channels:read")
    told = {kind["kind"]: kind for kind in client.data_of(client.get(f"{WHERE}/kinds"))["items"]}
    assert list(told) == sorted(KINDS)
    for kind, shape in told.items():
        caps = adapter_for(kind).capabilities
        assert set(shape["capabilities"]) == set(Capabilities.model_fields)
        assert {name: plain(value) for name, value in shape["capabilities"].items()} == {
            name: plain(getattr(caps, name)) for name in Capabilities.model_fields
        }
        assert set(shape["secrets"]) <= set(shape["config_schema"]["properties"])


def test_a_channel_tells_what_it_is_and_no_secret(tenant, scope, api) -> None:
    config = {"account_sid": f"AC{'0' * 32}", "from_number": "+15550100002", "send_files": False, "longest_text": 480}
    texts = ChannelFactory(tenant=scope, kind="sms", config=config, secrets={"auth_token": "SECRET-0123456789"})
    client = api(tenant, "channels:read")
    answer = client.get(f"{WHERE}/{texts.id}")
    told = client.data_of(answer)
    assert b"SECRET" not in answer.content
    assert (told["kind"], told["state"], told["webhook_url"]) == ("sms", "unchecked", told["webhook_url"])
    assert told["features"] == {**dict.fromkeys(FEATURES, True), "send_files": False}
    assert told["format_rules"] == {"plain_text": False, "longest_text": 480}
    caps = told["capabilities"]
    assert (caps["types"], caps["max_text"], caps["max_caption"]) == (["text"], 480, 480)
    assert caps["receipts"] == ["delivered", "failed", "read", "sent"]


def test_the_widget_has_no_rules_for_what_it_shows_as_it_is(tenant, scope, api, web) -> None:
    client = api(tenant, "channels:read")
    told = client.data_of(client.get(f"{WHERE}/{web.id}"))
    assert (set(told["features"]), told["format_rules"]) == ({"bot_answers", "show_typing", "show_read"}, {})


def test_they_are_listed_oldest_first_by_pages_and_kinds(tenant, scope, api) -> None:
    made = [ChannelFactory(tenant=scope, kind=kind) for kind in ("web", "sms", "web")]
    client = api(tenant, "channels:read")
    first = client.data_of(client.get(f"{WHERE}?page_size=2"))
    rest = client.data_of(client.get(f"{WHERE}?page_size=2&cursor={first['next_cursor']}"))
    assert [row["id"] for row in first["items"] + rest["items"]] == [str(channel.id) for channel in made]
    assert (first["has_next"], rest["has_next"], rest["next_cursor"]) == (True, False, None)
    webs = client.data_of(client.get(f"{WHERE}?kind=web"))["items"]
    assert [row["id"] for row in webs] == [str(made[0].id), str(made[2].id)]


def test_no_tenant_sees_anothers(tenant, scope, other_tenant, api, web) -> None:
    client = api(other_tenant, "channels:read")
    assert client.get(f"{WHERE}/{web.id}").status_code == 404
    assert client.data_of(client.get(WHERE))["items"] == []
    assert api(tenant, "messages:send").get(WHERE).status_code == 403


# -------------------------------------------------------------------- which one is meant


@pytest.fixture
def web(scope) -> Channel:
    return ChannelFactory(tenant=scope, kind="web", name="Shop")


@pytest.fixture
def second(scope, web) -> Channel:
    return ChannelFactory(tenant=scope, kind="web", name="Support")


def said(**more: Any) -> dict[str, Any]:
    return {"user_id": "ana", "channel": "web", "content": {"type": "text", "text": "hello"}, **more}


def sent_on(client: Any, **more: Any) -> Channel:
    data = client.data_of(client.post("/api/v2/chat/message", said(**more)))
    return Conversation.objects.select_related("channel").get(id=data["conversation_id"]).channel


def test_a_message_names_its_channel_or_goes_to_the_oldest(tenant, api, web, second) -> None:
    client = api(tenant)
    assert sent_on(client) == web
    assert sent_on(client, channel_id=str(second.id)) == second


def test_a_conversation_goes_on_where_it_is(tenant, api, web, second) -> None:
    client = api(tenant)
    begun = client.data_of(client.post("/api/v2/chat/message", said(channel_id=str(second.id))))
    assert sent_on(client, conversation_id=begun["conversation_id"]) == second
    elsewhere = said(conversation_id=begun["conversation_id"], channel_id=str(web.id))
    assert client.post("/api/v2/chat/message", elsewhere).status_code == 404


@pytest.mark.parametrize("which", ["of another tenant", "of another kind", "switched off"])
def test_a_channel_that_is_not_there_is_told(tenant, scope, other_tenant, api, web, which) -> None:
    channel = {
        "of another tenant": lambda: ChannelFactory(tenant=other_tenant, kind="web"),
        "of another kind": lambda: ChannelFactory(tenant=scope, kind="slack"),
        "switched off": lambda: ChannelFactory(tenant=scope, kind="web", enabled=False),
    }[which]()
    client = api(tenant)
    answer = client.post("/api/v2/chat/message", said(channel_id=str(channel.id)))
    assert (answer.status_code, client.error_of(answer)["code"]) == (422, "channel_not_configured")
    assert not Conversation.objects.exists()


def test_every_feature_and_rule_has_a_place() -> None:
    for kind in KINDS:
        fields = adapter_for(kind).config_class.model_fields
        assert set(FEATURES[:3]) <= set(fields)
        assert kind == "web" or set(FEATURES + FORMAT_RULES) <= set(fields)
