"""Messages that were looked for, the newest first, with the part of each that was meant.

Owns pages and their cursors. Fails closed: what an index gives is read again as rows of the tenant in scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Q

from conversations.models import Message
from conversations.search.asked import Question, found_in, question, snippet
from conversations.search.candidates import Candidate, Look, Place, Span, candidates, of_conversation
from tenants.errors import Invalid
from tenants.scope import current_tenant_id

CURSOR = "messages found"
FIRST, STEP = 2, 500  # candidates beyond a page at first; then so many at a time
MOST = 20_000  # candidates that one page looks at


@dataclass(frozen=True)
class Wanted:
    """``rows``: what else has to be so of the messages."""

    question: Question
    look: Look
    start: datetime | None = None
    end: datetime | None = None
    rows: Q = Q()  # noqa: RUF009  never changed


@dataclass(frozen=True)
class Found:
    id: uuid.UUID
    snippet: list[dict[str, Any]]


def wanted(
    query: str, *, conversation_id: uuid.UUID | None = None, start: datetime | None = None, end: datetime | None = None,
    rows: Q | None = None,
) -> Wanted:  # fmt: skip
    """Raises Invalid ``search_without_words``, ``search_too_long``."""
    look = of_conversation(conversation_id) if conversation_id else candidates()
    return Wanted(question(query), look, start, end, rows or Q())


def found_page(
    wanted: Wanted, *, size: int, cursor: str | None, shape: Callable[[Sequence[Found]], list[Any]]
) -> dict[str, Any]:
    """The ``size`` newest of them after ``cursor``. Where few of many candidates are meant, a page may hold fewer, and
    ``next_cursor`` goes on behind what was looked at. Raises Invalid ``invalid_cursor``."""
    tenant = str(current_tenant_id())
    page: list[Found] = []
    looked, place = 0, _place_of(cursor, tenant) if cursor else None
    more = True
    while more and looked < MOST and len(page) < size:
        most = STEP if looked else size + FIRST
        some = wanted.look(wanted.question, Span(wanted.start, wanted.end, place), most)
        looked, more = looked + len(some), len(some) == most
        for candidate, found in _meant(wanted, some):
            if len(page) == size:
                more = True
                break
            place = candidate.place
            page += [found] if found else []
    return {
        "items": shape(page),
        "next_cursor": signing.dumps([place, tenant], salt=CURSOR) if more else None,
        "has_next": more,
    }


def _meant(wanted: Wanted, some: Sequence[Candidate]) -> Iterator[tuple[Candidate, Found | None]]:
    """Every candidate, and what is shown of it if its row is one that is looked for."""
    rows = rows_by_id([one.id for one in some], "text", only=wanted.rows)
    for one in some:
        text = rows[one.id].text if one.id in rows else ""
        meant = bool(text) and found_in(text, wanted.question)
        yield one, Found(one.id, snippet(text, wanted.question)) if meant else None


def rows_by_id(ids: Sequence[uuid.UUID], *fields: str, only: Q | None = None) -> dict[uuid.UUID, Any]:
    """Of these messages those that the tenant in scope has and that are not deleted; ``fields`` as named tuples."""
    tenant = current_tenant_id()
    # unscoped: by their ids, and then compared; SQLite would read all that a tenant has for a handful of them
    rows = Message.objects.unscoped().filter(only or Q(), id__in=ids, deleted_at=None)
    found = rows.values_list(*dict.fromkeys(("id", "tenant_id", *fields)), named=True)
    return {row.id: row for row in found if row.tenant_id == tenant}


def _place_of(cursor: str, tenant: str) -> Place:
    try:
        place, owner = signing.loads(cursor, salt=CURSOR)
        if owner != tenant:
            raise ValueError("of another tenant")
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
    return place
