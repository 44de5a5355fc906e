"""No hot path but search reads a whole table: how the engines run the journey's statements over a small past.

Not a measurement (that is benchmarks/past/growth.py): at this size a scan would be quick, and is found all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from benchmarks.past.crowd import TENANTS, Crowd
from benchmarks.webhooks import signed, webhook
from channels_app.contract import StatusUpdate
from conversations.models import Contact, Conversation, Event, Identity, Message, Session
from messaging import deliver, housekeeping, publish, respond, sweep, wake
from messaging.admin.overview import queries_of
from messaging.agents.inbox.lists import VIEWS
from messaging.models import Delivery, DeliveryPart, HandledEvent, InboundEvent, Turn
from messaging.reports import delivery_status
from tenants.scope import tenant_scope
from tenants.storage.db import on_mongo
from tenants.storage.sqlite import figures
from tests.factories import ChannelFactory, DeliveryFactory, LabelFactory, MembershipFactory, TenantFactory, UserFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        on_mongo(), reason="reads the plans of SQL; MongoDB's indexes: tests/tenants/storage/test_mongo.py"
    ),
]

GROWING = {
    model._meta.db_table
    for model in (Contact, Conversation, Delivery, DeliveryPart, Event, HandledEvent, Identity, InboundEvent,
                  Message, Session, Turn)
}  # fmt: skip
EVERYTHING = "SELECT COUNT(*) FROM conversations_message WHERE language = %s"


class Place:
    """A crowd, and a client of the tenant that most of it belongs to."""

    def __init__(self, api: Any) -> None:
        tenants = [TenantFactory() for _ in range(TENANTS)]
        self.crowd = Crowd(tenants, [ChannelFactory(tenant=tenant) for tenant in tenants])
        self.crowd.grow(3_000)
        self.tenant, self.client = tenants[0], api(tenants[0])
        self.phone = ChannelFactory(
            tenant=self.tenant, kind="whatsapp", config={"phone_number_id": "400000000000001"},
            secrets={"access_token": "token-0123456789", "app_secret": "benchmark-app-secret", "verify_token": "v" * 16},
        )  # fmt: skip
        # unscoped: the test's own rows
        last = Message.objects.unscoped().filter(conversation=self.crowd.huge, direction="outbound").latest("seq")
        Delivery.objects.unscoped().filter(message=last).delete()
        self.waiting = DeliveryFactory(message=last, tenant=self.tenant)
        self.turn = Turn.objects.unscoped().first()
        self.member = MembershipFactory(tenant=self.tenant)
        self.label = LabelFactory(tenant=self.tenant)
        self.consoles, self.looks = [Client(), Client()], [HttpRequest(), HttpRequest()]
        for console, look, user in zip(
            self.consoles, self.looks, (self.member.user, UserFactory(is_superuser=True)), strict=True
        ):
            console.force_login(user)
            look.user = user

    def get(self, path: str = "", **query: object) -> Any:
        return self.client.data_of(self.client.get(f"/api/v2/chat/conversations{path}", query))

    @property
    def person(self) -> Any:
        # unscoped: the test's own rows
        return Conversation.objects.unscoped().get(id=self.crowd.huge).contact_id

    def listed(self, noun: str, page: str) -> Any:
        query: dict[str, Any] = {"page_size": 5} if page else {}
        first = self.client.data_of(self.client.get(f"/api/v2/{noun}", query))
        if page == "next page" and first["has_next"]:
            query["cursor"] = first["next_cursor"]
        elif page == "second by number":
            query["page"] = 2
        return self.client.data_of(self.client.get(f"/api/v2/{noun}", query))

    def inbox(self, view: str, **query: object) -> Any:
        """Its first page, and the one behind it."""
        asked = {"view": view, "agent": self.member.user.username, "page_size": 2, **query}
        page = self.client.data_of(self.client.get("/api/v2/chat/inbox", asked))
        place = {"cursor": page["next_cursor"]} if page["has_next"] else {}
        return self.client.data_of(self.client.get("/api/v2/chat/inbox", {**asked, **place}))

    def inbox_counts(self) -> Any:
        return self.client.data_of(self.client.get("/api/v2/chat/inbox/counts", {"agent": self.member.user.username}))

    def search(self, query: str) -> Any:
        return self.client.data_of(self.client.get("/api/v2/chat/messages", {"search_query": query}))

    def send(self, person: str) -> None:
        said = {"user_id": person, "channel": "web", "content": {"type": "text", "text": "Where is it?"}}
        assert self.client.post("/api/v2/chat/message", said).status_code == 200

    def receive(self) -> None:
        path, body, headers = signed(f"/api/v2/webhooks/whatsapp/{self.phone.key}", webhook(1))
        assert Client(headers=headers).post(path, body, content_type="application/json").status_code == 200

    def scoped(self, call: Callable[..., object], *given: object) -> None:
        with tenant_scope(self.tenant.id):
            call(*given)


@pytest.fixture
def place(api: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(wake, "_call", lambda *_, **__: None)
    yield Place(api)


PATHS: dict[str, Callable[[Place], object]] = {
    "newest conversations": lambda place: place.get(),
    "conversations, next page": lambda place: place.get(cursor=place.get()["next_cursor"]),
    "conversations with news": lambda place: place.get(sort_by="last_message_at"),
    "conversations with news, next page": lambda place: place.get(
        sort_by="last_message_at", cursor=place.get(sort_by="last_message_at")["next_cursor"]
    ),
    **{
        f"{noun}, {page}": lambda place, noun=noun, page=page: place.listed(noun, page)
        for noun in ("contacts", "sessions", "events", "deliveries", "dead-letters", "audit")
        for page in ("first page", "next page", "second by number")
    },
    "deliveries that wait": lambda place: place.listed("deliveries?status=queued", ""),
    "deliveries of a channel": lambda place: place.listed(f"deliveries?channel_id={place.phone.id}", ""),
    "a search in deliveries": lambda place: place.listed("deliveries?search_query=giraffe", ""),
    "a person's history": lambda place: place.listed(f"contacts/{place.person}/history", "first page"),
    "a person's figures": lambda place: place.listed(f"contacts/{place.person}/statistics", ""),
    "a conversation's figures": lambda place: place.get(f"/{place.crowd.huge}/metrics"),
    "conversations of a user": lambda place: place.get(user_id=place.crowd.talking(0.5)),
    "a conversation": lambda place: place.get(f"/{place.crowd.huge}"),
    "end of a transcript": lambda place: place.get(f"/{place.crowd.huge}/messages", before=50),
    "middle of a transcript": lambda place: place.get(f"/{place.crowd.huge}/messages", after=20),
    **{f"the inbox, {view}": lambda place, view=view: place.inbox(view) for view in VIEWS},
    "the inbox's counts": lambda place: place.inbox_counts(),
    "the inbox, of a label": lambda place: place.inbox("bot", label=place.label.id),
    "the inbox, what failed": lambda place: place.inbox("bot", failed="true"),
    "colleagues": lambda place: place.client.data_of(place.client.get("/api/v2/members")),
    "a search": lambda place: place.search("friday thursday"),
    "a search for none": lambda place: place.search("giraffe"),
    # each for itself: within the page's one statement their tables go by other names
    "the dashboard's counts": lambda place: [
        rows.count() for request in place.looks for rows in queries_of(request).values()
    ],
    "the dashboard": lambda place: [console.get("/admin/?by=agent") for console in place.consoles],
    "a message": lambda place: place.send(place.crowd.talking(0.5)),
    "a first message": lambda place: place.send("a new person"),
    "a webhook": lambda place: place.receive(),
    "a delivery": lambda place: place.scoped(deliver.deliver, place.crowd.huge),
    "a turn": lambda place: place.scoped(respond.turn_claim, place.turn.id),
    "a delivery status": lambda place: place.scoped(
        delivery_status.status_apply, place.phone, StatusUpdate("wamid.1", "read")
    ),
    "the outbox": lambda place: (place.send(place.crowd.talking(0.5)), publish.publish_events()),
    "the outbox's age": lambda _: publish.outbox_age_s(),
    "the sweep": lambda _: sweep.sweep(),
    "house-keeping": lambda _: housekeeping.keep_house(),
}


def test_no_table_that_grows_is_read_whole(place: Place) -> None:
    asked = {path: statements(lambda call=call: call(place)) for path, call in PATHS.items()}
    assert all(asked.values())
    assert {
        path: [sql for sql, params in found if read_whole(sql, params)] for path, found in asked.items()
    } == dict.fromkeys(PATHS, [])


def test_a_scan_would_be_seen(place: Place) -> None:
    assert read_whole(EVERYTHING, ["en"]) == {"conversations_message"}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL gathers its figures itself")
def test_sqlite_reads_one_conversation_where_one_is_meant(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It read all messages, and all turns, of the tenant: every index that began with what was asked was as good as another."""
    monkeypatch.setattr(figures, "LEAST", 0)
    monkeypatch.setattr(figures, "_gathered", 0)
    assert (figures.figures_gather(), figures.figures_gather()) == (1, 0), "again when the file has doubled"
    for path in ("a person's history", "a conversation's figures"):
        for sql, params in statements(lambda path=path: PATHS[path](place)):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                steps = [
                    row[3] for row in cursor.fetchall() if re.search("conversations_message|messaging_turn", row[3])
                ]
            assert not [step for step in steps if step.endswith("(tenant_id=?)")], (path, sql)


