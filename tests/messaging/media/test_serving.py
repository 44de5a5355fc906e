"""Files are shown by signed links that run out, and cannot act in a reader's browser."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage
from PIL import Image

import chatsvc.settings
from conversations.files.attachments import attachments_delete
from conversations.models import Attachment
from conversations.selectors import message_page
from conversations.shapes import MessageQuery
from messaging.accept import accept
from tests.messaging.media.platform import link_of, path_of, picture, received, sent

pytestmark = pytest.mark.django_db


def test_history_shows_signed_links_and_the_files_state(channel, files, scope, django_assert_max_num_queries):
    files.keep(picture())
    message, stored = received(channel, text="Look")
    with django_assert_max_num_queries(4):
        (shown,) = message_page(message.conversation_id, MessageQuery())["items"]
    assert shown["content"]["media"]["url"].startswith("http://localhost:")
    assert "media:" not in json.dumps(shown["content"])
    assert shown["content"]["media"]["thumbnail_url"] == shown["content"]["media"]["url"] + "?size=thumb"
    (file,) = shown["attachments"]
    assert (file["state"], file["url"], file["width"]) == ("stored", shown["content"]["media"]["url"], 40)


def test_a_link_gives_the_file_and_nothing_that_could_act(stored, browser):
    media = link_of(stored.message)
    answer = browser.get(path_of(media["url"]))
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, picture())
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == 'inline; filename="lamp.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["Cache-Control"].startswith("private")
    small = browser.get(path_of(media["thumbnail_url"]))
    assert small["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(b"".join(small.streaming_content))).format == "WEBP"


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-999999", 200, slice(None)),
        ("bytes=1-2,5-6", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
    ],
)
def test_players_get_the_part_they_ask_for(stored, browser, asked, status, part):
    answer = browser.get(path_of(link_of(stored.message)["url"]), HTTP_RANGE=asked)
    body = b"".join(answer.streaming_content)
    assert (answer.status_code, body, answer["Content-Length"]) == (status, picture()[part], str(len(body)))


@pytest.mark.parametrize("asked", ["bytes=99999-", "bytes=-0", "bytes=5-4"])
def test_a_part_that_is_not_there_is_refused(stored, browser, asked):
    answer = browser.get(path_of(link_of(stored.message)["url"]), HTTP_RANGE=asked)
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(picture())}")


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + chr(ord(token[-1]) ^ 1),
        lambda token: token.replace(".", ".9", 1),
        lambda token: "f" + token[1:],
        lambda token: "nonsense",
        lambda token: "..",
        lambda token: token + "%00",
    ],
    ids=["signature", "later", "another file", "nonsense", "dots", "nul"],
)
def test_a_changed_link_opens_nothing(stored, browser, change):
    token = link_of(stored.message)["url"].rsplit("/", 1)[1]
    answer = browser.get(f"/api/v2/media/{change(token)}")
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["code"] in ("media_not_found", "validation_error")


def test_a_link_runs_out(stored, browser, settings, time_machine):
    time_machine.move_to("2027-01-01T00:00:00Z")
    url = path_of(link_of(stored.message)["url"])
    time_machine.shift(settings.ENV["MEDIA_LINK_TTL"] - 1)
    assert browser.get(url).status_code == 200
    time_machine.shift(settings.ENV["MEDIA_LINK_TTL"] + 2)
    assert browser.get(url).json()["error"]["code"] == "media_not_found"


def test_documents_are_saved_rather_than_shown(channel, files, scope, browser):
    files.keep(b"%PDF-1.7\n")
    message, _ = received(channel, "application/pdf", "file", name="Müller.pdf")
    answer = browser.get(path_of(link_of(message)["url"]))
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''M%C3%BCller.pdf")


def test_a_file_on_its_way_says_so_and_a_refused_one_is_not_there(channel, files, scope, browser):
    message = accept(channel, sent()).message
    pending = browser.get(path_of(link_of(message)["url"]))
    assert (pending.status_code, pending.json()["error"]["code"], pending["Retry-After"]) == (503, "media_pending", "5")
    Attachment.objects.update(state="refused")
    assert browser.get(path_of(link_of(message)["url"])).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_deleting_a_row_deletes_its_files(stored, storage):
    assert len([path for path in Path(storage).rglob("*") if path.is_file()]) == 2
    attachments_delete([stored])
    assert not [path for path in Path(storage).rglob("*") if path.is_file()]
    assert not default_storage.exists(stored.file.name)


def test_with_a_bucket_a_link_leads_to_a_signed_address_there(stored, browser, settings):
    url = path_of(link_of(stored.message)["url"])
    s3 = {"bucket_name": "files", "endpoint_url": "https://s3.example", "access_key": "AKIAX", "secret_key": "secret-x",
          "region_name": "eu-1", "signature_version": "s3v4", "addressing_style": "path"}  # fmt: skip
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": s3}}
    settings.ENV = {**settings.ENV, "MEDIA_S3_BUCKET": "files"}
    answer = browser.get(url)
    target = urlsplit(answer["Location"])
    asked = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert (answer.status_code, target.netloc, target.path) == (302, "s3.example", f"/files/{stored.file.name}")
    assert (asked["response-content-type"], asked["response-content-disposition"]) == (
        "image/png", 'inline; filename="lamp.png"',
    )  # fmt: skip
    assert int(asked["X-Amz-Expires"]) <= 3600
    assert "secret-x" not in answer["Location"]


def test_the_bucket_is_configured_by_the_environment(monkeypatch):
    monkeypatch.setitem(chatsvc.settings.ENV, "MEDIA_S3_BUCKET", "files")
    monkeypatch.setitem(chatsvc.settings.ENV, "MEDIA_S3_ENDPOINT", "https://s3.example")
    made = chatsvc.settings._media_storage()
    assert made["BACKEND"] == "storages.backends.s3.S3Storage"
    assert (made["OPTIONS"]["bucket_name"], made["OPTIONS"]["endpoint_url"]) == ("files", "https://s3.example")
    assert "access_key" not in made["OPTIONS"]  # the machine's own role
