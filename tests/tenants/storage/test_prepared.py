"""Kept statements: the ORM's rows, numbers and errors, only of the tenant in scope, however they are run.

That each statement is the ORM's own, text and parameters, is compared everywhere: tests/same_statements.py.
"""

from __future__ import annotations

import datetime
import threading
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, connections
from django.db.models import Exists, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Greatest
from django.test.utils import CaptureQueriesContext

from channels_app.contract import RawRequest
from conversations.models import Contact, Conversation, Identity, Note
from messaging.models import InboundEvent, WebhookEndpoint
from messaging.receive import receipt_store
from tenants.models import Tenant
from tenants.scope import NoTenantScope, tenant_scope
from tenants.storage import db, postgres, prepared
from tenants.storage.connections import connection_release
from tenants.storage.prepared import driver, kept, orm, reading
from tenants.storage.prepared.driver import Statement
from tenants.storage.prepared.owner import OtherTenant
from tenants.storage.prepared.shapes import Given
from tests.factories import ChannelFactory, ContactFactory, ConversationFactory, IdentityFactory

SQL = pytest.mark.skipif(db.on_mongo(), reason="nothing is kept there: the portable way is the only one")
pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime.datetime(2026, 5, 4, 3, 2, 1, 123000, tzinfo=datetime.UTC)
WAYS = [pytest.param(orm, id="orm"), *([] if db.on_mongo() else [pytest.param(kept, id="kept")])]
BOTH = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(params=["counted", "directly"])
def looked_at(request: pytest.FixtureRequest) -> Iterator[None]:
    """Statements that are counted go through Django's cursor, others to the driver."""
    with {"counted": CaptureQueriesContext(connection), "directly": nullcontext()}[request.param]:
        yield


