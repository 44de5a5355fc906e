"""What must be true of the rows and of the twin once all is quiet, whatever was killed before.

Owns the invariants, read by plain SQL so that the service cannot vouch for itself. Must not write.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg

from channels_app.twin.server import Twin
from tests.chaos.load import Load
from tests.chaos.servers import wait_until

QUIET_S = 90  # at most, after the last kill
UNFINISHED = """
    SELECT (SELECT COUNT(*) FROM messaging_inboundevent WHERE status = 'received')
         + (SELECT COUNT(*) FROM messaging_turn WHERE status IN ('waiting', 'running'))
         + (SELECT COUNT(*) FROM messaging_delivery WHERE status IN ('queued', 'sending'))
"""


class Ledger:
    """Reads the service's database at ``url``, SQLite or PostgreSQL."""

    def __init__(self, url: str):
        self._url = url

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        sqlite = self._url.startswith("sqlite")
        opened: Any = (
            sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=20) if sqlite else psycopg.connect(self._url)
        )
        with closing(opened) as connection:
            return [tuple(row) for row in connection.execute(sql).fetchall()]

    def unfinished(self) -> int:
        return int(self.rows(UNFINISHED)[0][0])

    def figures(self) -> dict[str, int]:
        count = {
            "receipts": "SELECT COUNT(*) FROM messaging_inboundevent",
            "stored": "SELECT COUNT(*) FROM conversations_message WHERE direction = 'inbound'",
            "answers": "SELECT COUNT(*) FROM conversations_message WHERE role = 'bot'",
            "taken over": "SELECT COUNT(*) FROM messaging_turn WHERE attempts > 1",
            "sent again": "SELECT COUNT(*) FROM messaging_delivery WHERE attempts > 1",
        }
        return {name: int(self.rows(sql)[0][0]) for name, sql in count.items()}


def assert_all_well(ledger: Ledger, load: Load, twin: Twin, **more_figures: Any) -> None:
    """Wait for the end of the load and for quiet; then every message was stored, answered and delivered, once and
    in order."""
    load.finish(QUIET_S)
    wait_until(lambda: twin.wait_idle(1) and not ledger.unfinished(), QUIET_S, "nothing unfinished", pause=0.5)
    figures = {"accepted": len(load.accepted), "posts": dict(load.answers), **ledger.figures()}
    print({**more_figures, **figures, "at the twin": len(twin.sent), "repeats at the twin": len(twin.repeats)})
    assert Counter(kind for kind, _ in load.accepted) == load.expected
    assert_stored_once(ledger, load.accepted)
    assert_dense(ledger)
    assert_answered_once(ledger)
    assert_delivered(ledger, twin.sent)


def assert_stored_once(ledger: Ledger, accepted: Iterable[tuple[str, str]]) -> None:
    """``accepted``: kind of the channel, and id at the platform or else the sender's own, of every message."""
    stored = ledger.rows("""
        SELECT c.kind, CASE m.platform_message_id WHEN '' THEN m.client_message_id ELSE m.platform_message_id END
        FROM conversations_message m
        JOIN channels_app_channel c ON c.id = m.channel_id WHERE m.direction = 'inbound'
    """)
    assert sorted(stored) == sorted(accepted)
    assert ledger.rows("SELECT id, reason FROM messaging_inboundevent WHERE status IN ('failed', 'malformed')") == []


def assert_dense(ledger: Ledger) -> None:
    """Transcript and timeline are numbered 1, 2, 3 … in every conversation, up to its counters."""
    for table, counter in (("conversations_message", "last_seq"), ("conversations_event", "event_seq")):
        numbers: dict[Any, list[int]] = defaultdict(list)
        for conversation, seq in ledger.rows(f"SELECT conversation_id, seq FROM {table} WHERE seq > 0 ORDER BY seq"):
            numbers[conversation].append(seq)
        last = dict(ledger.rows(f"SELECT id, {counter} FROM conversations_conversation"))
        assert numbers == {conversation: list(range(1, most + 1)) for conversation, most in last.items()}, table


def assert_answered_once(ledger: Ledger) -> None:
    """Every message is followed by a reply that counts it as answered, and none is answered twice."""
    open_ends = """
        SELECT m.id FROM conversations_message m JOIN conversations_conversation c ON c.id = m.conversation_id
        WHERE m.direction = 'inbound' AND (m.seq > c.answered_seq OR NOT EXISTS (
            SELECT 1 FROM conversations_message r
            WHERE r.conversation_id = m.conversation_id AND r.role = 'bot' AND r.seq > m.seq))
    """
    assert ledger.rows(open_ends) == []
    replies: Counter[Any] = Counter()
    parts = {}
    for answered, analysis in ledger.rows("SELECT reply_to, analysis FROM conversations_message WHERE role = 'bot'"):
        replies[answered] += 1
        parts[answered] = (json.loads(analysis) if isinstance(analysis, str) else analysis)["parts"]
    assert dict(replies) == parts


def assert_delivered(ledger: Ledger, sent: Sequence[dict[str, Any]]) -> None:
    """The twin, which removes repeats, has every answer exactly once, and every person got theirs in order."""
    deliveries = ledger.rows("SELECT id, seq, parts_sent, status FROM messaging_delivery")
    assert {row[3] for row in deliveries} <= {"sent", "delivered", "read"}
    seq_of = {f"{UUID(str(row[0]))}.{index}": (row[1], index) for row in deliveries for index in range(row[2])}
    assert Counter(entry["client_ref"] for entry in sent) == Counter(seq_of.keys())
    received: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for entry in sent:
        received[entry["platform"], entry["person"]].append(seq_of[entry["client_ref"]])
    assert {person: sorted(order) for person, order in received.items()} == received
