"""What people are found by on each engine, all of it from columns of their rows: nothing else writes to it.

PostgreSQL: GIN of the lexemes of name and address, a B-tree of the telephone number from its end; SQLite: an FTS5 table that holds
no text of its own, kept by triggers, and such a B-tree; MongoDB: indexes of the lists. A word is indexed together with the end
of its tenant's id, so that a search reads one tenant's words. Owns these and nothing of questions.
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

from typing import Any

from django.db import connection, models

from conversations.search.index import FORGOTTEN, unhurried
from tenants.storage.db import atomic, retried
from tenants.storage.folded import OWNED, lexemes

CONTACTS = "conversations_contact"
#: column → its index where each has one
INDEXED = {"name_words": "contact_called", "email_words": "contact_addressed"}
#: of rows that an older release has written: both columns are written at once
UNINDEXED = ("contact_unindexed", "(name_words, id) WHERE name_words IS NULL")
TOGETHER = 5_000  # rows that one transaction indexes
DIGITS = 20  # of a telephone number, its plus included

# ------------------------------------------------------------------------- the end of a number


class FromItsEnd(models.Func):
    """A telephone number read backwards, as it stands in the index `contact_by_end`; SQLite has no function for that."""

    output_field = models.CharField()
    function = "reverse"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        column, given = compiler.compile(self.source_expressions[0])
        return _backwards(column), given * DIGITS


def _backwards(column: str) -> str:
    return "(" + " || ".join(f"substr({column}, {place}, 1)" for place in range(DIGITS, 0, -1)) + ")"


# ----------------------------------------------------------------------------------- SQLite

FOUND, PLACES = (f"{CONTACTS}_{name}" for name in ("words", "place"))


def _lexemes(row: str) -> str:
    owner = f"substr({row}.tenant_id, -{OWNED})"
    both = f"trim(coalesce({row}.name_words, '')) || ' ' || trim(coalesce({row}.email_words, ''))"
    return f"{owner} || replace(trim({both}), ' ', ' ' || {owner})"


def _has_words(row: str) -> str:
    return f"({row}.name_words > '' OR {row}.email_words > '')"


_CHANGED = "(OLD.name_words IS NOT NEW.name_words OR OLD.email_words IS NOT NEW.email_words)"
#: rows have no number that stays when SQLite packs its file, so each gets one
_TAKEN = f"""INSERT INTO {PLACES} (contact_id) VALUES (NEW.id);
    INSERT INTO {FOUND} (rowid, words) SELECT place, {_lexemes("NEW")} FROM {PLACES} WHERE contact_id = NEW.id;"""
_GIVEN_UP = f"""INSERT INTO {FOUND} ({FOUND}, rowid, words)
        SELECT 'delete', place, {_lexemes("OLD")} FROM {PLACES} WHERE contact_id = OLD.id;
    DELETE FROM {PLACES} WHERE contact_id = OLD.id;
    INSERT OR IGNORE INTO {FORGOTTEN} (id, since) VALUES (1, CAST(strftime('%s', 'now') AS INTEGER));"""
_OF_WORDS = f"UPDATE OF name_words, email_words ON {CONTACTS}"
#: what each does, and when; two for a change, the one before and the one after the row has changed
TRIGGERS = {
    "contact_words_in": f"AFTER INSERT ON {CONTACTS} WHEN {_has_words('NEW')} BEGIN {_TAKEN} END",
    "contact_words_out": f"AFTER DELETE ON {CONTACTS} WHEN {_has_words('OLD')} BEGIN {_GIVEN_UP} END",
    "contact_words_old": f"BEFORE {_OF_WORDS} WHEN {_has_words('OLD')} AND {_CHANGED} BEGIN {_GIVEN_UP} END",
    "contact_words_new": f"AFTER {_OF_WORDS} WHEN {_has_words('NEW')} AND {_CHANGED} BEGIN {_TAKEN} END",
}
#: seen in the order of activity without the rows: what is frequent is found at once
SEEN = ("contact_words", "(tenant_id, last_active_at, name_words, email_words, id)")
SQLITE = (
    f"CREATE TABLE IF NOT EXISTS {PLACES} (place INTEGER PRIMARY KEY, contact_id char(32) NOT NULL UNIQUE)",
    # beginnings of one to three letters, which are those of many words, have indexes of their own
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {FOUND} USING fts5(words, content='', tokenize='ascii', detail=none,"
    f" prefix='{OWNED + 1} {OWNED + 2} {OWNED + 3}')",
    f"CREATE INDEX IF NOT EXISTS contact_by_end ON {CONTACTS} (tenant_id, {_backwards('phone')})",
    *(f"CREATE INDEX IF NOT EXISTS {name} ON {CONTACTS} {of}" for name, of in (SEEN, UNINDEXED)),
    *(f"CREATE TRIGGER IF NOT EXISTS {name} {of}" for name, of in TRIGGERS.items()),
)

# -------------------------------------------------------------------------------------- all


def people_index_make() -> None:
    """Make what is not there yet. Beside a running service; PostgreSQL locks no writer out."""
    {"postgresql": _postgresql, "sqlite": _sqlite, "mongodb": _mongodb}[connection.vendor]()


def people_index_drop() -> None:
    if connection.vendor == "mongodb":
        for name in INDEXED.values():
            _collection().drop_index(name)
        return
    with connection.cursor() as cursor:
        for name in (*INDEXED.values(), UNINDEXED[0], SEEN[0], "contact_by_end"):
            cursor.execute(f"DROP INDEX IF EXISTS {name}")
        if connection.vendor == "sqlite":
            for name in TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            for name in (FOUND, PLACES):
                cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _postgresql() -> None:
    made = {
        name: f"USING gin ({lexemes(column, 'tenant_id')}) WHERE {column} <> ''" for column, name in INDEXED.items()
    }
    made |= {
        UNINDEXED[0]: UNINDEXED[1],
        "contact_by_end": "(tenant_id, reverse(phone) text_pattern_ops) WHERE phone <> ''",
    }
    with unhurried() as cursor:
        for name, of in made.items():
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
            if cursor.fetchone() != (True,):  # one that was broken off is of no use
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {CONTACTS} {of}")


def _sqlite() -> None:
    _sqlite_made()
    after: str | None = ""
    while after is not None:
        after = _sqlite_filled(after)


def _sqlite_made() -> None:
    with connection.cursor() as cursor:
        for statement in SQLITE:
            cursor.execute(statement)


@retried
def _sqlite_filled(after: str) -> str | None:
    """Index some of those that are not, in a transaction that writers can wait for; where it goes on."""
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {CONTACTS} WHERE id > %s ORDER BY id LIMIT 1 OFFSET {TOGETHER - 1}", [after])
        last = (cursor.fetchone() or [None])[0]
        cursor.execute(f"SELECT coalesce(max(place), 0) FROM {PLACES}")
        there = cursor.fetchone()[0]
        cursor.execute(
            f"INSERT INTO {PLACES} (contact_id) SELECT id FROM {CONTACTS} row WHERE id > %s AND id <= %s AND {_has_words('row')}"
            f" AND NOT EXISTS (SELECT 1 FROM {PLACES} WHERE contact_id = row.id)",
            [after, last or "g"],  # behind every number of sixteen signs
        )
        cursor.execute(
            f"INSERT INTO {FOUND} (rowid, words) SELECT place, {_lexemes('row')} FROM {PLACES} JOIN {CONTACTS} row"
            f" ON row.id = contact_id WHERE place > %s",
            [there],
        )
    return last


def _mongodb() -> None:
    for column, name in INDEXED.items():
        _collection().create_index([("tenant_id", 1), (column, 1)], name=name)


def _collection() -> Any:
    return connection.database[CONTACTS]  # type: ignore[attr-defined]


def people_triggers_keep(**_: Any) -> None:
    """A migration that makes SQLite's table of contacts anew leaves its triggers behind. Receives post_migrate."""
    if connection.vendor == "sqlite" and FOUND in connection.introspection.table_names():
        _sqlite_made()