def facts(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


# ------------------------------------------------------------------------------ update

CHANGES: dict[str, dict[str, Any]] = {
    "plain": {"subject": "It's 100 % %s ?", "priority": "high"},
    "numbers": {"last_seq": F("last_seq") + 2, "event_seq": F("event_seq")},
    "times": {"waiting_since": Coalesce(F("waiting_since"), Value(AT)), "last_message_at": AT},
    "greatest": {"reply_window_expires_at": Greatest(Coalesce(F("reply_window_expires_at"), Value(AT)), Value(AT))},
    "nothing": {"waiting_since": None, "satisfaction": None},
    "json": {"context": {"ä": [1, 2.5, None, True, "\u2028"], "n": 2**63 - 1}, "reference": {}},
    "states": {"is_open": False, "status": Conversation.Status.COMPLETED},
    "not kept": {"subject": Concat(F("subject"), Value("!"))},
}


@BOTH
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_row_comes_back_as_it_is_now(scope, way: ModuleType, looked_at: None, changes: dict[str, Any]) -> None:
    one, other = (
        ConversationFactory(tenant=scope, subject="before", waiting_since=AT, satisfaction=3) for _ in range(2)
    )
    row = way.update_where(Conversation, {"id": one.id, "is_open": True, "status__in": Conversation.OPEN}, changes)
    assert facts(row) == facts(Conversation.objects.get(id=one.id)) != facts(one)
    assert (row._state.adding, row._state.db) == (False, "default")
    assert facts(Conversation.objects.get(id=other.id)) == facts(other)


@BOTH
def test_a_row_is_found_though_its_condition_holds_no_more(scope, way: ModuleType) -> None:
    made = ConversationFactory(tenant=scope)
    ended = way.update_where(Conversation, {"identity_id": made.identity_id, "is_open": True}, {"is_open": False})
    assert (ended.id, ended.is_open) == (made.id, False)


@BOTH
@pytest.mark.parametrize("where", [{"last_seq__gt": 0}, {"is_open": False}, {"subject__in": ()}, {"subject": "x"}])
def test_nothing_matches(scope, way: ModuleType, looked_at: None, where: dict[str, Any]) -> None:
    made = ConversationFactory(tenant=scope)
    assert way.update_where(Conversation, {"id": made.id, **where}, {"priority": "high"}) is None
    assert way.update(Conversation, {"id": made.id, **where}, {"priority": "high"}) == 0
    assert Conversation.objects.get().priority == "normal"


@BOTH
def test_update_says_how_many(scope, way: ModuleType, looked_at: None) -> None:
    for _ in range(3):
        ContactFactory(tenant=scope, name="before")
    assert way.update(Contact, {"name": "before"}, {"name": "after"}) == 3


@BOTH
def test_a_condition_that_names_two_rows_changes_none(scope, way: ModuleType) -> None:
    for _ in range(2):
        ContactFactory(tenant=scope, name="before")
    with pytest.raises(Contact.MultipleObjectsReturned), db.atomic():
        way.update_where(Contact, {"name": "before"}, {"email": "a@example.com"})
    assert list(Contact.objects.values_list("email", flat=True)) == ["", ""]


@BOTH
def test_a_row_stands_for_its_key(scope, way: ModuleType) -> None:
    made, contact = IdentityFactory(tenant=scope), ContactFactory(tenant=scope)
    moved = way.update_where(Identity, {"channel": made.channel, "value": made.value}, {"contact": contact})
    assert moved.contact_id == contact.id


# ------------------------------------------------------------------------------ insert


@BOTH
@pytest.mark.parametrize("count", [1, 2, 7])
def test_rows_are_written_as_they_are(scope, way: ModuleType, looked_at: None, count: int) -> None:
    into = ConversationFactory(tenant=scope)
    rows = [Note(tenant=scope, conversation=into, text=f"%s {n} ü") for n in range(count)]
    way.insert(rows)
    assert [facts(row) for row in Note.objects.order_by("id")] == [facts(row) for row in rows]
    assert {(row._state.adding, row._state.db) for row in rows} == {(False, "default")}


@BOTH
def test_many_rows_are_all_written_or_none(scope, way: ModuleType) -> None:
    into = ConversationFactory(tenant=scope)
    rows = [Note(tenant=scope, conversation=into, text=str(n)) for n in range(kept.MOST_ROWS + 3)]
    with db.atomic():
        way.insert(rows)
    assert Note.objects.count() == len(rows)
    way.insert([])
    rows = [Note(tenant=scope, conversation=into, text="again") for _ in rows]
    rows[-1].id = rows[0].id
    with pytest.raises(IntegrityError), db.atomic():
        way.insert(rows)
    assert not Note.objects.filter(text="again").exists()


@BOTH
def test_a_key_that_is_taken_is_told_as_by_django(scope, way: ModuleType, looked_at: None) -> None:
    known = IdentityFactory(tenant=scope)
    twin = Identity(tenant=scope, contact=known.contact, channel=known.channel, scheme=known.scheme, value=known.value)
    with pytest.raises(IntegrityError) as caught, db.atomic():
        ContactFactory(tenant=scope, name="goes with it")
        way.insert([twin])
    assert db.key_taken(caught.value)
    assert not Contact.objects.filter(name="goes with it").exists()


@SQL
def test_a_row_that_is_gone_is_a_lost_race(scope, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope)
    with pytest.raises(IntegrityError) as caught, db.atomic():
        prepared.insert([Note(tenant=scope, conversation_id=db.new_id(), text="x")])
    assert db.lost_race(caught.value)
    assert not db.key_taken(caught.value)
    assert Conversation.objects.get() == into


@SQL
def test_a_refused_value_is_no_lost_race_and_ends_the_transaction(scope, looked_at: None) -> None:
    """Also where its error is caught inside: nothing of it is committed, as with Django's own writes."""
    made = ConversationFactory(tenant=scope)
    with db.atomic():
        prepared.update(Conversation, {"id": made.id}, {"subject": "goes with it"})
        with pytest.raises((IntegrityError, DataError)) as caught:
            prepared.update(Conversation, {"id": made.id}, {"last_seq": -1})
        assert connection.needs_rollback
    assert not db.lost_race(caught.value)
    assert Conversation.objects.get().subject == ""


@BOTH
def test_a_number_is_behind_those_that_are_there(scope, other_tenant, way: ModuleType, looked_at: None) -> None:
    """Of the same rows by what the look is given, and of the tenant in scope alone."""
    here, there = (ChannelFactory(tenant=scope) for _ in range(2))
    number = way.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
    with tenant_scope(other_tenant.id):
        InboundEvent.objects.create(
            tenant=other_tenant, channel=ChannelFactory(tenant=other_tenant), place=70, request={}
        )
    InboundEvent.objects.create(tenant=scope, channel=there, digest="there", place=7, request={})
    for n in range(3):
        place = number.behind(channel=here.id)
        way.insert([InboundEvent(tenant=scope, channel=here, digest=f"{n} %s", place=place, request={})])
    place = number.behind(channel=there.id)
    way.insert([InboundEvent(tenant=scope, channel=there, digest="next", place=place, request={})])
    way.insert([InboundEvent(tenant=scope, channel=there, digest="told", place=3, request={})])
    places = list(InboundEvent.objects.order_by("created_at", "id").values_list("digest", "place"))
    assert places == [("there", 7), ("0 %s", 1), ("1 %s", 2), ("2 %s", 3), ("next", 8), ("told", 3)]


@SQL
def test_rows_that_are_numbered_and_rows_that_are_not_go_together(scope) -> None:
    here = ChannelFactory(tenant=scope)
    number = kept.Next(InboundEvent, "place", lambda rows, channel: rows.filter(channel=channel))
    rows = [
        InboundEvent(tenant=scope, channel=here, digest="told", place=4, request={}),
        InboundEvent(tenant=scope, channel=here, digest="asked", place=number.behind(channel=here.id), request={}),
    ]
    kept.insert(rows)
    assert set(InboundEvent.objects.values_list("digest", "place")) == {("told", 4), ("asked", 1)}


@SQL
def test_no_receipt_of_a_webhook_has_its_statement_compiled_anew(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept goes through the ORM, at ten times the cost."""
    channel = ChannelFactory(tenant=scope, kind="whatsapp")
    monkeypatch.setattr(orm, "write", None)
    for n in range(2):
        body = str(n).encode()
        receipt_store(channel, RawRequest(method="POST", path="/", headers={}, query={}, body=body, url="/"))
    assert list(InboundEvent.objects.order_by("id").values_list("place", flat=True)) == [1, 2]


# ------------------------------------------------------------------------------ select

BY_NAME: dict[str, Callable[..., Any]] = {
    "rows": lambda rows, name: rows.filter(name=name).order_by("email"),
    "named": lambda rows, name: rows.filter(name=name).order_by("-email").values_list("id", "profile", named=True),
    "plain": lambda rows, name: rows.filter(name=name).order_by("email").values_list("created_at", "profile"),
    "flat": lambda rows, name: rows.filter(name=name).order_by("email").values_list("email", flat=True),
    "constants": lambda rows, name: rows.filter(name=name, email__in=("a", "c"), language="").order_by("email"),
}


@BOTH
@pytest.mark.parametrize("build", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("most", [None, 1, 2, 5])
def test_rows_are_read_as_by_the_orm(scope, way: Any, build: Any, most: int | None, looked_at: None) -> None:
    for email in "cab":
        ContactFactory(tenant=scope, name="it's %s", email=email, profile={"of": [email]})
    ContactFactory(tenant=scope, name="another")
    select = way.Select(Contact, build)
    wanted = list(build(Contact.objects, name="it's %s")[:most])
    assert [select.run(most=most, name="it's %s") for _ in range(2)] == [wanted, wanted]
    assert select.first(name="it's %s") == wanted[0]
    assert (select.first(name="unknown"), select.run(name="unknown")) == (None, [])


@BOTH
def test_places_stand_in_the_queries_inside_too(scope, way: Any, looked_at: None) -> None:
    """Each value is prepared by the field that it is compared with there."""
    meant, other = (ContactFactory(tenant=scope) for _ in range(2))
    talk = ConversationFactory(tenant=scope, contact=meant)

    def build(rows: Any, id: Any, conversation: Any, since: Any) -> Any:
        talks = Conversation.objects.unscoped().filter(contact=OuterRef("id"), created_at__gte=since)
        return rows.filter(id=id).values_list(
            Exists(talks.filter(id=conversation)), Subquery(talks.values("id")[:1]), ~Exists(talks)
        )

    select, asked = way.Select(Contact, build), {"conversation": talk.id, "since": talk.created_at}
    for _ in range(2):
        assert select.first(id=meant.id, **asked) == (True, talk.id, False)
        assert select.first(id=other.id, **asked) == (False, None, True)
    assert select.first(id=meant.id, conversation=talk.id, since=AT.replace(year=2100)) == (False, None, True)


@BOTH
def test_a_row_is_found_by_what_points_to_it(scope, way: Any, looked_at: None) -> None:
    made, other = (ConversationFactory(tenant=scope) for _ in range(2))
    select = way.Select(Contact, lambda rows, conversation: rows.filter(conversations=conversation))
    assert [select.run(conversation=one.id) for one in (made, other)] == [[made.contact], [other.contact]]
    assert select.first(conversation=db.new_id()) is None


@BOTH
def test_related_rows_come_along(scope, way: Any, django_assert_num_queries: Any) -> None:
    made = ConversationFactory(tenant=scope)
    select = way.Select(Identity, lambda rows, id: rows.filter(id=id).select_related("contact", "channel"))
    found = select.first(id=made.identity_id)
    with django_assert_num_queries(0):
        assert (facts(found.contact), found.channel) == (facts(made.contact), made.channel)


@BOTH
def test_rows_along_rows_are_those_of_the_orm(scope, way: Any, django_assert_num_queries: Any) -> None:
    made = ConversationFactory(tenant=scope)
    along = ("assignee", "identity__contact", "identity__channel")
    select = way.Select(Conversation, lambda rows, id: rows.filter(id=id).select_related(*along))
    found, wanted = select.first(id=made.id), Conversation.objects.select_related(*along).get(id=made.id)
    with django_assert_num_queries(0):
        assert found.assignee is wanted.assignee is None
        for ours, theirs in ((found.identity, wanted.identity), (found.identity.contact, wanted.identity.contact)):
            assert facts(ours) == facts(theirs)
            assert (
                (ours._state.adding, ours._state.db) == (theirs._state.adding, theirs._state.db) == (False, "default")
            )
            assert ours._state.fields_cache.keys() == theirs._state.fields_cache.keys()


# ------------------------------------------------------------------ an INSERT that reads

READING = pytest.mark.parametrize(
    "way", [pytest.param(orm, id="orm"), *([] if db.on_mongo() else [pytest.param(reading, id="kept")])]
)
ABOUT = prepared.Select(
    Contact,
    lambda rows, id, conversation: rows.filter(id=id).values_list(
        "id",
        "created_at",
        "name",
        "profile",
        "last_active_at",
        Exists(Note.objects.unscoped().filter(conversation=conversation)),
    ),
)


def about_values(conversation: Conversation) -> dict[str, uuid.UUID]:
    return {"id": conversation.contact_id, "conversation": conversation.id}


@READING
def test_what_stands_beside_a_new_row_is_read_behind_it(scope, way: ModuleType, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope, contact=ContactFactory(tenant=scope, name="it's %s", profile={"a": [1]}))
    of = into.contact
    Note.objects.create(tenant=scope, conversation=into, text="before")  # the new row itself may not be seen yet
    for number in range(2):
        note = Note(tenant=scope, conversation=into, text=f"%s {number}")
        found = way.insert_reading(note, ABOUT, **about_values(into))
        assert found == (of.id, of.created_at, "it's %s", {"a": [1]}, of.last_active_at, True)
        assert (facts(Note.objects.get(id=note.id)), note._state.adding) == (facts(note), False)
    assert Note.objects.count() == 3


@READING
def test_of_a_row_that_is_not_there_or_anothers_nothing_is_read(
    scope: Tenant, other_tenant: Tenant, way: ModuleType, looked_at: None
) -> None:
    into = ConversationFactory(tenant=scope)
    with tenant_scope(other_tenant.id):
        theirs = ContactFactory(tenant=other_tenant)
    for contact_id in (theirs.id, db.new_id()):
        note = Note(tenant=scope, conversation=into, text="kept")
        assert way.insert_reading(note, ABOUT, id=contact_id, conversation=into.id) is None
    assert Note.objects.count() == 2
    with pytest.raises(OtherTenant):
        way.insert_reading(Note(tenant=other_tenant, conversation=into, text="x"), ABOUT, **about_values(into))


@READING
def test_a_row_that_cannot_be_written_reads_nothing(scope, way: ModuleType, looked_at: None) -> None:
    into = ConversationFactory(tenant=scope)
    note = Note(tenant=scope, conversation=into, text="first")
    way.insert_reading(note, ABOUT, **about_values(into))
    with pytest.raises(IntegrityError), db.atomic():
        way.insert_reading(Note(id=note.id, tenant=scope, conversation=into, text="x"), ABOUT, **about_values(into))
    assert Note.objects.get().text == "first"


@SQL
@pytest.mark.parametrize("returns", [True, False], ids=["returning", "as-old-sqlite"])
def test_a_row_that_reads_is_one_statement_where_it_can_be(
    scope, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any, returns: bool
) -> None:
    into = ConversationFactory(tenant=scope)
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", returns)
    monkeypatch.setattr(kept, "_shapes", {})
    with django_assert_num_queries(1 if returns else 2):
        note = Note(tenant=scope, conversation=into, text="x")
        found = reading.insert_reading(note, ABOUT, **about_values(into))
    assert found is not None and found[0] == into.contact_id
    assert not note._state.adding


@READING
def test_a_gathered_row_is_written_at_the_end_and_the_read_is_at_once(scope, way: ModuleType) -> None:
    into = ConversationFactory(tenant=scope)
    with db.atomic(), (prepared if way is reading else orm).gathered(Note):
        found = way.insert_reading(Note(tenant=scope, conversation=into, text="x"), ABOUT, **about_values(into))
    assert found is not None and found[0] == into.contact_id
    assert Note.objects.count() == 1


@SQL
def test_a_value_that_cannot_be_kept_is_refused() -> None:
    """Compared with nothing, a column gives nothing: the ORM would ask ``IS NULL``."""
    with pytest.raises(AssertionError):
        kept.Select(Contact, BY_NAME["rows"]).run(name=None)


# ------------------------------------------------------------------------------- scope


@BOTH
class TestScope:
    def test_other_tenants_rows_are_neither_seen_nor_changed(self, way: Any, tenant, other_tenant) -> None:
        theirs = ContactFactory(tenant=other_tenant, name="theirs")
        select = way.Select(Contact, lambda rows, id: rows.filter(id=id))
        with tenant_scope(tenant.id):
            assert select.first(id=theirs.id) is None
            assert way.update(Contact, {"id": theirs.id}, {"name": "ours"}) == 0
            assert way.update_where(Contact, {"id": theirs.id}, {"name": "ours"}) is None
        with tenant_scope(other_tenant.id):
            assert select.first(id=theirs.id).name == "theirs"

    def test_a_named_tenant_does_not_open_its_scope(self, way: Any, tenant, other_tenant) -> None:
        theirs = ContactFactory(tenant=other_tenant, name="theirs")
        with tenant_scope(tenant.id):
            where = {"id": theirs.id, "tenant_id": other_tenant.id}
            assert way.update(Contact, where, {"name": "ours"}) == 0

    def test_a_row_of_another_tenant_is_not_written(self, way: Any, tenant, other_tenant) -> None:
        with tenant_scope(tenant.id):
            with pytest.raises(OtherTenant):
                way.insert([Contact(tenant=tenant), Contact(tenant=other_tenant)])
            assert not Contact.objects.exists()

    def test_nothing_goes_without_a_scope(self, way: Any, tenant) -> None:
        made = ContactFactory(tenant=tenant)
        calls = (
            lambda: way.update(Contact, {"id": made.id}, {"name": "x"}),
            lambda: way.update_where(Contact, {"id": made.id}, {"name": "x"}),
            lambda: way.insert([Contact(tenant=tenant)]),
            lambda: way.Select(Contact, BY_NAME["rows"]).run(name="x"),
        )
        for call in calls:
            with pytest.raises(NoTenantScope):
                call()

    def test_rows_without_a_tenant_need_no_scope(self, way: Any) -> None:
        way.insert([Tenant(name="One", slug="one")])
        assert way.update(Tenant, {"slug": "one"}, {"name": "Two"}) == 1
        assert way.Select(Tenant, lambda rows, slug: rows.filter(slug=slug)).first(slug="one").name == "Two"


# ------------------------------------------------------------------------------ shapes


@SQL
class TestShapes:
    @pytest.fixture(autouse=True)
    def empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kept, "_shapes", {})

    def test_values_make_no_shape(self, scope) -> None:
        made = ConversationFactory(tenant=scope)
        for number in range(20):
            changes = {"last_seq": F("last_seq") + number, "subject": str(number), "context": {str(number): number}}
            kept.update(Conversation, {"id": made.id, "event_seq__lte": number}, changes)
        assert len(kept._shapes) == 1

    def test_what_makes_a_shape(self, scope) -> None:
        made = ConversationFactory(tenant=scope)
        changes: list[dict[str, Any]] = [
            {"last_seq": 1}, {"last_seq": F("last_seq")}, {"last_seq": F("event_seq")}, {"last_seq": F("last_seq") + 1},
            {"last_seq": F("last_seq") - 1}, {"waiting_since": None}, {"waiting_since": AT},
        ]  # fmt: skip
        for one in changes:
            kept.update(Conversation, {"id": made.id, "kind": "none"}, one)
        assert len(kept._shapes) == len(changes)

    def test_no_more_are_kept_than_there_is_room_for(self, scope, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kept, "MOST_SHAPES", 5)
        for number in range(12):
            assert kept.update(Contact, {"name__in": [str(n) for n in range(number + 1)]}, {"name": "y"}) == 0
        assert len(kept._shapes) == 5

    def test_the_suite_has_not_filled_the_room(self) -> None:
        """Of one process: the journeys of this module's neighbours have far fewer shapes than there is room for."""
        assert len(STANDING) < kept.MOST_SHAPES / 2


STANDING = {} if db.on_mongo() else kept._shapes


# ------------------------------------------------------------------------- connections


@SQL
def test_a_statement_is_good_for_every_connection(scope) -> None:
    made, names = ContactFactory(tenant=scope), iter(range(100))
    before = kept.update_where(Contact, {"id": made.id}, {"name": "here"})
    connection_release()
    connection.close()
    seen = [before.name]

    def elsewhere() -> None:
        with tenant_scope(scope.id):
            for _ in range(5):
                row = kept.update_where(Contact, {"id": made.id}, {"name": f"there {next(names)}"})
                seen.append(row.name)
        connections.close_all()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == ["here", *(f"there {n}" for n in range(5))]
    assert Contact.objects.get().name == "there 4"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans on its side")
@pytest.mark.parametrize(("threshold", "plans"), [(postgres.PREPARE_AFTER, True), (None, False)])
def test_the_server_keeps_plans_unless_a_pooler_stands_between(scope, threshold: int | None, plans: bool) -> None:
    made = ContactFactory(tenant=scope)
    connection.ensure_connection()
    # a statement for each case: the connection has those of former tests
    changed = {"name": "", "email": "a@example.com"} if plans else {"name": "", "language": "de"}
    before, connection.connection.prepare_threshold = connection.connection.prepare_threshold, threshold
    try:
        with db.atomic():
            for n in range(postgres.PREPARE_AFTER + 2):
                kept.update(Contact, {"id": made.id}, {**changed, "name": str(n)})
            with connection.cursor() as cursor:
                named = "%".join(changed)
                cursor.execute(
                    f"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'UPDATE%contact%{named}%WHERE%'"
                )
                assert (cursor.fetchone()[0] > 0) is plans
    finally:
        connection.connection.prepare_threshold = before


def test_the_pooler_is_a_setting() -> None:
    thresholds = [postgres.database({}, 1, 1, prepare)["OPTIONS"]["prepare_threshold"] for prepare in (True, False)]
    assert thresholds == [postgres.PREPARE_AFTER, None]


# ------------------------------------------------------------------------------ values

VALUES: list[tuple[str, Any]] = [
    ("subject", "ü %s"), ("subject", ""), ("subject", 5), ("status", Conversation.Status.ERROR), ("assignee_id", None),
    ("satisfaction", None), ("satisfaction", 4), ("satisfaction", "4"), ("is_open", False), ("is_open", 1),
    ("ended_at", AT), ("ended_at", None), ("ended_at", AT.replace(microsecond=0)),
    ("ended_at", AT.astimezone(datetime.timezone(datetime.timedelta(hours=5)))),
    ("ended_at", datetime.datetime(2026, 5, 4, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))),
    ("context", {"a": None}), ("context", {}), ("context", {"ä": [1, 2.5, float("inf")]}), ("context", ["a"]), ("context", []), ("identity_id", uuid.UUID(int=7)), ("identity_id", str(uuid.UUID(int=7))),
]  # fmt: skip


@SQL
@pytest.mark.parametrize(("name", "value"), VALUES)
@pytest.mark.parametrize("saved", [True, False])
def test_a_value_is_prepared_as_by_its_field(db: None, name: str, value: Any, saved: bool) -> None:
    field: Any = Conversation._meta.get_field(name)
    wanted = field.get_db_prep_save(value, connection) if saved else field.get_db_prep_value(value, connection)
    [ours] = Statement("%s", [Given(0, field, saved=saved)], returns=False, writes=False).prepared([value], connection)
    assert (type(ours), getattr(ours, "obj", ours)) == (type(wanted), getattr(wanted, "obj", wanted))


@SQL
def test_a_statement_remembers_so_many_combinations_of_kinds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept grows with no value, and what was let go is prepared as before."""
    monkeypatch.setattr(driver, "MOST_KINDS", 4)
    subject, satisfaction = (Conversation._meta.get_field(name) for name in ("subject", "satisfaction"))
    statement = Statement("%s, %s, %s", [Given(0, subject), 1, Given(1, satisfaction)], returns=False, writes=False)
    kinds = [(said, mark) for said in ("5", 5, None) for mark in (4, None, "4")]
    for said, mark in kinds * 2:
        first, fixed, second = statement.prepared([said, mark], connection)
        wanted = subject.get_db_prep_value(said, connection), satisfaction.get_db_prep_value(mark, connection)
        assert (first, fixed, getattr(second, "obj", second)) == (wanted[0], 1, getattr(wanted[1], "obj", wanted[1]))
        assert len(statement.ways) <= 4


@SQL
@pytest.mark.parametrize(("name", "value"), [one for one in VALUES if "inf" not in str(one)])
def test_a_value_comes_back_as_by_its_field(scope, name: str, value: Any) -> None:
    made = ConversationFactory(tenant=scope, **({} if name == "identity_id" else {name: value}))
    row = kept.update_where(Conversation, {"id": made.id}, {"priority": "high"})
    ours, wanted = getattr(row, name), getattr(Conversation.objects.get(), name)
    assert (type(ours), ours) == (type(wanted), wanted)
    assert getattr(ours, "tzinfo", None) is getattr(wanted, "tzinfo", None)


@SQL
def test_a_time_without_a_zone_is_warned_of_as_ever(db: None) -> None:
    with pytest.warns(RuntimeWarning, match="naive"):
        Given(0, Conversation._meta.get_field("ended_at")).prepared(AT.replace(tzinfo=None), connection)


@SQL
def test_a_secret_is_encrypted_on_its_way(scope) -> None:
    endpoint = WebhookEndpoint(tenant=scope, url="https://example.com", secrets=[{"secret": "s3cret"}])
    prepared.insert([endpoint])
    row = prepared.update_where(WebhookEndpoint, {"id": endpoint.id}, {"secrets": [{"secret": "other"}]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM messaging_webhookendpoint")
        assert "other" not in cursor.fetchone()[0]
    assert row.secrets == [{"secret": "other"}]


@pytest.mark.skipif(db.on_mongo(), reason="an insert there takes no expression")
@BOTH
def test_a_column_that_the_database_works_out(scope, way: ModuleType) -> None:
    way.insert([made := Contact(tenant=scope, phone=Concat(Value("a"), Value("b")))])
    assert Contact.objects.get(id=made.id).phone == "ab"
    assert way.update(Contact, {"phone": Concat(Value("a"), Value("b"))}, {"phone": "c"}) == 1


@SQL
def test_a_statement_is_over_when_those_who_look_at_it_go_on(scope) -> None:
    """SQLite does not commit an UPDATE … RETURNING before its rows are read, nor anything else meanwhile."""
    made, seen = ContactFactory(tenant=scope), []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        with db.atomic():
            Contact.objects.filter(id=made.id).update(email="a@example.com")
        seen.append((sql.split()[0], Contact.objects.get().name, kept.update(Contact, {"id": made.id}, {"phone": "1"})))
        return result

    with connection.execute_wrapper(once(look)):
        row = kept.update_where(Contact, {"id": made.id}, {"name": "after"})
    assert (row.name, row.phone, seen) == ("after", "", [("UPDATE", "after", 1)])
    assert Contact.objects.values_list("name", "email", "phone").get() == ("after", "a@example.com", "1")


def once(look: Callable[..., Any]) -> Callable[..., Any]:
    """``look`` at the first statement only, and not at its own."""
    left = [look]
    return lambda execute, *given: left.pop()(execute, *given) if left else execute(*given)


@BOTH
def test_a_column_that_is_set_when_its_row_is_saved(db: None, way: Any) -> None:
    way.insert([row := Tenant(name="New", slug="new")])
    assert Tenant.objects.get(id=row.id).updated_at == row.updated_at is not None


# ---------------------------------------------------------------------------- gathered


@BOTH
def test_gathered_rows_of_two_tenants_are_there_at_the_end(tenant: Tenant, other_tenant: Tenant, way: Any) -> None:
    with db.atomic(), way.gathered(Contact):
        for owner in (tenant, other_tenant, tenant):
            with tenant_scope(owner.id):
                way.insert([Contact(tenant=owner, name=owner.name)])
    for owner, count in ((tenant, 2), (other_tenant, 1)):
        with tenant_scope(owner.id):
            assert list(Contact.objects.values_list("name", flat=True)) == [owner.name] * count


@SQL
def test_gathered_rows_go_in_one_statement_and_others_at_once(scope) -> None:
    into = ConversationFactory(tenant=scope)
    with CaptureQueriesContext(connection) as seen, db.atomic(), kept.gathered(Contact):
        for name in ("a", "b", "c"):
            kept.insert([made := Contact(tenant=scope, name=name)])
            kept.insert([Note(tenant=scope, conversation=into, text=name)])
        assert (Contact.objects.filter(id=made.id).count(), Note.objects.count()) == (0, 3)
    assert len([one for one in seen if 'INTO "conversations_contact"' in one["sql"]]) == 1
    assert set(Contact.objects.filter(name__in="abc").values_list("name", flat=True)) == set("abc")


@BOTH
def test_gathering_takes_no_row_of_another_tenant(scope, other_tenant: Tenant, way: Any) -> None:
    with pytest.raises(OtherTenant), db.atomic(), way.gathered(Contact):
        way.insert([Contact(tenant=other_tenant)])
    with tenant_scope(other_tenant.id):
        assert not Contact.objects.exists()


@BOTH
def test_what_was_gathered_before_a_failure_is_written_nowhere(scope, way: Any) -> None:
    with pytest.raises(ZeroDivisionError), db.atomic(), way.gathered(Contact):
        way.insert([Contact(tenant=scope)])
        raise ZeroDivisionError
    assert not Contact.objects.exists()
    way.insert([Contact(tenant=scope)])
    assert Contact.objects.count() == 1


@SQL
def test_another_threads_rows_are_not_gathered(scope) -> None:
    def insert() -> None:
        with tenant_scope(scope.id):
            kept.insert([Contact(tenant=scope)])
        connections.close_all()

    with kept.gathered(Contact):
        thread = threading.Thread(target=insert)
        thread.start()
        thread.join()
        assert Contact.objects.count() == 1


@SQL
def test_a_gathered_column_that_the_database_works_out(tenant: Tenant, other_tenant: Tenant) -> None:
    with db.atomic(), kept.gathered(Contact):
        for owner in (tenant, other_tenant):
            with tenant_scope(owner.id):
                kept.insert([Contact(tenant=owner, phone=Concat(Value("a"), Value("b")))])
    with tenant_scope(other_tenant.id):
        assert Contact.objects.get().phone == "ab"
