"""Sounds, films and HEIC photos in a form that people and channels can use (MSG-4), made by the real converters."""

from __future__ import annotations

import io

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from channels_app.content.forms import FORMS
from channels_app.content.types import UNKNOWN_FILE, Content, Media
from channels_app.contract import InboundMessage, MediaRef, Sender
from channels_app.models import Channel
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from conversations.files.attachments import attachments_delete, form_name, form_size
from conversations.files.media_links import media_address
from conversations.models import Attachment
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.media.convert import programs
from messaging.media.fetch import file_process
from messaging.media.outgoing import content_public
from messaging.media.uploads import upload
from messaging.models import Delivery, DeliveryAttempt
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import new_id
from tests.factories import ChannelFactory
from tests.messaging.media.platform import events, link_of, path_of, picture, received
from tests.messaging.media.recordings import heic, needs_ffmpeg, needs_heif, probed, recording

pytestmark = pytest.mark.django_db
HELLO = Content(type="text", text="hi")
PEOPLE = {
    "whatsapp": Sender("phone", "+15550107777"),
    "messenger": Sender("psid", "24680135790001"),
    "sms": Sender("phone", "+15005550006"),
}
HIDDEN = frozenset({"access_token", "app_secret", "verify_token", "auth_token", "api_key_secret"})


@pytest.fixture
def twin():
    with server.start() as twin:
        yield twin


@pytest.fixture
def opened(twin, scope, reachable):
    """A channel on the twin, by its kind."""
    reachable(twin.url)

    def channel(kind: str) -> Channel:
        config = PLATFORMS[kind].channel_config(twin.url)
        secrets = {name: config.pop(name) for name in HIDDEN & set(config)}
        return ChannelFactory(tenant=scope, kind=kind, config=config, secrets=secrets)

    return channel


def of_ours(channel: Channel, body: bytes, name: str, mime: str, kind: str) -> Content:
    file = upload(new_id(), channel, None, name, mime, iter([body]))
    return Content(type=kind, media=Media(url=media_address(file.id), type=file.mime))


def sends(channel: Channel, content: Content) -> Delivery:
    conversation = accept(channel, InboundMessage(str(new_id()), PEOPLE[channel.kind], HELLO)).conversation
    message = agent_reply(conversation.id, None, content)
    deliver(conversation.id)
    return Delivery.objects.get(message=message)


def cuts() -> list[str]:
    return [step["cut"] for step in DeliveryAttempt.objects.order_by("-id")[0].exchange if "cut" in step]


def written(path: str) -> bytes:
    with default_storage.open(path, "rb") as file:
        return file.read()


# ------------------------------------------------------------------------------ out

SOUNDS = {
    "an mp3": ("mp3", "audio/mpeg"),
    "what a browser has recorded": ("webm sound", "audio/webm"),
    "a wav": ("wav", "audio/wav"),
    "ogg of another codec": ("vorbis", "audio/ogg"),
    "opus in stereo": ("opus stereo", "audio/ogg"),
}


@pytest.mark.parametrize(("name", "mime"), SOUNDS.values(), ids=SOUNDS)
def test_a_sound_is_a_voice_message_on_whatsapp(opened, twin, name, mime):
    needs_ffmpeg()
    whatsapp = opened("whatsapp")
    assert sends(whatsapp, of_ours(whatsapp, recording(name), "voice", mime, "audio")).status == "sent"
    shown = twin.sent[-1]["body"]["audio"]
    mime_there, content = twin.media[shown["id"]]
    made = probed(content)
    assert (shown["voice"], mime_there, made["format_name"], made["codecs"]) == (True, "audio/ogg", "ogg", ["opus"])
    assert (made["streams"][0]["channels"], round(float(made["duration"]))) == (1, 1)
    assert cuts() == [f"{mime} → audio/ogg"]


