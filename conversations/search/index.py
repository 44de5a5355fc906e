"""The full-text index of messages on each engine, all of it from the column `words`: nothing else writes to it.

PostgreSQL: a GIN index over the words; SQLite: an FTS5 table that holds no text of its own, kept by triggers; MongoDB: an
index of the list. A word is indexed together with the end of its tenant's id, so that a search reads one tenant's words.
Owns these and nothing of questions.
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tenants.storage.folded import OWNED, lexemes

MESSAGES = "conversations_message"
# ------------------------------------------------------------------------- PostgreSQL

#: the lexemes of a row; a query that wants the index says exactly this
LEXEMES = lexemes("words", "tenant_id")
#: a search reads what was not yet put in its place as well, so that little may wait there
POSTGRESQL = (
    ("message_words", f"USING gin ({LEXEMES}) WITH (gin_pending_list_limit = 512) WHERE words <> ''"),
    ("message_unindexed", "(words, id) WHERE words IS NULL"),
)

# ----------------------------------------------------------------------------- SQLite

FOUND, PLACES, FORGOTTEN = (f"conversations_message_{name}" for name in ("words", "place", "forgotten"))
SECOND = 65_536  # places of one second


def _lexemes(row: str) -> str:
    owner = f"substr({row}.tenant_id, -{OWNED})"
    return f"{owner} || replace(trim({row}.words), ' ', ' ' || {owner})"


_SECOND = f"CAST(strftime('%s', NEW.created_at) AS INTEGER) * {SECOND}"
#: a place is the second and a number within: places are in order of time, whenever a row is indexed
_PLACED = f"""INSERT INTO {PLACES} (place, message_id)
    SELECT CASE WHEN last IS NULL THEN begins WHEN last < begins + {SECOND - 1} THEN last + 1
                ELSE (SELECT max(place) + 1 FROM {PLACES}) END, NEW.id
    FROM (SELECT begins, (SELECT max(place) FROM {PLACES} WHERE place BETWEEN begins AND begins + {SECOND - 1}) AS last
          FROM (SELECT {_SECOND} AS begins));"""
_TAKEN = f"""{_PLACED}
    INSERT INTO {FOUND} (rowid, words) SELECT place, {_lexemes("NEW")} FROM {PLACES} WHERE message_id = NEW.id;"""
_GIVEN_UP = f"""INSERT INTO {FOUND} ({FOUND}, rowid, words)
        SELECT 'delete', place, {_lexemes("OLD")} FROM {PLACES} WHERE message_id = OLD.id;
    DELETE FROM {PLACES} WHERE message_id = OLD.id;
    INSERT OR IGNORE INTO {FORGOTTEN} (id, since) VALUES (1, CAST(strftime('%s', 'now') AS INTEGER));"""

TRIGGERS = (
    f"CREATE TRIGGER IF NOT EXISTS message_words_in AFTER INSERT ON {MESSAGES} WHEN NEW.words > '' BEGIN {_TAKEN} END",
    f"CREATE TRIGGER IF NOT EXISTS message_words_out AFTER DELETE ON {MESSAGES} WHEN OLD.words > '' BEGIN {_GIVEN_UP} END",
    # two for a change, which SQLite runs in no order that it promises: the one before and the one after the row has changed
    f"CREATE TRIGGER IF NOT EXISTS message_words_old BEFORE UPDATE OF words ON {MESSAGES}"
    f" WHEN OLD.words > '' AND OLD.words IS NOT NEW.words BEGIN {_GIVEN_UP} END",
    f"CREATE TRIGGER IF NOT EXISTS message_words_new AFTER UPDATE OF words ON {MESSAGES}"
    f" WHEN NEW.words > '' AND OLD.words IS NOT NEW.words BEGIN {_TAKEN} END",
)
SQLITE = (
    f"CREATE TABLE IF NOT EXISTS {PLACES} (place INTEGER PRIMARY KEY, message_id char(32) NOT NULL UNIQUE)",
    # since when words are taken out that a merge has to wipe: conversations/search/forget.py
    f"CREATE TABLE IF NOT EXISTS {FORGOTTEN} (id INTEGER PRIMARY KEY, since INTEGER NOT NULL)",
    # beginnings of two letters, which are those of a good part of all words, have an index of their own
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {FOUND} USING fts5(words, content='', tokenize='ascii', prefix='{OWNED + 2}')",
    f"CREATE INDEX IF NOT EXISTS message_unindexed ON {MESSAGES} (words, id) WHERE words IS NULL",
    *TRIGGERS,
)

# ------------------------------------------------------------------------------- all


def index_make() -> None:
    """Make what is not there yet. Beside a running service; PostgreSQL locks no writer out."""
    {"postgresql": _postgresql, "sqlite": _sqlite, "mongodb": _mongodb}[connection.vendor]()


def index_drop() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name, _ in POSTGRESQL:
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
        elif connection.vendor == "sqlite":
            for name in ("in", "out", "old", "new"):
                cursor.execute(f"DROP TRIGGER IF EXISTS message_words_{name}")
            cursor.execute("DROP INDEX IF EXISTS message_unindexed")
            for name in (FOUND, PLACES, FORGOTTEN):
                cursor.execute(f"DROP TABLE IF EXISTS {name}")
        else:
            _collection().drop_index("message_words")


def _postgresql() -> None:
    with unhurried() as cursor:
        for name, of in POSTGRESQL:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
            if cursor.fetchone() != (True,):  # one that was broken off is of no use
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {MESSAGES} {of}")


@contextmanager
def unhurried() -> Iterator[Any]:
    """A cursor of PostgreSQL without limits of time: what makes an index waits for older transactions, and no other
    waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        try:
            yield cursor
        finally:
            cursor.execute("RESET lock_timeout; RESET statement_timeout")


def _sqlite() -> None:
    with connection.cursor() as cursor:
        if FOUND not in connection.introspection.table_names(
            cursor
        ):  # what had words is indexed again, as what has none
            cursor.execute(f"UPDATE {MESSAGES} SET words = NULL WHERE words IS NOT NULL")
        for statement in SQLITE:
            cursor.execute(statement)


def _mongodb() -> None:
    _collection().create_index([("tenant_id", 1), ("words", 1), ("created_at", -1)], name="message_words")


def _collection() -> Any:
    return connection.database[MESSAGES]  # type: ignore[attr-defined]


def triggers_keep(**_: Any) -> None:
    """A migration that makes SQLite's table of messages anew leaves its triggers behind. Receives post_migrate."""
    if connection.vendor == "sqlite" and FOUND in connection.introspection.table_names():
        _sqlite()
