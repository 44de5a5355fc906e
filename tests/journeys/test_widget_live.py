"""The widget journey against the real service: `serve` as a process, Chromium as the visitor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from channels_app.twin.server import start
from tests.journeys.widget_page import WidgetPage
from tests.migrated import demo_copy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running service with its demo tenant, on a database of its own."""
    folder = tmp_path_factory.mktemp("live")
    with start(port=0) as lender:  # a port that is surely free
        port = lender.url.rsplit(":", 1)[1].strip("/")
    environ = {
        **os.environ, "DATABASE_URL": f"sqlite:///{folder}/live.sqlite3", "PORT": port, "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "chatsvc.settings", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip

    def manage(*arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    demo_copy(folder / "live.sqlite3")
    process = subprocess.Popen(manage("serve"), cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while not _answers(url):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(30)


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/health", timeout=2).status == 200
    except OSError:
        return False


@pytest.mark.browser
def test_a_visitor_gets_answers_and_finds_them_again_after_a_reload(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    widget = WidgetPage(context.new_page())
    complaints: list[str] = []
    widget.page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    widget.page.goto(address)
    widget.open()
    widget.write("What are your opening hours?")
    expect(widget.texts.last).to_contain_text("open Monday", timeout=20_000)
    widget.page.reload()
    expect(widget.texts.filter(has_text="open Monday")).to_have_count(1, timeout=20_000)
    expect(widget.texts.filter(has_text="What are your opening hours?")).to_have_count(1)
    assert complaints == []
    context.close()
