"""What a platform would refuse is told where it is handed in, and what it takes is put into its form (CH-1, CH-3, MSG-6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import Content, Media, TemplateUse, text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel, MessageTemplate
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from conversations.files.media_links import media_address
from conversations.models import Conversation, Message
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.media.uploads import upload
from messaging.models import Delivery, Turn
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.turns import thinking
from tenants.errors import Unprocessable
from tenants.storage.db import new_id, now
from tests.adapters.kit import kit_for
from tests.factories import ChannelFactory
from tests.messaging.media.platform import picture

pytestmark = pytest.mark.django_db(transaction=True)
ANA = Sender("phone", "+15550107777")
WORDS = "{{header.image}}\n\nHello {{1}}, it is {{2}}.\n\nTrack: https://a.de/t/{{button.0}}"
GOOD = {"1": "Ana", "2": "ready", "button.0": "7", "header.image": "https://cdn.example/shop.png"}


@pytest.fixture
def twin() -> Iterator[Twin]:
    with server.start() as twin:
        yield twin


@pytest.fixture
def shop(twin, scope, reachable, settings, tmp_path) -> Channel:
    settings.MEDIA_ROOT = tmp_path
    reachable(twin.url)
    config = PLATFORMS["whatsapp"].channel_config(twin.url)
    secrets = {name: config.pop(name) for name in ("access_token", "app_secret", "verify_token")}
    channel = ChannelFactory(tenant=scope, kind="whatsapp", config=config, secrets=secrets)
    external = {"id": "1", "status": "approved", "reason": "", "unsupported": ""}
    variant = {"content": {"type": "text", "text": WORDS}, "defaults": {}, "external": external}
    MessageTemplate.objects.create(tenant=scope, channel=channel, name="ready", variants={"en_US": variant})
    return channel


@pytest.fixture
def talk(shop) -> Conversation:
    return accept(shop, InboundMessage("wamid.IN1", ANA, text("hello"))).conversation


def use(**changes: Any) -> Content:
    variables = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return Content(type="template", template=TemplateUse(name="ready", variables=variables))


def sent_of(twin: Twin, talk: Conversation, content: Content) -> dict[str, Any]:
    agent_reply(talk.id, None, content)
    deliver(talk.id)
    assert Delivery.objects.latest("id").status == "sent"
    return twin.sent[-1]["body"]["template"]


def parameters(template: dict[str, Any], place: str) -> list[dict[str, Any]]:
    [found] = [one["parameters"] for one in template["components"] if one["type"] == place]
    return found


# -------------------------------------------------------------------- a header with a file


def test_a_template_shows_the_file_of_an_address(twin, talk) -> None:
    template = sent_of(twin, talk, use())
    assert parameters(template, "header") == [{"type": "image", "image": {"link": "https://cdn.example/shop.png"}}]
    assert parameters(template, "body") == [{"type": "text", "text": "Ana"}, {"type": "text", "text": "ready"}]
    stored = Message.objects.get(role="agent")
    assert stored.text == "[image]\n\nHello Ana, it is ready.\n\nTrack: https://a.de/t/7"


def test_a_file_of_ours_is_put_with_the_platform(twin, shop, talk) -> None:
    file = upload(new_id(), shop, None, "shop.png", "image/png", iter([picture()]))
    template = sent_of(twin, talk, use(**{"header.image": media_address(file.id)}))
    [shown] = parameters(template, "header")
    assert twin.media[shown["image"]["id"]] == ("image/png", picture())


def test_a_caller_may_give_the_file_as_media(twin, talk) -> None:
    media = Media(url="https://cdn.example/other.png", type="image/png")
    content = use(**{"header.image": None}).model_copy(update={"media": media})
    assert parameters(sent_of(twin, talk, content), "header")[0]["image"] == {"link": media.url}


def test_a_document_has_its_name(twin, shop, talk) -> None:
    row = MessageTemplate.objects.get(name="ready")
    row.variants["en_US"]["content"]["text"] = "{{header.document}}\n\nHello {{1}}"
    row.save()
    [shown] = parameters(sent_of(twin, talk, use(**{"header.document": "https://cdn.example/a%20b.pdf"})), "header")
    assert shown["document"] == {"link": "https://cdn.example/a%20b.pdf", "filename": "a b.pdf"}


# ------------------------------------------------------------------- values of the template


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("two\nlines", "two lines"),
        ("a\ttab", "a tab"),
        ("five     blanks", "five blanks"),
        ("  ends  ", "ends"),
        ("zero\u200bwidth", "zerowidth"),
        ("x" * 1024, "x" * 1024),
    ],
    ids=["lines", "tab", "blanks", "ends", "invisible", "as long as it may be"],
)
def test_values_are_lines_without_runs_of_blanks(twin, talk, given, sent) -> None:
    assert parameters(sent_of(twin, talk, use(**{"1": given})), "body")[0]["text"] == sent


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"1": " "}, "template_variable_missing", None),
        ({"1": "\u200b"}, "template_variable_missing", None),
        ({"header.image": None}, "template_variable_missing", None),
        ({"1": "x" * 1025}, "content_refused", "content.template.variables.1"),
        ({"button.0": "x" * 2001}, "content_refused", "content.template.variables.button.0"),
        ({"header.image": "not an address"}, "template_invalid", "template.variables.header.image"),
    ],
    ids=["blank", "invisible", "no file", "too long", "too long for a link", "no address"],
)
def test_values_that_the_platform_refuses_are_told_to_the_caller(twin, talk, changes, code, field) -> None:
    with pytest.raises(Unprocessable) as caught:
        agent_reply(talk.id, None, use(**changes))
    assert caught.value.code == code
    assert field is None or caught.value.details[0]["field"] == field
    assert not Message.objects.filter(role="agent").exists()
    talk.refresh_from_db()
    assert talk.control_owner == "bot"


def test_by_rest_it_is_422_with_the_place(api, tenant, talk) -> None:
    client = api(tenant)
    answer = client.post(
        f"/api/v2/chat/conversations/{talk.id}/messages", {"content": use(**{"1": "x" * 1025}).to_json()}
    )
    error = client.error_of(answer)
    assert (answer.status_code, error["code"], error["details"][0]["code"]) == (
        422, "content_refused", "template_variable_too_long",
    )  # fmt: skip


def test_a_preview_says_so_too(api, tenant, shop, talk) -> None:
    client = api(tenant)
    body = {"content": use(**{"1": "x" * 1025}).to_json()}
    shown = client.data_of(client.post(f"/api/v2/channels/{shop.id}/preview", body))
    assert (shown["problem"]["code"], shown["payloads"]) == ("template_variable_too_long", [])


def test_what_an_engine_says_that_no_platform_takes_becomes_the_fallback_reply(twin, talk, monkeypatch) -> None:
    class Engine:
        def respond(self, request: Any) -> EngineReply:
            return EngineReply(contents=(use(**{"1": "x" * 1025}),))

    monkeypatch.setattr(thinking, "engine_for", lambda settings: Engine())
    Turn.objects.update(due_at=now())
    respond(Turn.objects.get().id)
    assert Message.objects.get(role="bot").analysis["engine"] == "fallback"


# ----------------------------------------------------------------------------- other kinds


def test_a_picture_that_teams_cannot_fetch_is_taken(scope) -> None:
    """A picture on Teams wants https: it became a dead letter, and goes along inside the activity now."""
    kit = kit_for("teams")
    secret = kit.adapter.secret_keys
    teams = ChannelFactory(
        tenant=scope, kind="teams",
        config={name: value for name, value in kit.config.items() if name not in secret},
        secrets={name: value for name, value in kit.config.items() if name in secret},
    )  # fmt: skip
    talk = accept(teams, InboundMessage("t1", Sender("teams", "29:ana", kit.config["tenant_id"]), text("hi")))
    plain = Media(url="http://cdn.example/i.png", type="image/png")
    assert agent_reply(talk.conversation.id, None, Content(type="image", media=plain)).seq
    assert agent_reply(talk.conversation.id, None, text("plain words")).seq