def test_a_voice_message_goes_to_whatsapp_as_it_is(opened, twin):
    needs_ffmpeg()
    whatsapp = opened("whatsapp")
    sends(whatsapp, of_ours(whatsapp, recording("opus"), "voice.ogg", "audio/ogg", "audio"))
    shown = twin.sent[-1]["body"]["audio"]
    assert (shown["voice"], twin.media[shown["id"]][1]) == (True, recording("opus"))
    assert cuts() == []


def test_a_sound_that_is_sent_as_a_file_stays_as_it_is(opened, twin):
    needs_ffmpeg()
    whatsapp = opened("whatsapp")
    sends(whatsapp, of_ours(whatsapp, recording("mp3"), "song.mp3", "audio/mpeg", "file"))
    shown = twin.sent[-1]["body"]["document"]
    assert (shown["filename"], twin.media[shown["id"]][1]) == ("song.mp3", recording("mp3"))


FILMS = {
    "a browser's webm": ("webm film", "video/webm"),
    "a phone's quicktime": ("quicktime", "video/quicktime"),
    "mp4 of another codec": ("mpeg4 in mp4", "video/mp4"),
}


@pytest.mark.parametrize(("name", "mime"), FILMS.values(), ids=FILMS)
def test_a_film_is_an_mp4_that_phones_play(opened, twin, name, mime):
    needs_ffmpeg()
    whatsapp = opened("whatsapp")
    assert sends(whatsapp, of_ours(whatsapp, recording(name), "film", mime, "video")).status == "sent"
    mime_there, content = twin.media[twin.sent[-1]["body"]["video"]["id"]]
    made = probed(content)
    assert (mime_there, made["codecs"][0], made["streams"][0]["width"]) == ("video/mp4", "h264", 64)
    assert set(made["codecs"]) <= {"h264", "aac"}


def test_a_film_that_the_channel_plays_is_not_touched(opened, twin):
    needs_ffmpeg()
    whatsapp = opened("whatsapp")
    sends(whatsapp, of_ours(whatsapp, recording("mp4"), "film.mp4", "video/mp4", "video"))
    assert twin.media[twin.sent[-1]["body"]["video"]["id"]][1] == recording("mp4")


@pytest.mark.parametrize(
    ("name", "mime", "kind"), [("webm sound", "audio/webm", "audio"), ("webm film", "video/webm", "video")]
)
def test_messenger_gets_mp4(opened, twin, name, mime, kind):
    needs_ffmpeg()
    messenger = opened("messenger")
    assert sends(messenger, of_ours(messenger, recording(name), "made", mime, kind)).status == "sent"
    payload = twin.sent[-1]["body"]["message"]["attachment"]["payload"]
    assert twin.media[payload["attachment_id"]][0] == f"{kind}/mp4"


def test_a_recording_is_made_small_enough_for_a_phones_message(opened, twin):
    """40 seconds of WAV are 1.3 MB; half a megabyte is what carriers pass on."""
    needs_ffmpeg()
    sms = opened("sms")
    assert sends(sms, of_ours(sms, recording("long wav"), "voice.wav", "audio/wav", "audio")).status == "sent"
    assert "as=m4a" in str(twin.sent[-1]["body"])
    stored = Attachment.objects.get(mime="audio/wav")
    assert 50_000 < form_size(stored, FORMS["m4a"]) < 500 * 1024


@pytest.mark.django_db(transaction=True)
def test_a_form_is_made_once_and_goes_with_its_file(opened, twin, monkeypatch):
    needs_ffmpeg()
    whatsapp, ran = opened("whatsapp"), []
    real = programs.convert
    monkeypatch.setattr(programs, "convert", lambda *args, **limits: ran.append(args[2].name) or real(*args, **limits))
    content = of_ours(whatsapp, recording("mp3"), "voice.mp3", "audio/mpeg", "audio")
    assert [sends(whatsapp, content).status for _ in range(2)] == ["sent", "sent"]
    assert ran == ["opus"]
    stored = Attachment.objects.get()
    path = form_name(stored, FORMS["opus"])
    assert path.startswith(f"{stored.tenant_id.hex}/{stored.id.hex}/")
    attachments_delete([stored])
    assert not default_storage.exists(path)


