"""Files of ours on their way out: a public link, and a format that the channel can show."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from channels_app.content.types import Capabilities, Content, Media, text
from channels_app.contract import Rejected
from conversations.files.attachments import attachments_delete
from messaging.deliver import deliver
from messaging.media.outgoing import content_public
from messaging.models import Delivery
from messaging.rules.agent_replies import agent_reply
from tests.messaging.media.platform import path_of, picture, received

pytestmark = pytest.mark.django_db

JPEG_ONLY = Capabilities(types={"image"}, media_types={"image/jpeg": 5000})
ANY = Capabilities(types={"image"})


@pytest.fixture
def content(stored):
    return Content.model_validate(stored.message.content)


def test_what_the_channel_takes_goes_out_as_it_is_by_a_link_that_lasts_days(content, settings, browser, time_machine):
    time_machine.move_to("2027-01-01T00:00:00Z")
    media = content_public(content, ANY).media
    assert (media.type, media.url.startswith("http://localhost")) == ("image/png", True)
    time_machine.shift(settings.ENV["MEDIA_PUBLIC_LINK_TTL"] - 1)
    assert browser.get(path_of(media.url)).status_code == 200


def test_what_it_does_not_take_becomes_a_jpeg_the_same_at_every_try(content, browser):
    media = content_public(content, JPEG_ONLY).media
    assert (media.type, media.url.endswith("?as=jpeg")) == ("image/jpeg", True)
    assert content_public(content, JPEG_ONLY).media == media
    answer = browser.get(path_of(media.url))
    body = b"".join(answer.streaming_content)
    assert (answer["Content-Type"], len(body)) == ("image/jpeg", media.size_bytes)
    assert Image.open(io.BytesIO(body)).format == "JPEG"


@pytest.mark.parametrize(
    "caps",
    [
        Capabilities(types={"image"}, media_types={"image/jpeg": 10}),
        Capabilities(types={"file"}, media_types={"application/pdf": 10_000}),
    ],
    ids=["a jpeg is too large as well", "no images at all"],
)
def test_where_converting_does_not_help_the_file_stays_as_it_is(content, caps):
    media = content_public(content, caps).media
    assert (media.type, "as=jpeg" in media.url) == ("image/png", False)


def test_a_jpeg_that_was_not_made_is_not_there(stored, content, browser):
    url = content_public(content, ANY).media.url
    assert browser.get(f"{path_of(url)}?as=jpeg").status_code == 404


@pytest.mark.parametrize(
    "said", [text("hello"), Content(type="image", media=Media(url="https://cdn.example/i.webp", type="image/webp"))]
)
def test_what_is_not_ours_stays_as_it_is(scope, said):
    assert content_public(said, JPEG_ONLY) is said


def test_a_file_that_was_deleted_is_a_reason(stored, content):
    attachments_delete([stored])
    with pytest.raises(Rejected) as rejected:
        content_public(content, ANY)
    assert rejected.value.code == "media_gone"


def test_an_agent_sends_a_gif_to_whatsapp_as_a_jpeg(channel, files, scope):
    files.keep(picture("GIF"))
    message, stored = received(channel)
    agent_reply(message.conversation_id, None, Content.model_validate(message.content))
    deliver(message.conversation_id)
    delivery = Delivery.objects.get()
    (body,) = files.posted
    assert (delivery.status, delivery.message.content["media"]["url"]) == ("sent", f"media:{stored.id}")
    assert (body["type"], body["image"]) == ("image", {"id": "901"})
    assert b"Content-Type: image/jpeg" in files.put[0]
