"""Files of messages are fetched once, examined and kept; what cannot be kept is told."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from conversations.files.attachments import NEVER
from conversations.models import Attachment, Message
from messaging import sweep
from messaging.accept import accept
from messaging.media import fetch as media
from messaging.media.fetch import file_process
from tenants.storage.db import new_id, now
from tests.messaging.media.platform import Files, events, picture, received, sent

pytestmark = pytest.mark.django_db


# ---------------------------------------------------------------------------- the way in


@pytest.mark.django_db(transaction=True)
def test_a_platforms_file_is_fetched_examined_and_kept(channel, files, calls, scope):
    files.keep(picture("JPEG", (640, 320)))  # the platform called it a PNG
    message, stored = received(channel, name="lamp.png")
    assert calls.of("media") == [stored.id]
    assert (stored.state, stored.kind, stored.mime, stored.width, stored.height) == (
        "stored", "image", "image/jpeg", 640, 320,
    )  # fmt: skip
    assert (stored.name, stored.reason, stored.due_at) == ("lamp.png.jpg", "", NEVER)
    assert stored.file.read() == picture("JPEG", (640, 320))
    assert Image.open(stored.thumbnail).size == (320, 160)
    assert message.content["media"] == {
        "url": f"media:{stored.id}", "type": "image/jpeg", "size_bytes": stored.size, "name": "lamp.png.jpg",
    }  # fmt: skip
    assert files.seen == [("/v25.0/77", "Bearer token-0123456789"), ("/file", "Bearer token-0123456789")]
    (told,) = events("chat.attachment.stored")
    assert (told["message_id"], told["mime"], told["seq"]) == (str(message.id), "image/jpeg", 1)


def test_a_repeated_message_has_its_file_once(channel, files, scope):
    files.keep(picture())
    received(channel)
    assert accept(channel, sent()).duplicate
    assert Attachment.objects.count() == 1


def test_a_message_without_files_makes_no_rows(channel, said, calls, scope):
    accept(channel, said("hello", id="wamid.1"))
    assert (Attachment.objects.count(), calls.of("media")) == (0, [])


def test_the_type_that_the_bytes_show_decides_how_it_is_shown(channel, files, scope):
    files.keep(b"%PDF-1.7\n")
    message, stored = received(channel)
    assert (message.content_type, message.content["type"], stored.kind) == ("file", "file", "file")
    assert stored.thumbnail.name == ""


@pytest.mark.parametrize(
    ("body", "mime", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "type_refused"),
        (b"<html>hi</html>", "application/octet-stream", "type_refused"),
        (b"MZ\x90\0" + bytes(100), "image/png", "type_refused"),
        (b"", "image/png", "empty"),
        (bytes(3000), "image/png", "too_large"),
    ],
    ids=["svg", "html", "program", "nothing", "too large"],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(channel, files, settings, scope, body, mime, reason):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    files.keep(body, mime=mime)
    message, refused = received(channel)
    assert (refused.state, refused.reason, refused.file.name) == ("refused", reason, "")
    assert message.content["media"]["url"] == f"media:{refused.id}"
    assert [told["reason"] for told in events("chat.attachment.refused")] == [reason]
    assert file_process(refused.id) is None


def test_the_size_limit_holds_while_the_file_comes_without_a_length(channel, files, settings, scope):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    files.keep(b"")
    chunked = b"800\r\n" + bytes(2048) + b"\r\n0\r\n\r\n"
    files.answers["/file"] = (200, {"Content-Length": "", "Transfer-Encoding": "chunked"}, chunked)
    assert received(channel)[1].reason in ("too_large", "answer_broken")


@pytest.mark.parametrize(
    ("status", "mime", "reason"),
    [(500, "image/png", "http_500"), (404, "image/png", "http_404"), (200, "text/html", "login_page")],
    ids=["their fault", "not there yet", "login page"],
)
def test_what_may_work_later_is_tried_again_with_growing_pauses(channel, files, calls, scope, status, mime, reason):
    files.keep(picture(), status=status, mime=mime)
    _, waiting = received(channel)
    assert (waiting.state, waiting.reason, waiting.attempts) == ("remote", reason, 1)
    assert timedelta(seconds=3) < waiting.due_at - now() <= timedelta(seconds=5)
    assert file_process(waiting.id) is None  # not due
    files.keep(picture())
    Attachment.objects.update(due_at=now())
    file_process(waiting.id)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("stored", "")


def test_a_platform_that_asks_for_no_pause_does_not_use_up_the_tries(channel, files, calls, scope):
    files.answers["/v25.0/77"] = (429, {"Retry-After": "0"}, b"{}")
    _, waiting = received(channel)
    assert (waiting.state, waiting.reason, waiting.attempts) == ("remote", "http_429", 1)
    assert timedelta(seconds=2) < waiting.due_at - now() <= timedelta(seconds=5)


def test_the_last_try_ends_in_a_reason(channel, files, scope):
    files.keep(b"", status=503)
    _, waiting = received(channel)
    Attachment.objects.update(due_at=now(), attempts=media.TRIES.tries - 1)
    file_process(waiting.id)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("failed", "http_503")
    assert [told["reason"] for told in events("chat.attachment.refused")] == ["http_503"]


def test_an_address_that_has_run_out_is_asked_for_again_at_once(channel, files, scope):
    files.keep(picture())
    files.answers["/file"] = [(404, {}, b""), (200, {}, picture())]
    assert received(channel)[1].state == "stored"
    assert files.paths() == ["/v25.0/77", "/file", "/v25.0/77", "/file"]


def test_credentials_do_not_follow_a_redirect_to_another_host(channel, files, reachable, scope):
    other = Files()
    reachable(other.url)
    other.answers["/blob"] = (200, {}, picture())
    files.keep(b"")
    files.answers["/file"] = (302, {"Location": f"{other.url}/blob"}, b"")
    assert received(channel)[1].state == "stored"
    assert other.seen == [("/blob", "")]
    other.server.shutdown()
    other.server.server_close()


def test_a_file_of_a_message_that_was_deleted_meanwhile_is_not_fetched(channel, files, scope):
    message = accept(channel, sent()).message
    Message.objects.update(deleted_at=now())
    file_process(Attachment.objects.get(message=message).id)
    assert (Attachment.objects.get().reason, files.seen) == ("message_deleted", [])


# -------------------------------------------------------------------------- crash safety


@pytest.mark.django_db(transaction=True)
def test_one_worker_at_a_time_and_the_sweep_finds_what_was_lost(channel, files, calls, scope):
    files.keep(picture())
    message = accept(channel, sent()).message
    attachment = Attachment.objects.get(message=message)
    Attachment.objects.update(due_at=now() + media.LEASE, attempts=1)  # a worker has it
    assert file_process(attachment.id) is None
    calls.all.clear()
    Attachment.objects.update(due_at=now() - timedelta(minutes=1))  # and died
    sweep.sweep()
    assert calls.of("media") == [attachment.id]
    assert file_process(attachment.id).state == "stored"
    calls.all.clear()
    sweep.sweep()
    assert calls.of("media") == []


def test_a_worker_that_was_given_up_changes_nothing(channel, files, scope, monkeypatch):
    files.keep(picture())
    attachment = Attachment.objects.get(message=accept(channel, sent()).message)

    def slow(*args, **options):
        Attachment.objects.update(claim=new_id())  # another worker took over
        return media.Kept(media.examine(io.BytesIO(picture())), 1, "0" * 64)

    monkeypatch.setattr(media, "received", lambda *args: (io.BytesIO(picture()), slow()))
    file_process(attachment.id)
    assert (Attachment.objects.get().state, events("chat.attachment.stored")) == ("remote", [])


def test_a_bug_of_ours_is_tried_again_and_not_lost(channel, files, scope, monkeypatch):
    monkeypatch.setattr(type(channel.adapter), "locate", lambda *args: 1 / 0)
    assert received(channel)[1].reason == "internal_error"
    assert Attachment.objects.get().state == "remote"
