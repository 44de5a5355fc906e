"""Messages that the index of each engine finds for a question, the newest first, from a place on.

Owns the statements. What they give is looked at again by conversations/search/find.py: whether the message is of the tenant
in scope, and what its text says now.
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from conversations.models import Message
from conversations.search.asked import Piece, Question
from conversations.search.index import FOUND, LEXEMES, MESSAGES, PLACES, SECOND
from tenants.scope import current_tenant_id
from tenants.storage.folded import OWNED

NEWEST = 4_000  # messages that PostgreSQL reads one by one first: a frequent word stands among them, and needs no sort

#: where a search goes on: the number of a place on SQLite; elsewhere the time of a message and its id
Place = Any


class Span(NamedTuple):
    """Which messages: written from ``start`` to ``end``, and before ``after``, the last one that was given."""

    start: datetime | None
    end: datetime | None
    after: Place | None


class Candidate(NamedTuple):
    place: Place
    id: uuid.UUID


Look = Callable[[Question, Span, int], list[Candidate]]


def candidates() -> Look:
    """Of the engine in use."""
    return {"postgresql": _postgresql, "sqlite": _sqlite, "mongodb": _mongodb}[connection.vendor]


def of_conversation(conversation_id: uuid.UUID) -> Look:
    """All that was said there: a conversation is short, and needs no index."""

    def look(_: Question, span: Span, most: int) -> list[Candidate]:
        rows = Message.objects.filter(_within(span), conversation_id=conversation_id, text__gt="")
        return [_placed(*found) for found in rows.order_by("-created_at", "-id").values_list("created_at", "id")[:most]]

    return look


def _within(span: Span) -> Q:
    wanted = Q()
    if span.start:
        wanted &= Q(created_at__gte=span.start)
    if span.end:
        wanted &= Q(created_at__lte=span.end)
    if span.after:
        at, last = _moment_and_id(span.after)
        wanted &= Q(created_at__lt=at) | Q(created_at=at, id__lt=last)
    return wanted


def _placed(at: datetime, id: Any) -> Candidate:
    found = id if isinstance(id, uuid.UUID) else uuid.UUID(str(id))
    return Candidate([at.isoformat(), found.hex], found)


def _moment_and_id(place: Place) -> tuple[datetime, uuid.UUID]:
    at, last = place
    return datetime.fromisoformat(at), uuid.UUID(last)


# ----------------------------------------------------------------------------- SQLite


def _sqlite(wanted: Question, span: Span, most: int) -> list[Candidate]:
    owner = current_tenant_id().hex[-OWNED:]
    match = " AND ".join(_phrase(piece, owner) for piece in wanted.pieces)
    first = _second(span.start) if span.start else 0
    last = _second(span.end) + SECOND - 1 if span.end else 2**63 - 1
    if span.after is not None:
        last = min(last, span.after - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT place, message_id FROM {FOUND} JOIN {PLACES} ON place = {FOUND}.rowid"
            f" WHERE {FOUND} MATCH %s AND {FOUND}.rowid BETWEEN %s AND %s ORDER BY {FOUND}.rowid DESC LIMIT %s",
            [match, first, last, most],
        )
        return [Candidate(place, uuid.UUID(id)) for place, id in cursor.fetchall()]


def _phrase(piece: Piece, owner: str) -> str:
    return f'"{" ".join(owner + word for word in piece.words)}"' + ("*" if piece.begins else "")


def _second(at: datetime) -> int:
    return int(at.timestamp()) * SECOND


# ------------------------------------------------------------------------- PostgreSQL


def _postgresql(wanted: Question, span: Span, most: int) -> list[Candidate]:
    """A frequent word is found among the newest messages; any other in the index, in which nothing is in order."""
    where, given = _rows(span)
    likes = " AND ".join(["words LIKE %s"] * len(wanted.pieces))
    stretches = [f"%{piece.stretch}%" for piece in wanted.pieces]
    newest = f"SELECT created_at, id, words FROM {MESSAGES} WHERE {where} ORDER BY created_at DESC, id DESC LIMIT %s"
    found = _asked(
        f"SELECT created_at, id FROM ({newest}) newest WHERE {likes} ORDER BY created_at DESC, id DESC LIMIT %s",
        [*given, NEWEST, *stretches, most],
    )
    if len(found) == most:
        return found
    # by a time that no index has in order: the planner would walk one from end to end
    return _asked(
        f"SELECT created_at, id FROM {MESSAGES} WHERE words <> '' AND {LEXEMES} @@ %s::tsquery AND {where} AND {likes}"
        " ORDER BY created_at + interval '0' DESC, id DESC LIMIT %s",
        [_tsquery(wanted), *given, *stretches, most],
    )


def _rows(span: Span) -> tuple[str, list[Any]]:
    where: list[str] = ["tenant_id = %s"]
    given: list[Any] = [current_tenant_id()]
    if span.start:
        where, given = [*where, "created_at >= %s"], [*given, span.start]
    if span.end:
        where, given = [*where, "created_at <= %s"], [*given, span.end]
    if span.after:
        where, given = [*where, "(created_at, id) < (%s, %s)"], [*given, *_moment_and_id(span.after)]
    return " AND ".join(where), given


def _tsquery(wanted: Question) -> str:
    owner = str(current_tenant_id())[-OWNED:]
    return " & ".join(
        f"'{owner}{word}'" + (":*" if piece.begins and word is piece.words[-1] else "")
        for piece in wanted.pieces
        for word in piece.words
    )


def _asked(sql: str, given: Sequence[Any]) -> list[Candidate]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [_placed(at, id) for at, id in cursor.fetchall()]


# ---------------------------------------------------------------------------- MongoDB


def _mongodb(wanted: Question, span: Span, most: int) -> list[Candidate]:
    """Words and beginnings; whether they stand side by side is seen in the text."""
    sought: list[dict[str, Any]] = [{"tenant_id": current_tenant_id().hex}]
    for piece in wanted.pieces:
        whole = piece.words[:-1] if piece.begins else piece.words
        sought += [{"words": word} for word in whole]
        sought += [{"words": {"$regex": f"^{piece.words[-1]}"}}] if piece.begins else []
    if span.start:
        sought.append({"created_at": {"$gte": span.start}})
    if span.end:
        sought.append({"created_at": {"$lte": span.end}})
    if span.after:
        at, last = _moment_and_id(span.after)
        sought.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": last.hex}}]})
    rows = connection.database[MESSAGES].find({"$and": sought}, {"created_at": 1})  # type: ignore[attr-defined]
    found = rows.sort([("created_at", -1), ("_id", -1)]).limit(most)
    return [_placed(_aware(row["created_at"]), row["_id"]) for row in found]


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
