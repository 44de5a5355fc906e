"""A database with a past: tenants, conversations and all that so many messages leave behind, made by SQL.

Owns the rows of benchmarks/past/growth.py. Must not stand in for the service: its own verbs never write like this.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Model

from channels_app.words.folding import folded

TENANTS = 20  # every second conversation belongs to the first, which is the one that is measured
SIDE_BY_SIDE = 50  # conversations that go on at the same time
LENGTH = 30  # messages of an ordinary conversation
BLOCK = SIDE_BY_SIDE * LENGTH
TALKING = 20  # one conversation in so many is still open
HUGE = 50  # one message in so many belongs to the one huge conversation
HUGE_FROM = 10**10  # its messages are numbered from here
DAYS = 30  # the past begins so long ago; two seconds between two messages

#: how each engine makes a time-ordered key of a number, a time of seconds, a digest of a number; and what it does after
SPELLING: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "id": "printf('%%012x70008000%%012x', ({start} + {s}) * 1000, {n})",
        "at": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', {start} + {s}, 'unixepoch')",
        "digest": "lower(hex(randomblob(32)))",
        "literal": "%s",
        "begin": "SELECT 1",
        "settle": "SELECT 1",  # no statistics are gathered there
    },
    "postgresql": {
        "id": "(lpad(to_hex(({start} + {s})::bigint * 1000), 12, '0') || '70008000'"
        " || lpad(to_hex(({n})::bigint), 12, '0'))::uuid",
        "at": "to_timestamp({start} + {s})",
        "digest": "md5({n}::text) || md5('x' || {n}::text)",
        "literal": "%s::{type}",
        "begin": "SET enable_nestloop = off; SET jit = off",  # it takes a stretch for a few messages
        "settle": "RESET enable_nestloop; RESET jit; ANALYZE",  # as autovacuum would have, meanwhile
    },
}
#: what spares checks and waiting while the past is made, and how it is as before
SHORTCUTS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "PRAGMA synchronous = OFF": "PRAGMA synchronous = FULL",
        "PRAGMA cache_size = -1000000": "PRAGMA cache_size = -16000",
        "PRAGMA foreign_keys = OFF": "PRAGMA foreign_keys = ON",
    },
    "postgresql": {
        f"SET {name} = {value}": f"RESET {name}"
        for name, value in {
            "statement_timeout": "0", "session_replication_role": "replica", "synchronous_commit": "off",
            "enable_nestloop": "off", "jit": "off", "work_mem": "'256MB'", "maintenance_work_mem": "'512MB'",
        }.items()
    },
}  # fmt: skip
#: messages of a stretch: number, conversation, seq, seconds since the beginning
ORDINARY = f"SELECT n, 1 + n / {BLOCK} * {SIDE_BY_SIDE} + n %% {SIDE_BY_SIDE}, n %% {BLOCK} / {SIDE_BY_SIDE} + 1, n * 2"
OF_THE_HUGE = f"SELECT {HUGE_FROM} + n, n * 0, n + 1, n * {HUGE * 2}"  # a plain 0 would be looked up once for each row


@dataclass
class Crowd:
    """Rows that are there already; ``tenant`` is the big one. ``found``: whether messages are in the index of the search, which
    SQLite writes word by word."""

    tenants: list[Any]
    channels: list[Any]
    messages: int = 0
    found: bool = True

    def __post_init__(self) -> None:
        self._ordinary = self._huge_length = self._conversations = 0
        self._start = int(time.time()) - DAYS * 86_400
        self.huge = self._key(3, 0, 0)  # the huge conversation

    def grow(self, messages: int) -> None:
        """Up to so many messages in all, or a block more."""
        with connection.cursor() as cursor:
            cursor.execute(SPELLING[connection.vendor]["begin"])
        ordinary = -(-(messages - messages // HUGE) // BLOCK) * BLOCK
        self._people_come(1 + ordinary // BLOCK * SIDE_BY_SIDE, messages // HUGE)
        for said, first, last in (
            (ORDINARY, self._ordinary, ordinary),
            (OF_THE_HUGE, self._huge_length, messages // HUGE),
        ):
            for model, columns, like, only in self._left_behind():
                _insert(model, columns, like, f"{said} FROM numbers", only, first, last)
        self._ordinary, self._huge_length = ordinary, messages // HUGE
        self.messages = ordinary + self._huge_length
        with connection.cursor() as cursor:
            cursor.execute(SPELLING[connection.vendor]["settle"])

    def talking(self, place: float) -> str:
        """The ``user_id`` of a person at the big tenant whose conversation is open; 0 the first, 1 the newest."""
        return f"person{(1 + int(place * (self._conversations // TALKING - 1))) * TALKING}"

    # ------------------------------------------------------------------------ conversations

    def _people_come(self, conversations: int, huge: int) -> None:
        from conversations.models import Contact, Conversation, Identity, Session

        def rows() -> Iterator[tuple[Any, Any, Any, Any]]:
            for number in range(self._conversations, conversations):
                place = 0 if number % 2 == 0 else number // 2 % TENANTS
                shared = {"tenant": self.tenants[place]}
                began = 0 if number == 0 else (number - 1) // SIDE_BY_SIDE * BLOCK * 2
                contact = Contact(name=f"Person {number}", id=self._key(1, number, began), **shared)
                identity = Identity(
                    id=self._key(2, number, began), contact=contact, channel=self.channels[place], scheme="user",
                    value=f"person{number}", verified=True, **shared,
                )  # fmt: skip
                open_ = number % TALKING == 0
                yield contact, identity, Conversation(
                    id=self._key(3, number, began), contact=contact, identity=identity, channel=self.channels[place],
                    is_open=open_, status="active" if open_ else "completed", last_seq=LENGTH, message_count=LENGTH,
                    answered_seq=LENGTH, event_seq=LENGTH * 3 // 2, last_message_preview=f"Order {number} has come.",
                    created_at=self._at(began), last_message_at=self._at(began + BLOCK * 2 + number % SIDE_BY_SIDE),
                    **shared,
                ), Session(
                    id=self._key(4, number, began), contact=contact, channel=self.channels[place], key="browser",
                    expires_at=self._at(began + BLOCK * 2), ended_at=self._at(began + BLOCK * 2), **shared,
                )  # fmt: skip

        models = (Contact, Identity, Conversation, Session)
        for model, made in zip(models, zip(*rows(), strict=True), strict=True):
            # unscoped: the benchmark's own rows
            model.objects.unscoped().bulk_create(made, batch_size=1000)
        self._conversations = conversations
        # unscoped: as above
        Conversation.objects.unscoped().filter(id=self.huge).update(
            last_seq=huge, message_count=huge, answered_seq=huge, event_seq=huge * 3 // 2
        )

    def _key(self, kind: int, number: int, second: int) -> uuid.UUID:
        return uuid.UUID(f"{(self._start + second) * 1000:012x}7000800{kind}{number:012x}")

    def _at(self, second: int) -> datetime:
        return datetime.fromtimestamp(self._start + second, UTC)

    # ----------------------------------------------------------------- what messages leave behind

    def _left_behind(self) -> Iterator[tuple[type[Model], dict[str, str], Model, str]]:
        """Model, the columns that differ from row to row, what the others are like, and for which messages."""
        from conversations.models import Event, Message
        from messaging.models import Delivery, DeliveryPart, HandledEvent, InboundEvent, Turn

        words, at = SPELLING[connection.vendor], SPELLING[connection.vendor]["at"]
        some = str(uuid.UUID(int=7))

        def key(digit: str) -> str:
            return words["id"].format(start=self._start, s="s", n=f"said.n * 10 + {digit}")

        moment = at.format(start=self._start, s="s")
        whose = {"tenant_id": "c.tenant_id", "conversation_id": "c.id", "seq": "said.seq", "created_at": moment}
        place = {**whose, "channel_id": "c.channel_id"}
        inbound, outbound = "said.seq % 2 = 1".replace("%", "%%"), "said.seq % 2 = 0".replace("%", "%%")
        text = "What you ordered is on its way and comes on Thursday or on Friday."
        content = {"type": "text", "text": text, "format": "plain"}
        words_of = {"content_type": "text", "content": content, "text": text, "language": "en"}
        words_of["words"] = folded(text) if self.found else ""
        spoken = {**place, "id": key("0"), "identity_id": "c.identity_id", "sent_at": moment}
        analysis = {"intent": "order_status", "confidence": 0.9, "engine": "builtin", "parts": 1}
        yield Message, spoken, Message(direction="inbound", role="visitor", **words_of), inbound
        yield Message, spoken, Message(direction="outbound", role="bot", analysis=analysis, **words_of), outbound
        yield Delivery, {**place, "id": key("1"), "message_id": key("0")}, Delivery(status="read"), outbound
        part = {"id": key("6"), "tenant_id": "c.tenant_id", "channel_id": "c.channel_id", "created_at": moment}
        part |= {"delivery_id": key("1"), "platform_id": words["digest"].format(n="said.n")}
        yield DeliveryPart, part, DeliveryPart(index=0, status="read"), outbound
        turn = {**whose, "id": key("2"), "first_seq": "said.seq", "last_seq": "said.seq"}
        turn.pop("seq")
        yield Turn, turn, Turn(status="answered", outcome="replied", engine="builtin", attempts=1), inbound
        receipt = {**place, "id": key("3"), "digest": words["digest"].format(n="said.n")}
        receipt.pop("conversation_id"), receipt.pop("seq")
        request = {"method": "POST", "path": "/api/v2/webhooks/x/y", "headers": {}, "query": {}, "body": text * 5}
        yield InboundEvent, receipt, InboundEvent(status="processed", attempts=1, request=request), inbound
        facts = {"conversation_id": some, "channel_id": some, "message_id": some, "seq": 1, "role": "visitor"}
        for digit, type, seq, when in (
            ("4", "chat.message.received", "said.seq / 2 * 3 + 1", inbound),
            ("5", "chat.message.processed", "said.seq / 2 * 3 + 2", inbound),
            ("6", "chat.message.sent", "said.seq / 2 * 3", outbound),
        ):
            handed_on = {"published_at": moment, "streamed_at": moment}
            event = {**whose, **handed_on, "id": key(digit), "seq": seq}
            yield Event, event, Event(type=type, payload=facts, correlation_id=some), when
        mark = {"tenant_id": "c.tenant_id", "created_at": moment, "id": key("4"), "event": key("4")}
        yield HandledEvent, mark, HandledEvent(handler="analytics"), inbound


def _insert(
    model: type[Model], columns: Mapping[str, str], like: Model, said: str, only: str, first: int, last: int
) -> None:
    """A row for each message of a stretch: ``columns`` are SQL over ``said`` and ``c``, its conversation."""
    from conversations.models import Conversation

    names, values, given = _columns(model, columns, like)
    places = f"row_number() OVER (ORDER BY id) - 1 AS place FROM {Conversation._meta.db_table}"  # keys are in order
    sql = (
        f'INSERT INTO "{model._meta.db_table}" ({", ".join(names)}) '
        f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {last}), "
        f"said(n, number, seq, s) AS ({said}) "
        f"SELECT {', '.join(values)} FROM said JOIN "
        f"(SELECT id, tenant_id, channel_id, identity_id, {places}) c ON c.place = said.number WHERE {only}"
    )
    with connection.cursor() as cursor:
        if last > first:
            cursor.execute(sql, given)


def inserted(model: type[Model], columns: Mapping[str, str], like: Model, source: str) -> None:
    """A row for each row of ``source``: ``columns`` are SQL over it, the others are as ``like`` has them."""
    names, values, given = _columns(model, columns, like)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{model._meta.db_table}" ({", ".join(names)}) SELECT {", ".join(values)} {source}', given
        )


def _columns(model: type[Model], columns: Mapping[str, str], like: Model) -> tuple[list[str], list[str], list[Any]]:
    """The columns of a table, what is selected for each, and the values of those that all rows share."""
    literal, names, values, given = SPELLING[connection.vendor]["literal"], [], [], []
    for field in model._meta.concrete_fields:
        column = str(field.column)
        names.append(f'"{column}"')
        if column in columns:
            values.append(columns[column])
        else:
            values.append(literal.format(type=field.db_type(connection)))
            given.append(field.get_db_prep_save(getattr(like, field.attname), connection))
    return names, values, given


@contextmanager
def in_haste() -> Iterator[None]:
    """Nothing checks the rows of the past one by one, no commit waits for the disk, and however long it takes."""
    with connection.cursor() as cursor:
        for hurried in SHORTCUTS[connection.vendor]:
            cursor.execute(hurried)
        yield
        for as_before in SHORTCUTS[connection.vendor].values():
            cursor.execute(as_before)
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")  # as autovacuum would have, meanwhile
