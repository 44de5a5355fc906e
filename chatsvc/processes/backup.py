"""A copy of the database and of the folder of files, taken while the service runs.

Owns the order: first the rows, at one moment, then the files, so that every file of which the copied rows speak is in
the copy. Must not copy keys: who has a backup and the keys has everything.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from tenants.storage.db import now

DATABASE, MEDIA, ABOUT = "chatsvc.sqlite3", "media", "backup.json"


class NotWhole(Exception):
    """The copy is not one that could be restored; what there is of it lies beside, with ``.unfinished`` in its name."""


def backup_take(into: Path, copy_rows: Callable[[Path], None], media: Path | None) -> dict[str, Any]:
    """Copy the rows by ``copy_rows`` and, if it is one, the folder of files into a new directory, which has its name once it
    is whole and on the disk. Returns what was copied. Raises FileExistsError, OSError, and what ``copy_rows`` raises."""
    if into.exists():
        raise FileExistsError(f"{into} is there already.")
    unfinished = into.with_name(f"{into.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    taken_at = now()
    copy_rows(unfinished)
    rows = [path for path in sorted(unfinished.rglob("*")) if path.is_file()]
    for path in rows:
        path.chmod(0o600)
        _to_disk(path)
    files = list(_copy_files(media, unfinished / MEDIA)) if media else []
    about = {
        "version": settings.SPECTACULAR_SETTINGS["VERSION"],
        "taken_at": taken_at.astimezone(UTC).isoformat(),
        "database_bytes": sum(path.stat().st_size for path in rows),
        "files": len(files),
        "files_bytes": sum(files),
    }
    _write(unfinished / ABOUT, json.dumps(about, indent=1) + "\n")
    unfinished.rename(into)
    _to_disk(into.parent)
    return about


def default_place() -> Path:
    return settings.BASE_DIR / "var" / "backups" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")


def sqlite_copy(source: Path, into: Path) -> None:
    """In one step under one read lock: writers go on, and none makes it begin again. Raises sqlite3.Error, and NotWhole when
    the copy fails SQLite's own check."""
    copy = into / DATABASE
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=20)) as reader,
        closing(sqlite3.connect(copy)) as writer,
    ):
        reader.backup(writer, pages=-1)
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
        [(found,)] = writer.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise NotWhole(f"The copy of the database is damaged: {found}.")


def _copy_files(source: Path, copy: Path) -> Iterator[int]:
    """The size of each file. One that is removed meanwhile is left out: no row speaks of it for long."""
    copy.mkdir()
    for path in sorted(source.rglob("*")):
        there = copy / path.relative_to(source)
        try:
            if path.is_file():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, there)
                _to_disk(there)
                yield there.stat().st_size
        except FileNotFoundError:
            continue


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    _to_disk(path)


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