FEW: dict[str, Callable[[Place], object]] = {
    "events of a conversation": lambda place: place.listed(f"events?conversation_id={place.crowd.huge}", ""),
    "what handlers gave up": lambda place: place.listed("events/failed", ""),
    "what one handler gave up": lambda place: place.listed("events/failed?handler=analytics", ""),
}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL knows how few they are")
@pytest.mark.parametrize("path", FEW)
def test_few_of_many_are_found_by_an_index_of_their_own(place: Place, path: str) -> None:
    """The list was walked in its order until there were enough of them: from end to end where there were not."""
    for sql, params in statements(lambda: FEW[path](place)):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [row[3] for row in cursor.fetchall() if re.search("conversations_event|handledevent", row[3])]
        assert all(re.search(r"\((id|conversation_id|error)[=>]", step) for step in steps), (steps, sql)


# ------------------------------------------------------------------------------- plans


def statements(call: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements that have a plan."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.extend([(sql, params)] * bool(re.match("SELECT|UPDATE|DELETE", sql)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    return asked


def read_whole(sql: str, params: Any) -> set[str]:
    """The growing tables that the engine would read from end to end, by an index or not."""
    with connection.cursor() as cursor:
        return {"sqlite": _sqlite, "postgresql": _postgresql}[connection.vendor](cursor, sql, params) & GROWING


def _sqlite(cursor: Any, sql: str, params: Any) -> set[str]:
    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
    return {row[3].split()[1] for row in cursor.fetchall() if row[3].startswith("SCAN")}


def _postgresql(cursor: Any, sql: str, params: Any) -> set[str]:
    """Without sequential scans it takes one only where nothing else is possible, or a whole index instead."""
    cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
    plan = cursor.fetchone()[0]
    cursor.execute("SET LOCAL enable_seqscan = on")
    return {name for node in _nodes(json.loads(plan) if isinstance(plan, str) else plan) for name in _whole(node)}


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    for entry in plan:
        node = entry.get("Plan", entry)
        yield node
        yield from _nodes(node.get("Plans", []))


#: partial indexes that hold nothing but what is asked for
ASKED_WHOLE = {
    "message_unindexed",
    "contact_unindexed",
    *("conversation_mine", "conversation_queue", "conversation_talking", "one_open_conversation_per_identity"),
}  # of conversations: the open ones


def _whole(node: dict[str, Any]) -> list[str]:
    """The table of a scan that no condition limits, neither its own nor that of the indexes that found its rows."""
    if "Scan" not in node["Node Type"] or "Relation Name" not in node:
        return []
    indexes = [way for way in _nodes(node.get("Plans", [])) if way["Node Type"] == "Bitmap Index Scan"]
    limited = all(
        way.get("Index Name") in ASKED_WHOLE or {"Index Cond", "Recheck Cond", "Tid Cond"} & way.keys()
        for way in indexes or [node]
    )
    return [] if limited else [node["Relation Name"]]
