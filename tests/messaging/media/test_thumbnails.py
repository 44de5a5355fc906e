"""Thumbnails of uploads: by a worker, and made up for when the wake-up call was lost."""

from __future__ import annotations

import io

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from channels_app.content import media
from conversations.files.attachments import thumbnail_write
from conversations.files.media_links import media_link
from conversations.models import Attachment
from messaging import tasks
from messaging.media import thumbnails
from messaging.media.thumbnails import thumbnail_make
from messaging.media.uploads import upload
from tenants.storage.db import new_id
from tests.messaging.media.platform import path_of, picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def uploaded(web, scope) -> Attachment:
    return upload(new_id(), web, None, "lamp.png", "image/png", [picture(size=(640, 320))])


def thumb(browser, attachment):
    answer = browser.get(path_of(media_link(attachment.id)) + "?size=thumb")
    return answer["Content-Type"], Image.open(io.BytesIO(b"".join(answer.streaming_content))).size


def test_an_upload_decodes_nothing_in_the_web_process(web, scope, calls, monkeypatch):
    monkeypatch.setattr(media, "_made", None)  # decoding would fail
    stored = upload(new_id(), web, None, "lamp.png", "image/png", [picture(size=(640, 320))])
    assert (stored.state, stored.width, stored.thumbnail.name) == ("stored", 640, "")
    assert calls.of("thumbnail") == [stored.id]


def test_a_worker_makes_it_once(uploaded, browser, monkeypatch):
    assert thumb(browser, uploaded) == ("image/png", (640, 320))  # until then the original
    tasks.thumbnail(str(uploaded.id))
    assert thumb(browser, uploaded) == ("image/webp", (320, 160))
    monkeypatch.setattr(thumbnails, "thumbnail", None)
    tasks.thumbnail(str(uploaded.id))


def test_a_lost_call_is_made_up_for_when_it_is_asked_for(uploaded, browser, calls):
    calls.all.clear()
    thumb(browser, uploaded)
    assert calls.of("thumbnail") == [uploaded.id]
    thumbnail_make(uploaded.id)
    thumb(browser, uploaded)
    assert calls.of("thumbnail") == [uploaded.id]


def test_an_image_of_which_none_can_be_made_is_asked_once(web, scope, browser, calls):
    cut = picture(size=(400, 400))[:-30]
    stored = upload(new_id(), web, None, "cut.png", "image/png", [cut])
    thumbnail_make(stored.id)
    stored.refresh_from_db()
    assert (stored.state, stored.reason, stored.thumbnail.name) == ("stored", "no_thumbnail", "")
    calls.all.clear()
    browser.get(path_of(media_link(stored.id)) + "?size=thumb")
    assert calls.all == []


def test_what_is_no_image_wakes_no_worker(web, scope, calls):
    upload(new_id(), web, None, "a.pdf", "application/pdf", [b"%PDF-1.7\n"])
    assert calls.all == []


def test_nothing_stays_of_a_file_that_was_deleted_meanwhile(uploaded, monkeypatch):
    def write(attachment, content):
        Attachment.objects.all().delete()
        return thumbnail_write(attachment, content)

    monkeypatch.setattr(thumbnails, "thumbnail_write", write)
    thumbnail_make(uploaded.id)
    folder = f"{uploaded.tenant_id.hex}/{uploaded.id.hex}"
    assert not default_storage.exists(f"{folder}/thumbnail.webp")