def test_a_photo_is_made_small_enough_for_teams(opened, twin):
    teams = Channel(kind="teams").capabilities
    whatsapp = opened("whatsapp")
    content = of_ours(whatsapp, picture("JPEG", (3000, 2000)), "photo.jpg", "image/jpeg", "image")
    media = content_public(content, teams).media
    stored = Attachment.objects.get()
    made = Image.open(io.BytesIO(written(form_name(stored, FORMS["jpeg-1024"]))))
    assert (media.url.partition("?")[2], made.size, media.size_bytes <= 1 << 20) == ("as=jpeg-1024", (1024, 683), True)


# ------------------------------------------------------------------------------ in


def comes_in(channel: Channel, kind: str, mime: str, name: str = "") -> Attachment:
    content = Content(type=kind, media=Media(url="media:M1", type=mime, name=name or None))
    ref = MediaRef(kind, id="900000000000077", mime=mime, name=name)
    message = accept(channel, InboundMessage("wamid.1", PEOPLE["whatsapp"], content, media=(ref,))).message
    stored = Attachment.objects.get(message=message)
    file_process(stored.id)
    stored.refresh_from_db()
    return stored


def test_a_heic_photo_is_seen_as_jpeg(opened, twin, browser):
    needs_heif()
    twin.media["900000000000077"] = ("image/heic", heic())
    stored = comes_in(opened("whatsapp"), "image", "image/heic", "IMG_0001.HEIC")
    message = stored.message
    message.refresh_from_db()
    media = link_of(message)
    assert (stored.state, stored.mime, stored.size, stored.reason) == ("stored", "image/heic", len(heic()), "")
    assert (message.content["type"], media["type"], media["name"]) == ("image", "image/jpeg", "IMG_0001.HEIC")
    shown = browser.get(path_of(media["url"]))
    body = b"".join(shown.streaming_content)
    assert (shown["Content-Type"], len(body)) == ("image/jpeg", media["size_bytes"])
    assert 'filename="IMG_0001.jpg"' in shown["Content-Disposition"]
    assert Image.open(io.BytesIO(body)).size == (60, 40)
    small = browser.get(path_of(media["thumbnail_url"]))
    assert Image.open(io.BytesIO(b"".join(small.streaming_content))).format == "WEBP"
    original = browser.get(f"{path_of(media['url'])}?as=original")
    assert (original["Content-Type"], b"".join(original.streaming_content)) == ("image/heic", heic())
    assert events("chat.attachment.stored")[0]["mime"] == "image/heic"


def test_what_a_phone_recorded_can_be_played(opened, twin, browser):
    needs_ffmpeg()
    twin.media["900000000000077"] = ("audio/webm", recording("webm sound"))
    stored = comes_in(opened("whatsapp"), "audio", "audio/webm")
    stored.message.refresh_from_db()
    media = link_of(stored.message)
    assert (stored.message.content_type, media["type"]) == ("audio", "audio/mp4")
    part = browser.get(path_of(media["url"]), headers={"Range": "bytes=0-99"})
    assert (part.status_code, part["Content-Type"], len(b"".join(part.streaming_content))) == (206, "audio/mp4", 100)


def test_a_file_of_a_type_that_we_do_not_know_is_kept_for_people(opened, twin, browser):
    body = b"Rar!\x1a\7\1\0" + bytes(range(256))
    twin.media["900000000000077"] = ("application/x-rar", body)
    stored = comes_in(opened("whatsapp"), "file", UNKNOWN_FILE, "plans.rar")
    stored.message.refresh_from_db()
    media = link_of(stored.message)
    assert (stored.state, stored.mime, stored.name, stored.size) == ("stored", UNKNOWN_FILE, "plans.rar", len(body))
    assert (stored.message.content["type"], media["type"]) == ("file", UNKNOWN_FILE)
    answer = browser.get(path_of(media["url"]))
    assert b"".join(answer.streaming_content) == body
    assert answer["Content-Disposition"] == 'attachment; filename="plans.rar"'
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", UNKNOWN_FILE)
    assert "sandbox" in answer["Content-Security-Policy"]


