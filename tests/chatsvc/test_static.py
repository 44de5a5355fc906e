"""Static files are sent compressed, in development as in production (WEB-1)."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils.module_loading import import_string

WIDGET = next((Path(settings.BASE_DIR) / "static/widget/dist").glob("chat-*.js"))
ADDRESS = f"/static/widget/dist/{WIDGET.name}"
ENDINGS = ["bundle", "loader", "words"]
STATIC = Path(settings.BASE_DIR) / "static"


@pytest.mark.django_db
class TestDevelopment:
    @pytest.mark.parametrize("name", [WIDGET.name, "../widget.js", next(WIDGET.parent.glob("ja-*")).name], ids=ENDINGS)
    def test_the_widget_is_sent_compressed(self, browser, name):
        path = (WIDGET.parent / name).resolve()
        answer = browser.get(f"/static/{path.relative_to(STATIC)}", headers={"Accept-Encoding": "gzip"})
        sent = b"".join(answer.streaming_content)
        assert (answer.status_code, answer["Content-Encoding"]) == (200, "gzip")
        assert gzip.decompress(sent) == path.read_bytes()
        assert len(sent) <= len(gzip.compress(path.read_bytes(), 6)) + 20
        assert "Accept-Encoding" in answer["Vary"]

    def test_brotli_is_taken_where_the_browser_can(self, browser):
        answer = browser.get(ADDRESS, headers={"Accept-Encoding": "gzip, deflate, br"})
        assert (answer["Content-Encoding"], answer["Content-Type"]) == ("br", 'text/javascript; charset="utf-8"')
        assert b"".join(answer.streaming_content) == WIDGET.with_name(f"{WIDGET.name}.br").read_bytes()

    def test_who_cannot_read_it_gets_it_plain(self, browser):
        answer = browser.get(ADDRESS, headers={"Accept-Encoding": "identity"})
        assert b"".join(answer.streaming_content) == WIDGET.read_bytes()
        assert "Content-Encoding" not in answer.headers

    def test_answers_of_the_api_are_not_compressed(self, browser):
        answer = browser.get("/api/schema", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers


@pytest.mark.django_db
def test_what_is_named_by_its_content_is_kept_and_the_loader_is_not(browser):
    assert "immutable" in browser.get(ADDRESS)["Cache-Control"]
    assert browser.get("/static/widget/widget.js")["Cache-Control"] == "max-age=60, public"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "begins"), [("chat-0123456789.js", b"var "), ("de-0123456789.json", b'{\n "title": "Chatten')]
)
def test_a_loader_of_another_release_gets_the_widget_of_this_one(browser, name, begins, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("CompressedStatic")]  # production
    answer = browser.get(f"/static/widget/dist/{name}", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(b"".join(answer.streaming_content)).startswith(begins)
    assert (answer["Cache-Control"], answer["Access-Control-Allow-Origin"]) == ("no-store", "*")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["xx-0123456789.json", "chat-0123456789.css", "chat.js", "..%2Fwidget.js"])
def test_there_is_nothing_else(browser, name):
    assert browser.get(f"/static/widget/dist/{name}").status_code == 404


def test_collectstatic_writes_compressed_files_beside(tmp_path):
    storage = import_string(settings.STORAGES["staticfiles"]["BACKEND"])(location=tmp_path, base_url="/static/")
    storage.save("widget/widget.js", ContentFile(WIDGET.read_bytes()))
    list(storage.post_process({"widget/widget.js": (storage, "widget/widget.js")}))
    assert gzip.decompress((tmp_path / "widget/widget.js.gz").read_bytes()) == WIDGET.read_bytes()
