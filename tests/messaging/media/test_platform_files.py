"""Files of ours are put with the platform once, and once more where it has lost them (CH-3): no public address is needed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from channels_app.content.types import Content, Media
from channels_app.contract import InboundMessage, Rejected, Sender, StatusUpdate
from channels_app.models import Channel
from channels_app.selectors import channel_forget
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from conversations.files.media_links import media_address
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.media.uploads import upload
from messaging.models import Delivery, DeliveryAttempt
from messaging.receipts.applying import _status
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import new_id, now
from tests.factories import ChannelFactory
from tests.messaging.media.platform import picture

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = Content(type="text", text="hi")
PEOPLE = {"whatsapp": Sender("phone", "+15550107777"), "messenger": Sender("psid", "24680135790001")}


@pytest.fixture
def twin() -> Iterator[Twin]:
    with server.start() as twin:
        yield twin


@pytest.fixture(params=sorted(PEOPLE))
def channel(request, twin, scope, reachable) -> Channel:
    """Of a service that has no public address: PUBLIC_URL is a host that no platform could reach."""
    reachable(twin.url)
    config = PLATFORMS[request.param].channel_config(twin.url)
    secrets = {name: config.pop(name) for name in ("access_token", "app_secret", "verify_token")}
    return ChannelFactory(tenant=scope, kind=request.param, config=config, secrets=secrets)


def stored(channel: Channel, name: str = "lamp.png", form: str = "PNG") -> Content:
    file = upload(new_id(), channel, None, name, f"image/{form.lower()}", iter([picture(form)]))
    return Content(type="image", media=Media(url=media_address(file.id), type=file.mime))


def sends(channel: Channel, content: Content) -> Delivery:
    conversation = accept(channel, InboundMessage(str(new_id()), PEOPLE[channel.kind], HELLO))
    message = agent_reply(conversation.conversation.id, None, content)
    deliver(message.conversation_id)
    return Delivery.objects.get(message=message)


def again(delivery: Delivery) -> Delivery:
    Delivery.objects.update(due_at=now())
    deliver(delivery.conversation_id)
    delivery.refresh_from_db()
    return delivery


def shown(twin: Twin, number: int = -1) -> str:
    """The id by which the platform was told to show the file."""
    body = twin.sent[number]["body"]
    told = body.get("image") or body["message"]["attachment"]["payload"]
    assert set(told) in ({"id"}, {"attachment_id"})
    return next(iter(told.values()))


def uploads(twin: Twin) -> int:
    return len([call for call in twin.requests if call.path.endswith(("/media", "/message_attachments"))])


def test_a_picture_of_ours_is_put_there_and_shown_by_its_id(channel, twin) -> None:
    delivery = sends(channel, stored(channel))
    assert delivery.status == "sent"
    mime, content = twin.media[shown(twin)]
    assert (mime, content) == ("image/png", picture())


def test_the_same_file_is_put_there_once(channel, twin) -> None:
    content = stored(channel)
    assert [sends(channel, content).status for _ in range(3)] == ["sent"] * 3
    assert uploads(twin) == 1
    assert len({shown(twin, number) for number in range(3)}) == 1


def test_with_another_account_it_is_put_there_anew(channel, twin) -> None:
    content = stored(channel)
    sends(channel, content)
    channel.save()
    channel_forget(channel)
    sends(channel, content)
    assert uploads(twin) == 2


def test_a_file_that_the_platform_has_lost_is_put_there_once_more(channel, twin) -> None:
    content = stored(channel)
    sends(channel, content)
    twin.media.clear()
    lost = sends(channel, content)
    assert (lost.status, uploads(twin)) == ("queued", 1)
    assert again(lost).status == "sent"
    assert uploads(twin) == 2
    assert shown(twin) in twin.media


def test_one_that_is_lost_again_is_given_up(channel, twin, monkeypatch) -> None:
    monkeypatch.setattr(type(channel.adapter), "upload", lambda *_: "777")
    lost = sends(channel, stored(channel))
    assert lost.status == "queued"
    assert again(lost).status == "failed"
    assert DeliveryAttempt.objects.filter(delivery=lost).count() == 2
    assert channel.health.state != "degraded"


def test_a_platform_that_finds_out_later_gets_it_once_more(channel, twin, monkeypatch) -> None:
    monkeypatch.setattr(type(channel.adapter), "media_codes", frozenset({"131053"}))
    delivery = sends(channel, stored(channel))
    report = StatusUpdate(twin.sent[-1]["id"], "failed", code="131053")
    _status(channel, report)
    assert again(delivery).status == "sent"
    assert (len(twin.sent), uploads(twin)) == (2, 2)
    _status(channel, StatusUpdate(twin.sent[-1]["id"], "failed", code="131053"))
    assert again(delivery).status == "failed"
    assert len(twin.sent) == 2


@pytest.mark.parametrize("names", ["its id", "our reference"])
def test_one_that_finds_out_before_its_answer_is_here_too(channel, twin, monkeypatch, names) -> None:
    """Its report may be quicker than its answer, and may tell us of a part whose answer is not here yet."""
    adapter = type(channel.adapter)
    monkeypatch.setattr(adapter, "media_codes", frozenset({"131053"}))
    send = adapter.send

    def told_first(self, payload, config, http):
        result = send(self, payload, config, http)
        monkeypatch.setattr(adapter, "send", send)
        reference = f"{Delivery.objects.get().id}.0" if names == "our reference" else ""
        _status(channel, StatusUpdate(result.platform_id, "failed", client_ref=reference, code="131053"))
        return result

    monkeypatch.setattr(adapter, "send", told_first)
    delivery = sends(channel, stored(channel))
    assert again(delivery).status == "sent"
    assert (len(twin.sent), uploads(twin)) == (2, 2)


def test_what_the_platform_refuses_goes_by_a_link_where_that_can_be_fetched(
    channel, twin, settings, monkeypatch
) -> None:
    settings.PUBLIC_URL = "https://chat.example.com"
    monkeypatch.setattr(type(channel.adapter), "upload", refuse)
    assert sends(channel, stored(channel)).status == "sent"
    assert "https://chat.example.com/api/v2/media/" in str(twin.sent[-1]["body"])


def test_without_a_public_address_the_refusal_is_the_reason(channel, twin, monkeypatch) -> None:
    monkeypatch.setattr(type(channel.adapter), "upload", refuse)
    failed = sends(channel, stored(channel))
    assert (failed.status, failed.error_code) == ("failed", "100")
    assert not twin.sent


def refuse(*_: object) -> str:
    raise Rejected("100", "The file is not taken.")


def test_a_memory_that_is_away_costs_an_upload_and_nothing_else(channel, twin, monkeypatch) -> None:
    content = stored(channel)
    for name in ("get", "set", "delete"):
        monkeypatch.setattr(type(cache._connections[cache._alias]), name, lambda *_, **__: 1 / 0)
    assert [sends(channel, content).status for _ in range(2)] == ["sent", "sent"]
    assert uploads(twin) == 2


def test_what_is_converted_is_put_there_as_it_is_shown(twin, channel) -> None:
    content = stored(channel, "moving.gif", "GIF")
    sends(channel, content)
    mime, body = twin.media[shown(twin)]
    whole = {"whatsapp": "image/jpeg", "messenger": "image/gif"}[channel.kind]
    assert mime == whole
    assert io.BytesIO(body).read(2) in (b"\xff\xd8", b"GI")


def test_a_file_of_others_goes_by_its_own_address(channel, twin) -> None:
    sends(channel, Content(type="image", media=Media(url="https://cdn.example/i.png", type="image/png")))
    assert uploads(twin) == 0
    assert "https://cdn.example/i.png" in str(twin.sent[-1]["body"])


def test_slack_gets_a_file_from_where_it_lies(twin, scope, reachable) -> None:
    reachable(twin.url)
    config = PLATFORMS["slack"].channel_config(twin.url)
    secrets = {name: config.pop(name) for name in ("bot_token", "signing_secret")}
    slack = ChannelFactory(tenant=scope, kind="slack", config=config, secrets=secrets)
    file = upload(new_id(), slack, None, "notes.txt", "text/plain", iter([b"All of it."]))
    conversation = accept(slack, InboundMessage("D1:1.1", Sender("slack", "U0123ABCD", "T1", "D1"), HELLO)).conversation
    content = Content(type="file", media=Media(url=media_address(file.id), type=file.mime))
    message = agent_reply(conversation.id, None, content)
    deliver(conversation.id)
    assert Delivery.objects.get(message=message).status == "sent"
    assert b"All of it." in [call.body for call in twin.requests]
