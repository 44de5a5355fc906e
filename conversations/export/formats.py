"""The forms of an exported conversation: each makes a file of a `Talk`, piece by piece.

Owns that nothing which people wrote is run by what opens the file: cells are no formulas, HTML is escaped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from pydantic_core import to_json

from channels_app.words.moments import all_written
from conversations.export.lines import Line, Talk
from tenants.api.trail.cells import safe
from tenants.names import name_clean

HEAD = ("seq", "time", "role", "name", "text", "files", "status")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.3rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem;color:#555}dd{margin:0}"
    "article{margin:.8rem 0;padding:.5rem .8rem;border-radius:.5rem;background:#f2f2f2;page-break-inside:avoid}"
    ".visitor{background:#e3efff}.system{background:none;color:#666;padding:0 .8rem}"
    "header{font-size:.8rem;color:#555}p{margin:.2rem 0;white-space:pre-wrap;overflow-wrap:anywhere}"
)


@dataclass(frozen=True)
class Format:
    extension: str
    mime: str
    write: Callable[[Talk], Iterator[str] | Iterator[bytes]]
    whole: bool = False  # made before the answer begins, which can still be refused then


def _json(talk: Talk) -> Iterator[str]:
    yield f'{{"conversation":{_value(talk.shape)},"messages":['
    for number, line in enumerate(talk.lines()):
        yield f"{',' if number else ''}{_value(line.shape)}"
    yield "]}\n"


def _value(shape: object) -> str:
    return to_json(all_written(shape)).decode()


def _csv(talk: Talk) -> Iterator[str]:
    yield "\ufeff"  # spreadsheets take it for UTF-8
    yield _row(HEAD)
    for line in talk.lines():
        yield _row(
            (line.seq, line.at, line.role, safe(line.who), safe(line.text), safe(", ".join(line.files)), line.status)
        )


def _row(cells: tuple[object, ...]) -> str:
    piece = io.StringIO()
    csv.writer(piece).writerow(cells)
    return piece.getvalue()


def _text(talk: Talk) -> Iterator[str]:
    yield "".join(f"{name}: {value}\n" for name, value in _facts(talk))
    for line in talk.lines():
        yield f"\n[{line.at}] {line.who}:\n" + "".join(f"    {part}\n" for part in _parts(line))


def _html(talk: Talk) -> Iterator[str]:
    title = escape(_title(talk))
    facts = "".join(f"<dt>{escape(name)}<dd>{escape(value)}" for name, value in _facts(talk))
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    yield f"<h1>{title}</h1><dl>{facts}</dl>\n"
    for line in talk.lines():
        said = "".join(f'<p dir="auto">{escape(part)}</p>' for part in _parts(line))
        yield f'<article class="{line.role}"><header>{escape(line.who)} · <time>{line.at}</time></header>{said}</article>\n'
    yield "</html>\n"


def _facts(talk: Talk) -> list[tuple[str, str]]:
    shape = all_written(talk.shape)
    return [
        ("Conversation", str(shape["id"])), ("Channel", f"{shape['channel']['name']} ({shape['channel']['kind']})"),
        ("Person", name_clean(talk.row.contact.name) or shape["user_id"]), ("Status", shape["status"]),
        ("Began", shape["created_at"]), ("Ended", shape["ended_at"] or "—"),
    ]  # fmt: skip


def _parts(line: Line) -> list[str]:
    """The lines of what was said, and the files."""
    return [*(line.text.splitlines() if line.text else ()), *(f"[file: {name}]" for name in line.files)]


def _pdf(talk: Talk) -> Iterator[bytes]:
    from conversations.export.pdf import pdf  # 80 MB of program and fonts, for processes that make one

    facts = (f"{name}: {value}" for name, value in _facts(talk))
    yield pdf(_title(talk), facts, ((f"{line.who} · {line.at}", _parts(line)) for line in talk.lines()))


def _title(talk: Talk) -> str:
    return f"Conversation with {name_clean(talk.row.contact.name) or 'a visitor'}"


FORMATS = {
    "json": Format("json", "application/json", _json),
    "csv": Format("csv", "text/csv; charset=utf-8", _csv),
    "text": Format("txt", "text/plain; charset=utf-8", _text),
    "html": Format("html", "text/html; charset=utf-8", _html),
    "pdf": Format("pdf", "application/pdf", _pdf, whole=True),
}
