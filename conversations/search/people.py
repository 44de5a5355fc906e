"""People by the words of their names and e-mail addresses, each from its beginning, and by the end of a telephone number: case,
accents and composition of letters make no difference. And by any part of these, of those who were active last.

Owns what is asked, and where: what is frequent stands among the first rows of a list, and takes no sorting; any other is found by
the indexes (conversations/search/people_index.py). The words of rows that have none, or others: people_backfill.py.
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property, reduce
from operator import and_, or_
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from channels_app.words.folding import asked
from conversations.models import Contact
from conversations.search.numbers import digits_of, numbers
from conversations.search.people_index import FOUND, INDEXED, PLACES, FromItsEnd
from tenants.scope import current_tenant_id
from tenants.storage.folded import OWNED
from tenants.storage.looking import Found, among, begins, in_turn

MOST = 16  # words that are looked for
RECENT = 1_000  # people of whose names and numbers any part is looked at
PARTS = 200  # people of whom a part was meant
READ = 2_000  # rows that are read one by one, where no index holds all that is looked at
SHORTEST = 4  # digits of the end of a number
WITH_WORDS = f"SELECT contact_id FROM {FOUND} CROSS JOIN {PLACES} ON place = {FOUND}.rowid WHERE {FOUND} MATCH %s"


def people_found(rows: QuerySet[Any], search: str, size: int, latest: bool = True) -> Iterator[Found]:
    """``rows`` of the tenant in scope that are meant, in the order of activity (``latest``: the latest first): those that stand
    among the first ones, and if these are not ``size`` all of them."""
    wanted = Wanted(search)
    edge = None if wanted.ends else _place(rows, _walked(size), latest=latest)
    if not wanted.ends:
        first = _until(rows, edge, latest=latest) if edge else rows
        yield Found(first.filter(wanted.seen), few=False)
    if edge or wanted.ends:
        yield Found(wanted.indexed(rows), few=True)


def addressed_found(rows: QuerySet[Any], address: str, size: int, latest: bool = True) -> Iterator[Found]:
    """The same of those whose e-mail address is this, or has it from the beginning of one of its words on."""
    part, edge = Q(email__icontains=address), _place(rows, READ, latest=latest)
    yield Found((_until(rows, edge, latest=latest) if edge else rows).filter(part), few=False)
    if edge:
        yield Found(Wanted(address).with_words(rows).filter(part), few=True)


def few_found(rows: QuerySet[Any], search: str, size: int, latest: bool = True) -> Iterator[Found]:
    """The same of ``rows`` that are few."""
    yield Found(rows.filter(Wanted(search).seen), few=True)


def latest_people(search: str, most: int) -> list[uuid.UUID]:
    """The ``most`` of them who were active last."""
    ids: list[uuid.UUID] = []
    for rows, few in people_found(Contact.objects.all(), search, most):
        ids = list(rows.order_by(*in_turn("last_active_at", few=few)).values_list("id", flat=True)[:most])
        if len(ids) == most:
            break
    return ids


def latest_rows(most: int) -> QuerySet[Any]:
    """Of those who were active last so many."""
    edge = _place(Contact.objects.all(), most)
    return Contact.objects.filter(last_active_at__gte=edge) if edge else Contact.objects.all()


def _until(rows: QuerySet[Any], edge: datetime, *, latest: bool) -> QuerySet[Any]:
    return rows.filter(last_active_at__gte=edge) if latest else rows.filter(last_active_at__lte=edge)


def _place(rows: QuerySet[Any], number: int, *, latest: bool = True) -> datetime | None:
    """When the one was active who has so many before them; None: there are not so many."""
    ordered = rows.order_by("-last_active_at" if latest else "last_active_at")
    found: datetime | None = ordered.values_list("last_active_at", flat=True)[number - 1 : number].first()
    return found


def _walked(size: int) -> int:
    """How many rows are read before the index is asked. SQLite reads forty of them, in an index, in the time of one that is found."""
    return 12_000 + size * 400 if connection.vendor == "sqlite" else READ


class Wanted:
    """What is looked for."""

    def __init__(self, search: str) -> None:
        self.search = search
        self.words = [word for piece in search.split() for word in asked(piece)][:MOST]
        self.numbers = numbers(search)
        #: with which a number ends: what is dialled before it left out
        self.end = digits_of(search).lstrip("0")

    @property
    def ends(self) -> bool:
        """Whether it may be the end of a number: few have the same, so that no row is read one by one for it."""
        return len(self.end) >= SHORTEST

    @cached_property
    def parts(self) -> Q:
        """Those who were active last, by any part of name, address or number."""
        part = Q(name__icontains=self.search) | Q(email__icontains=self.search)
        if any(map(str.isdigit, self.search)):
            part |= reduce(or_, (Q(phone__contains=one) for one in {self.search, self.end or self.search}))
        return Q(id__in=list(latest_rows(RECENT).filter(part).values_list("id", flat=True)[:PARTS]))

    @property
    def seen(self) -> Q:
        """For rows that are read one by one."""
        return self.parts | self._begins("begins_seen") if self.words else self.parts

    def indexed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """All of them among ``rows``."""
        if connection.vendor == "sqlite":
            return among(rows, self.parts | self._in_sqlite())
        wanted = self.parts | self._begins("begins") if self.words else self.parts
        if connection.vendor == "mongodb":
            return rows.filter(wanted | Q(phone__in=self.numbers))
        if self.ends:
            rows, wanted = rows.alias(end=FromItsEnd("phone")), wanted | begins("end", self.end[::-1]) & ~Q(phone="")
        return rows.filter(wanted)

    def with_words(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those that have the words."""
        if not self.words:
            return rows.none()
        return among(rows, self._words_in_sqlite() if connection.vendor == "sqlite" else self._begins("begins"))

    def _begins(self, by: str) -> Q:
        """Every word begins one of name or address. ``by``: the look-up, of tenants/storage/folded.py."""
        either = (reduce(or_, (Q(**{f"{column}__{by}": word}) for column in INDEXED)) for word in self.words)
        return reduce(and_, either)

    def _in_sqlite(self) -> Q:
        wanted = self._words_in_sqlite() if self.words else Q(id__in=[])
        if self.ends:
            ends = Contact.objects.alias(end=FromItsEnd("phone")).filter(begins("end", self.end[::-1]))
            wanted |= Q(id__in=ends.values("id"))
        return wanted

    def _words_in_sqlite(self) -> Q:
        owner = current_tenant_id().hex[-OWNED:]
        match = " AND ".join(f'"{owner}{word}"*' for word in self.words)
        return Q(id__in=RawSQL(WITH_WORDS, [match]))  # noqa: S611  names of ours
