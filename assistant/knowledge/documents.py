"""Documents as articles: Markdown, plain text, HTML, CSV, PDF and DOCX.

Owns the formats and their limits: a document that is no such thing, or too large, is refused with its code, and nothing of
it is cut. Must not touch the database or the network.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import regex
import yaml
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from assistant.knowledge.charsets import NoText, Told, text_of
from assistant.knowledge.papers import page_read, printed, written
from assistant.models import MOST_OF_ANSWER
from tenants.errors import Invalid, PayloadTooLarge, Unprocessable

MOST_BYTES = 2 * 1024 * 1024  # of a document
MOST_OF_PAPER = 10 * 1024 * 1024  # of a PDF or DOCX, which holds pictures
MOST_ROWS = 1_000  # of a CSV
MOST_TITLE, MOST_QUESTIONS, MOST_QUESTION = 200, 50, 500
COLUMNS = frozenset({"title", "answer", "questions", "tags", "language", "url"})
FRONT = regex.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", regex.DOTALL)
MOST_OF_FRONT = 20_000  # characters of front matter that are read as YAML
TITLE = regex.compile(r"(?m)^# +(.+)$")
#: between the columns of a CSV: a spreadsheet takes a semicolon where a comma stands in numbers
BETWEEN = (",", ";", "\t")


@dataclass(frozen=True)
class Article:
    """As it is read. ``language``: ISO 639-1, "" suits all."""

    title: str
    answer: str
    questions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    url: str = ""

    def facts(self) -> dict[str, Any]:
        """The columns of its row."""
        return {
            "title": self.title, "answer": self.answer, "questions": list(self.questions), "tags": list(self.tags),
            "language": self.language, "source_url": self.url,
        }  # fmt: skip


def articles_of(name: str, data: bytes, *, language: str = "", url: str = "", charset: str = "") -> list[Article]:
    """The articles of a document, whose format its name's ending tells; ``language`` and ``url`` where it says neither;
    ``charset``: what the server that it comes from calls its encoding.

    Raises Unprocessable ``format_unknown``, ``document_broken``, ``document_empty``, PayloadTooLarge
    ``document_too_large``, and Invalid ``article_invalid``, which says what is wrong and where; of PDF and DOCX also what
    papers.py does.
    """
    ending, stem = PurePosixPath(name).suffix.lower(), PurePosixPath(name).stem
    if ending not in ENDINGS:
        raise Unprocessable(
            f"The name of a document ends in one of: {', '.join(sorted(ENDINGS))}.", code="format_unknown"
        )
    if len(data) > most_bytes(name):
        raise PayloadTooLarge(
            f"A document has at most {most_bytes(name) // 1024 // 1024} MB.", code="document_too_large"
        )
    if ending in PAPERS:
        found = list(PAPERS[ending](stem, data, language, url))
    else:
        try:
            text = text_of(data, Told(charset, language, page=ending in PAGES))
        except NoText as error:
            raise Unprocessable(str(error), code="document_broken") from None
        found = list(READERS[ending](stem, text, language, url))
    if not found:
        raise Unprocessable("The document says nothing.", code="document_empty")
    for place, article in enumerate(found):
        _demand_valid(article, f"row {place + 1}" if len(found) > 1 else "the document")
    return found


def most_bytes(name: str) -> int:
    """That a document of this name may have."""
    return MOST_OF_PAPER if PurePosixPath(name).suffix.lower() in PAPERS else MOST_BYTES


def _markdown(name: str, text: str, language: str, url: str) -> Iterator[Article]:
    """With front matter ``title``, ``language``, ``url``, ``questions`` and ``tags`` (lists, or split by ``|``), if it has any."""
    told: dict[str, str] = {}
    if front := FRONT.match(text):
        told = _front(front[1])
        text = text[front.end() :]
    heading = TITLE.search(text)
    title = told.get("title") or (heading[1].strip() if heading else name)
    body = text[: heading.start()] + text[heading.end() :] if heading and heading[1].strip() == title else text
    yield from _said(
        Article(
            title, body.strip(), _split(told.get("questions")), _split(told.get("tags")),
            _of_two_letters(told.get("language") or told.get("lang") or language), told.get("url") or url,
        )
    )  # fmt: skip


def _front(written: str) -> dict[str, str]:
    """YAML, or lines of ``name: value`` that look like it ("title: Deposits: how much"); lists with ``|`` between."""
    try:
        told = yaml.load(written, Loader=yaml.BaseLoader) if len(written) <= MOST_OF_FRONT else None  # noqa: S506  makes texts alone
    except (yaml.YAMLError, RecursionError):
        told = None
    if not isinstance(told, dict):
        lines = (line.partition(":") for line in written.splitlines())
        return {key.strip().lower(): value.strip().strip("\"'") for key, _, value in lines}
    return {str(key).lower(): _joined(value) for key, value in told.items()}


def _joined(value: Any) -> str:
    """What is neither a text nor a list of texts tells nothing here."""
    texts = value if isinstance(value, list) else [value]
    return "|".join(one.strip() for one in texts if isinstance(one, str))


def _of_two_letters(language: str) -> str:
    """Without the country: ``en`` of ``en-GB``."""
    return regex.sub(r"(?<=^[a-z]{2})[-_].*$", "", language.lower())


def _plain(name: str, text: str, language: str, url: str) -> Iterator[Article]:
    yield from _said(Article(name, text.strip(), language=language, url=url))


def _html(name: str, text: str, language: str, url: str) -> Iterator[Article]:
    told = page_read(text)
    title = told["title"] or name
    body = told["body"].removeprefix(f"# {title}").strip()
    yield from _said(Article(title, body, language=told["language"] or language, url=url))


def _csv(name: str, text: str, language: str, url: str) -> Iterator[Article]:
    """Columns ``title`` and ``answer``, and if it likes ``questions`` and ``tags`` (split by ``|``), ``language``, ``url``; what
    stands most often between the words of the first line is what parts them."""
    first = text.partition("\n")[0]
    between = max(BETWEEN, key=first.count)
    if regex.fullmatch(r"(?i)sep=.\r?", first):  # as spreadsheets tell each other
        between, text = first[4], text.partition("\n")[2]
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=between, strict=True)
        names = [(column or "").strip().lower() for column in rows.fieldnames or ()]
        columns = set(names)
        if not columns >= {"title", "answer"} or columns - COLUMNS or len(names) > len(columns):
            raise Unprocessable(
                f"The first line of a CSV names its columns, each once: title, answer, and of {', '.join(sorted(COLUMNS))} what it has.",
                code="document_broken",
            )
        for place, row in enumerate(rows):
            if place == MOST_ROWS:
                raise PayloadTooLarge(f"A CSV has at most {MOST_ROWS} rows.", code="document_too_large")
            if None in row or None in row.values():
                raise Unprocessable(f"Row {place + 1} has other columns than the first line.", code="document_broken")
            told = {key.strip().lower(): value.strip() for key, value in row.items()}
            yield Article(
                told["title"], told["answer"], _split(told.get("questions")), _split(told.get("tags")),
                _of_two_letters(told.get("language") or language), told.get("url") or url,
            )  # fmt: skip
    except csv.Error:
        raise Unprocessable("The document is no CSV.", code="document_broken") from None


def _pdf(name: str, data: bytes, language: str, url: str) -> Iterator[Article]:
    read = printed(data)
    yield from _said(Article(read.title or name, read.text, language=language, url=url))


def _docx(name: str, data: bytes, language: str, url: str) -> Iterator[Article]:
    yield from _html(name, written(data), language, url)


READERS: Mapping[str, Callable[[str, str, str, str], Iterator[Article]]] = {
    ".md": _markdown, ".markdown": _markdown, ".txt": _plain, ".html": _html, ".htm": _html, ".csv": _csv,
}  # fmt: skip
PAGES = frozenset({".html", ".htm"})
PAPERS: Mapping[str, Callable[[str, bytes, str, str], Iterator[Article]]] = {".pdf": _pdf, ".docx": _docx}
ENDINGS = frozenset({*READERS, *PAPERS})


def _said(article: Article) -> Iterator[Article]:
    if article.answer:
        yield article


def _split(told: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in (told or "").split("|") if one.strip()))


def _demand_valid(article: Article, where: str) -> None:
    wrong = {
        f"a title of 1 to {MOST_TITLE} characters": not 1 <= len(article.title) <= MOST_TITLE,
        f"1 to {MOST_OF_ANSWER:,} characters (here {len(article.answer):,}: split what is longer)": not 1
        <= len(article.answer)
        <= MOST_OF_ANSWER,
        f"at most {MOST_QUESTIONS} questions of {MOST_QUESTION} characters": _too_many(article.questions),
        f"at most {MOST_QUESTIONS} tags of {MOST_QUESTION} characters": _too_many(article.tags),
        "a language of two letters, or none": not regex.fullmatch(r"([a-z]{2})?", article.language),
        "an address that is one, or none": bool(article.url) and not _is_address(article.url),
    }
    for needed, is_so in wrong.items():
        if is_so:
            raise Invalid(f"An article has {needed}: {where} has not.", code="article_invalid")


def _too_many(texts: tuple[str, ...]) -> bool:
    return len(texts) > MOST_QUESTIONS or any(len(text) > MOST_QUESTION for text in texts)


def _is_address(url: str) -> bool:
    try:
        URLValidator(schemes=["http", "https"])(url)
    except ValidationError:
        return False
    return len(url) <= 2048
