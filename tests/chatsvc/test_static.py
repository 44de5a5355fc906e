"""Static files are sent compressed, in development as in production (WEB-1)."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils.module_loading import import_string

WIDGET = Path(settings.BASE_DIR) / "static/widget/widget.js"


@pytest.mark.django_db
class TestDevelopment:
    def test_the_widget_is_sent_compressed(self, browser):
        answer = browser.get("/static/widget/widget.js", headers={"Accept-Encoding": "gzip, br"})
        sent = b"".join(answer.streaming_content)
        assert (answer.status_code, answer["Content-Encoding"]) == (200, "gzip")
        assert gzip.decompress(sent) == WIDGET.read_bytes()
        assert len(sent) < len(WIDGET.read_bytes()) / 2
        assert "Accept-Encoding" in answer["Vary"]

    def test_who_cannot_read_it_gets_it_plain(self, browser):
        answer = browser.get("/static/widget/widget.js", headers={"Accept-Encoding": "identity"})
        assert b"".join(answer.streaming_content) == WIDGET.read_bytes()
        assert "Content-Encoding" not in answer.headers

    def test_answers_of_the_api_are_not_compressed(self, browser):
        answer = browser.get("/api/schema", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers


def test_collectstatic_writes_compressed_files_beside(tmp_path):
    storage = import_string(settings.STORAGES["staticfiles"]["BACKEND"])(location=tmp_path, base_url="/static/")
    storage.save("widget/widget.js", ContentFile(WIDGET.read_bytes()))
    list(storage.post_process({"widget/widget.js": (storage, "widget/widget.js")}))
    assert gzip.decompress((tmp_path / "widget/widget.js.gz").read_bytes()) == WIDGET.read_bytes()
