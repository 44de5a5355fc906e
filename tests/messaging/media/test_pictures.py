"""Pictures reach Slack and Teams from a service that has no public address (CH-3), through the twin."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from channels_app.content.types import Content, Media, QuickReply
from channels_app.contract import InboundMessage, Sender
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from conversations.files.media_links import media_address
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.media.uploads import upload
from messaging.models import Delivery
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import new_id, now
from tests.factories import ChannelFactory
from tests.messaging.media.platform import picture

pytestmark = pytest.mark.django_db
HELLO = Content(type="text", text="hi")
PERSON = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture
def twin():
    with server.start() as twin:
        yield twin


@pytest.fixture
def slack(twin, scope, reachable):
    return opened("slack", twin, scope, reachable)


@pytest.fixture
def teams(twin, scope, reachable):
    return opened("teams", twin, scope, reachable)


def opened(kind: str, twin: Any, scope: Any, reachable: Any) -> Any:
    reachable(twin.url)
    config = PLATFORMS[kind].channel_config(twin.url)
    hidden = {"bot_token", "signing_secret", "client_secret"} & set(config)
    return ChannelFactory(tenant=scope, kind=kind, config=config, secrets={name: config.pop(name) for name in hidden})


def written(channel: Any) -> InboundMessage:
    if channel.kind == "slack":
        return InboundMessage("D1:1.1", Sender("slack", "U0123ABCD", "T0TWIN001", "D0123ABCD"), HELLO)
    place = {"conversation": f"a:{PERSON}", "service_url": channel.config["api_base"], "conversation_type": "personal"}
    return InboundMessage("t1", Sender("teams", PERSON), HELLO, thread=f"a:{PERSON}", reference=place)


def sends(channel: Any, body: bytes, **parts: Any) -> Delivery:
    file = upload(new_id(), channel, None, "lamp.png", "image/png", iter([body]))
    content = Content(type="image", media=Media(url=media_address(file.id), type=file.mime), **parts)
    conversation = accept(channel, written(channel)).conversation
    message = agent_reply(conversation.id, None, content)
    deliver(conversation.id)
    return Delivery.objects.get(message=message)


def blocks(twin: Any) -> list[dict[str, Any]]:
    return twin.sent[-1]["body"]["blocks"]


def test_slack_shows_a_picture_that_was_put_there(slack, twin):
    delivery = sends(slack, picture(), text="Here", quick_replies=(QuickReply(title="Yes", payload="y"),))
    assert delivery.status == "sent"
    (image,) = [block for block in blocks(twin) if block["type"] == "image"]
    assert set(image) == {"type", "slack_file", "alt_text"}
    assert twin.media[image["slack_file"]["id"]][1] == picture()
    assert [block["type"] for block in blocks(twin)] == ["rich_text", "image", "actions"]
    assert len(twin.sent) == 1


def test_slack_may_look_into_a_file_first(slack, twin):
    """It is asked again a little later, for the same file: not a second one is put there."""
    twin.settings["slack"]["looks_into_files"] = 2
    delivery = sends(slack, picture())
    assert (delivery.status, delivery.error_code) == ("queued", "file_not_ready")
    for _ in range(2):
        Delivery.objects.update(due_at=now())
        deliver(delivery.conversation_id)
    delivery.refresh_from_db()
    assert delivery.status == "sent"
    assert len([call for call in twin.requests if call.path == "/api/files.getUploadURLExternal"]) == 1


def test_slack_fetches_a_picture_where_it_can(slack, twin, settings):
    settings.PUBLIC_URL = "https://chat.example.com"
    assert sends(slack, picture()).status == "sent"
    assert blocks(twin)[0]["image_url"].startswith("https://chat.example.com/api/v2/media/")
    assert not [call for call in twin.requests if call.path == "/api/files.getUploadURLExternal"]


def test_teams_gets_a_picture_inside_the_activity(teams, twin):
    delivery = sends(teams, picture(), text="Here", quick_replies=(QuickReply(title="Yes", payload="pick:y"),))
    assert delivery.status == "sent"
    first, second = (sent["body"] for sent in twin.sent)
    inside = "data:image/png;base64," + base64.b64encode(picture()).decode()
    assert first["attachments"] == [{"contentType": "image/png", "contentUrl": inside, "name": "lamp.png"}]
    assert "Here" in str(second["attachments"])


def test_a_photo_for_teams_is_made_small_enough(teams, twin):
    assert sends(teams, picture("JPEG", (3000, 2000))).status == "sent"
    (shown,) = twin.sent[-1]["body"]["attachments"]
    assert shown["contentUrl"].startswith("data:image/jpeg;base64,")
    assert len(shown["contentUrl"]) < 1 << 20


def test_teams_fetches_a_picture_where_it_can(teams, twin, settings):
    settings.PUBLIC_URL = "https://chat.example.com"
    assert sends(teams, picture()).status == "sent"
    assert "https://chat.example.com/api/v2/media/" in str(twin.sent[-1]["body"])
