"""The widget journey against the real service: `serve` as a process, Chromium as the visitor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chaos.servers import free_port
from tests.chaos.service import Process, answers, environment, running, seeded
from tests.journeys.widget.widget_page import WidgetPage


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running service with its demo tenant, on a database of its own."""
    folder, port = tmp_path_factory.mktemp("live"), free_port()
    environ = environment(port, f"sqlite:///{folder}/live.sqlite3", REDIS_URL="")
    seeded(environ)
    with running(Process(["manage.py", "serve"], environ, folder / "serve.log", lambda: answers(port))):
        yield f"http://127.0.0.1:{port}"


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
