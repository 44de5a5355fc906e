"""docs/troubleshooting.md: every sign that it names is one that the service gives, and every place is there (OPS-9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels_app.health import State
from chatsvc.env import VARIABLES
from chatsvc.settings import UNFOLD
from tests.chatsvc.test_log_events import logged

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
SOURCE = "\n".join(
    path.read_text()
    for app in ("tenants", "channels_app", "conversations", "assistant", "messaging", "chatsvc")
    for path in sorted((ROOT / app).rglob("*.py"))
    if "grpc_gen" not in path.parts
)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


def named(kind: str) -> list[str]:
    """What stands behind the kind of a sign, in all cells: ``kind`` `a`, `b`."""
    lists = re.findall(rf"`{kind}` ((?:`[\w.]+`(?:, )?)+)", PAGE)
    return [name for names in lists for name in re.findall(r"`([\w.]+)`", names)]


def test_log_events_are_logged() -> None:
    events = {name for name, _ in logged()}
    assert len(named("log")) > 20
    assert [name for name in named("log") if name not in events] == []


def test_codes_are_given() -> None:
    assert len(named("code")) > 30
    assert [name for name in named("code") if f'"{name}"' not in SOURCE] == []


def test_measures_are_told() -> None:
    assert len(named("measure")) > 3
    assert [name for name in named("measure") if f'"{name}"' not in SOURCE] == []


def test_all_checks_are_there_and_no_other() -> None:
    assert set(named("check")) == set(re.findall(r'"(chatsvc\.[EW]\d+)"', SOURCE))


def test_states_are_shown() -> None:
    states = re.findall(r"`state` \*(.+?)\*", PAGE)
    assert states
    assert [state for state in states if state not in {str(label).lower() for label in State.labels}] == []


def test_console_pages_are_there() -> None:
    titles = {str(item["title"]) for group in UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]}
    pages = re.findall(r"Console → ([A-Z][A-Za-z ]*?)(?= says|[;,.| ]*(?:→|\||;|,|\.|$))", PAGE, re.MULTILINE)
    assert len(pages) > 15
    assert sorted({page.strip() for page in pages} - titles) == []


def test_variables_are_read() -> None:
    variables = re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=\w+)?`", PAGE)
    assert len(variables) > 10
    assert [name for name in variables if name not in VARIABLES] == []


@pytest.mark.parametrize("words", sorted({row[0] for row in ROWS if re.match(r"`[A-Z][^`]* [^`]*`$", row[0])}))
def test_sentences_are_said(words: str) -> None:
    assert words.strip("`") in SOURCE


def test_links_lead_to_pages_and_their_headings() -> None:
    links = re.findall(r"\]\(([\w/.-]+\.md)(?:#([\w-]+))?\)", PAGE)
    assert len(links) > 10
    for path, place in links:
        headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / path).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not place or place in anchors, (path, place)


def test_every_row_says_a_cause_or_where_to_read() -> None:
    assert len(ROWS) > 60
    assert [row for row in ROWS if len(row) != 3 or not row[0] or not (row[1] or row[2])] == []
