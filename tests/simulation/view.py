"""What the oracle sees of the rows: read without interrupting a process, messages and events once each.

Owns the statements. Must not judge.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Talk(NamedTuple):
    id: str
    tenant: str
    channel: str
    is_open: int
    owner: str
    epoch: int
    last_seq: int
    event_seq: int
    answered_seq: int
    waiting_since: datetime | None
    ended_at: datetime | None
    ended_reason: str


class Entry(NamedTuple):
    """A message of a transcript."""

    id: str
    tenant: str
    conversation: str
    channel: str
    seq: int
    role: str
    text: str
    said_id: str
    created_at: datetime
    metadata: dict[str, Any]


class Out(NamedTuple):
    """A delivery."""

    id: str
    message: str
    conversation: str
    seq: int
    status: str
    error_code: str
    attempts: int


class Told(NamedTuple):
    """An event."""

    conversation: str
    seq: int
    type: str
    payload: dict[str, Any]


TALKS = """SELECT id, tenant_id, channel_id, is_open, control_owner, control_epoch, last_seq, event_seq, answered_seq,
    waiting_since, ended_at, ended_reason FROM conversations_conversation"""
ENTRIES = """SELECT id, tenant_id, conversation_id, channel_id, seq, role, text,
    platform_message_id || CASE WHEN role = 'visitor' THEN client_message_id ELSE '' END, created_at, metadata
    FROM conversations_message WHERE rowid > ? ORDER BY rowid"""
OUTS = "SELECT id, message_id, conversation_id, seq, status, error_code, attempts FROM messaging_delivery"
EVENTS = "SELECT conversation_id, seq, type, payload FROM conversations_event WHERE rowid > ? ORDER BY rowid"


@dataclass
class View:
    """The rows as of the last `look`."""

    raw: sqlite3.Connection
    changes: int = -1
    talks: dict[str, Talk] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    outs: dict[str, Out] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)

    def look(self) -> bool:
        """Read what is new. False when nothing was written since."""
        if self.raw.total_changes == self.changes:
            return False
        self.changes = self.raw.total_changes
        self.talks = {row[0]: Talk(*row) for row in self.raw.execute(TALKS)}
        self.outs = {row[0]: Out(*row) for row in self.raw.execute(OUTS)}
        self.entries += [Entry(*row[:9], json.loads(row[9])) for row in self.raw.execute(ENTRIES, [len(self.entries)])]
        self.events += [Told(*row[:3], json.loads(row[3])) for row in self.raw.execute(EVENTS, [len(self.events)])]
        return True

    def one(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        row = self.raw.execute(sql, values).fetchone()
        return row[0] if row else None
