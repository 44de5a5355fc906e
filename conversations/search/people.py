"""People by the words of their names and e-mail addresses, each from its beginning: case, accents and composition of letters
make no difference.

Owns what is asked, and the index on each engine: GIN of lexemes on PostgreSQL, of the list on MongoDB; on SQLite one that holds
nothing but the words, and is looked through. The words of rows that have none, or others: conversations/search/people_backfill.py.
"""

from __future__ import annotations

from functools import partial, reduce
from operator import and_, or_
from typing import Any

from django.db import connection
from django.db.models import Q

from channels_app.words.folding import asked
from conversations.search.index import unhurried
from tenants.storage.folded import lexemes

CONTACTS = "conversations_contact"
MOST = 16  # words that are looked for
#: column → its index where each has one
INDEXED = {"name_words": "contact_called", "email_words": "contact_addressed"}
#: of rows that an older release has written: both columns are written at once
UNINDEXED = ("contact_unindexed", "(name_words, id) WHERE name_words IS NULL")


def called(search: str, *, by: str = "begins") -> Q | None:
    """Those in whose name or address every word of ``search`` begins one; None: there is no word in it. ``by``: the look-up,
    of tenants/storage/folded.py."""
    words = [word for piece in search.split() for word in asked(piece)][:MOST]
    either = [reduce(or_, (Q(**{f"{column}__{by}": word}) for column in INDEXED)) for word in words]
    return reduce(and_, either) if either else None


#: of a list that is walked in its own order
called_among = partial(called, by="begins_seen")


def people_index_make() -> None:
    """Make what is not there yet. Beside a running service; PostgreSQL locks no writer out."""
    {"postgresql": _postgresql, "sqlite": _sqlite, "mongodb": _mongodb}[connection.vendor]()


def people_index_drop() -> None:
    names = [*INDEXED.values(), UNINDEXED[0], "contact_words"]
    if connection.vendor == "mongodb":
        for name in INDEXED.values():
            _collection().drop_index(name)
        return
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP INDEX IF EXISTS {name}")


def _postgresql() -> None:
    gin = {name: f"USING gin ({lexemes(column, 'tenant_id')}) WHERE {column} <> ''" for column, name in INDEXED.items()}
    with unhurried() as cursor:
        for name, of in {**gin, UNINDEXED[0]: UNINDEXED[1]}.items():
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
            if cursor.fetchone() != (True,):  # one that was broken off is of no use
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {CONTACTS} {of}")


def _sqlite() -> None:
    seen = ("contact_words", "(tenant_id, last_active_at, name_words, email_words, id)")
    with connection.cursor() as cursor:
        for name, of in (seen, UNINDEXED):
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {CONTACTS} {of}")


def _mongodb() -> None:
    for column, name in INDEXED.items():
        _collection().create_index([("tenant_id", 1), (column, 1)], name=name)


def _collection() -> Any:
    return connection.database[CONTACTS]  # type: ignore[attr-defined]