# ------------------------------------------------------- without a converter, and where it fails


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(programs, "_ffmpeg", lambda: None)
    monkeypatch.setattr(programs, "_heif", lambda: False)


WEBM = b"\x1a\x45\xdf\xa3" + bytes(8) + b"\x42\x82\x84webm" + bytes(400)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
MP3 = b"ID3\4" + bytes(400)


@pytest.mark.parametrize(
    ("body", "mime", "kind"), [(HEIC, "image/heic", "image"), (WEBM, "video/webm", "video")], ids=["heic", "webm"]
)
def test_what_cannot_be_shown_is_a_download_with_a_reason(nothing_installed, opened, twin, browser, body, mime, kind):
    twin.media["900000000000077"] = (mime, body)
    stored = comes_in(opened("whatsapp"), kind, mime, "it")
    stored.message.refresh_from_db()
    media = link_of(stored.message)
    assert (stored.state, stored.reason) == ("stored", "not_shown:no_converter")
    assert (stored.message.content["type"], media["type"]) == ("file", mime)
    answer = browser.get(path_of(media["url"]))
    assert (b"".join(answer.streaming_content), answer["Content-Type"]) == (body, mime)


def test_without_a_converter_a_link_is_sent_and_the_reason_told(nothing_installed, opened, twin):
    whatsapp = opened("whatsapp")
    delivery = sends(whatsapp, of_ours(whatsapp, WEBM, "film.webm", "video/webm", "video"))
    assert (delivery.status, twin.sent[-1]["body"]["type"]) == ("sent", "text")
    assert "/api/v2/media/" in twin.sent[-1]["body"]["text"]["body"]
    assert cuts() == ["video/webm not converted: no_converter", "video → link"]
    assert Attachment.objects.get().reason == "not_converted:no_converter"


def test_without_a_converter_a_sound_that_the_channel_takes_goes_as_it_is(nothing_installed, opened, twin):
    whatsapp = opened("whatsapp")
    assert sends(whatsapp, of_ours(whatsapp, MP3, "voice.mp3", "audio/mpeg", "audio")).status == "sent"
    shown = twin.sent[-1]["body"]["audio"]
    assert (set(shown), twin.media[shown["id"]]) == ({"id"}, ("audio/mpeg", MP3))


def test_a_file_that_the_converter_cannot_read_is_tried_once(opened, twin, monkeypatch):
    needs_ffmpeg()
    whatsapp, ran = opened("whatsapp"), []
    real = programs.convert
    monkeypatch.setattr(programs, "convert", lambda *args, **limits: ran.append(1) or real(*args, **limits))
    content = of_ours(whatsapp, WEBM, "film.webm", "video/webm", "video")
    assert [sends(whatsapp, content).status for _ in range(2)] == ["sent", "sent"]
    assert len(ran) == 2  # once for each size of film
    assert Attachment.objects.get().reason == "not_converted:conversion_failed"


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_browsers_do_not_show_is_turned_by_a_worker(opened, twin, scope, calls, browser):
    """A web process converts nothing: a link to it says that it is on its way until then."""
    needs_heif()
    web = ChannelFactory(tenant=scope, kind="web")
    content = of_ours(web, heic(), "IMG_1.HEIC", "image/heic", "image")
    sender = Sender("web", "visitor-1")
    message = accept(web, InboundMessage("m1", sender, content)).message
    stored = Attachment.objects.get()
    assert link_of(message)["type"] == "image/jpeg"
    assert browser.get(path_of(link_of(message)["url"])).status_code == 503
    assert calls.of("media") == [stored.id]
    file_process(stored.id)
    stored.refresh_from_db()
    assert link_of(message)["size_bytes"] > 0
    assert (browser.get(path_of(link_of(message)["url"])).status_code, bool(stored.thumbnail)) == (200, True)
    assert not file_process(stored.id)


def test_received_stays_what_it_was(channel, files, scope):
    """Files that browsers show have no other form."""
    files.keep(picture())
    assert received(channel)[1].reason == ""
