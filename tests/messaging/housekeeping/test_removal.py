"""The removal of a tenant: all of it, files too, in batches that another worker goes on with, and nothing of another tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError

from channels_app.models import Channel, ChannelHealth
from channels_app.selectors import channel_for_key
from conversations.files import attachments
from conversations.models import Attachment, Event, Message, Note, Revision
from messaging.housekeeping import removal
from messaging.models import InboundEvent, StaffAlert, Turn
from tenants.access.api_keys import api_key_create
from tenants.models import ApiKey, Removal, Role, Tenant, User
from tenants.removal import removal_start
from tenants.scope import tenant_scope
from tenants.storage import batches
from tenants.storage.db import TenantModel, new_id, now
from tenants.trail.audit import audit
from tests.conftest import Api
from tests.factories import ChannelFactory, DeliveryFactory, MembershipFactory, MessageFactory, SessionFactory

pytestmark = pytest.mark.django_db(transaction=True)

OWNED = [model for model in apps.get_models() if issubclass(model, TenantModel)]


@pytest.fixture(autouse=True)
def storage(settings, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tenants.removal.IN_FLIGHT", timedelta(0))  # what MongoDB waits for
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def populate(tenant: Tenant) -> str:
    """Rows of many tables, and three files; an API key."""
    with tenant_scope(tenant.id):
        channel = ChannelFactory(tenant=tenant)
        ChannelHealth.objects.create(channel=channel)
        asked = MessageFactory(tenant=tenant, conversation__channel=channel)
        answer = MessageFactory(tenant=tenant, conversation=asked.conversation, direction="outbound", role="bot")
        DeliveryFactory(tenant=tenant, message=answer)
        Turn.objects.create(tenant=tenant, conversation=asked.conversation, first_seq=1, last_seq=1, reply=answer)
        Event.objects.create(tenant=tenant, conversation=asked.conversation, seq=1, type="chat.message.received")
        Note.objects.create(tenant=tenant, conversation=asked.conversation, text="remark")
        Revision.objects.create(tenant=tenant, channel=channel, message=asked, platform_id="r", target="m")
        InboundEvent.objects.create(tenant=tenant, channel=channel, digest=str(new_id()), request={})
        StaffAlert.objects.create(tenant=tenant, event=new_id(), way="email", subject="!")
        SessionFactory(tenant=tenant, channel=channel, contact=asked.conversation.contact)
        MembershipFactory(tenant=tenant)
        for _ in range(3):
            row = Attachment.objects.create(tenant=tenant, channel=channel, message=asked, kind="image")
            name = f"{tenant.id.hex}/{row.id.hex}/original"
            Attachment.objects.filter(id=row.id).update(file=default_storage.save(name, ContentFile(b"x")))
        audit("system", "channel.updated", channel)
    return api_key_create(tenant=tenant, name="key", scopes=["*"])[1]


def rows_left(tenant: Tenant) -> dict[str, int]:
    # unscoped: the test counts what is left of a tenant
    counts = {model.__name__: model.objects.unscoped().filter(tenant=tenant).count() for model in OWNED}
    return {name: count for name, count in counts.items() if count}


def files(tenant: Tenant, storage: Any) -> int:
    return len([path for path in storage.rglob("*") if path.is_file() and tenant.id.hex in str(path)])


def always() -> bool:
    return True


def looks(count: int) -> Callable[[], bool]:
    """True so many times."""
    asked = iter(range(count))
    return lambda: next(asked, None) is not None


def test_all_of_a_tenant_goes_and_nothing_of_the_other(tenant, other_tenant, storage) -> None:
    populate(tenant)
    populate(other_tenant)
    before, users = rows_left(other_tenant), User.objects.count()
    assert set(before) == set(rows_left(tenant))
    rows = sum(before.values()) + 1  # the channel's health, which has no tenant of its own
    removal_start(tenant, "system")
    assert removal.removals_go_on(always) == 1
    assert (rows_left(tenant), files(tenant, storage), Tenant.objects.filter(id=tenant.id).exists()) == ({}, 0, False)
    assert (rows_left(other_tenant), files(other_tenant, storage), User.objects.count()) == (before, 3, users)
    assert not (storage / tenant.id.hex).exists()
    done = Removal.objects.get()
    assert (done.status, done.slug, done.requested_by, done.rows, done.files) == ("done", "acme", "system", rows, 3)
    assert done.finished_at and done.claim is None


@pytest.mark.parametrize("count", [len(OWNED) + more for more in (7, 12, 17, 22)], ids="abcd")
def test_a_run_out_of_time_is_gone_on_with_at_once(tenant, other_tenant, storage, monkeypatch, count: int) -> None:
    monkeypatch.setattr(removal, "BATCH", 1)
    populate(tenant)
    removal_start(tenant, "system")
    runs = 1
    while not removal.removals_go_on(looks(count)):
        runs += 1
        assert runs < 500
    assert runs > 1
    assert (rows_left(tenant), files(tenant, storage)) == ({}, 0)


@pytest.mark.parametrize("model", [Message, Attachment, Channel], ids=lambda model: model.__name__)
def test_a_worker_that_dies_between_two_batches_is_followed_by_another(
    tenant, storage, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    monkeypatch.setattr(removal, "BATCH", 1)
    populate(tenant)
    removal_start(tenant, "system")
    real, went = removal._batch, []

    def dies(*given: Any) -> int:
        went.append(given[1])
        if went.count(model) == 1 and given[1] is model:
            raise KeyboardInterrupt  # after the files of this batch, before its rows
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(removal, "_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            removal.removals_go_on(always)
    rows = Removal.objects.get().rows
    assert rows == len(went) - 1
    assert removal.removals_go_on(always) == 0, "its lease runs"
    Removal.objects.update(due_at=now())
    assert removal.removals_go_on(always) == 1
    assert (rows_left(tenant), files(tenant, storage)) == ({}, 0)
    assert Removal.objects.get().rows > rows


def test_a_worker_that_lost_its_lease_deletes_nothing_more(tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(tenant)
    removal_start(tenant, "system")
    real = removal._batch

    def late(held: Any, *given: Any) -> int:
        Removal.objects.update(claim=new_id(), due_at=now() + timedelta(minutes=2))
        return real(held, *given)

    before = rows_left(tenant)
    monkeypatch.setattr(removal, "_batch", late)
    assert removal.removals_go_on(always) == 0
    assert rows_left(tenant) == before
    assert Removal.objects.get().status == "running"


def test_rows_that_come_meanwhile_go_too(tenant, storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker in another process was in the middle of a message when it began."""
    populate(tenant)
    removal_start(tenant, "system")
    real, came = removal.tenant_files_erase, iter([lambda: populate(tenant)])

    def late(tenant_id: Any) -> int:
        next(came, lambda: None)()
        return real(tenant_id)

    monkeypatch.setattr(removal, "tenant_files_erase", late)
    assert removal.removals_go_on(always) == 1
    assert (rows_left(tenant), files(tenant, storage)) == ({}, 0)


def test_a_file_without_its_row_goes_too(tenant, storage) -> None:
    default_storage.save(f"{tenant.id.hex}/{new_id().hex}/original", ContentFile(b"x"))
    removal_start(tenant, "system")
    assert removal.removals_go_on(always) == 1
    assert files(tenant, storage) == 0
    assert attachments.tenant_files_erase(tenant.id) == 0


def test_a_tenant_is_refused_from_the_beginning(tenant, other_tenant) -> None:
    plaintext = populate(tenant)
    # unscoped: no scope is open
    key = Channel.objects.unscoped().get(tenant=tenant).key
    client = Api(plaintext)
    assert client.get("/api/v2/chat/conversations").status_code == 200
    assert channel_for_key(key)
    begun = removal_start(tenant, "system")
    assert client.get("/api/v2/chat/conversations").status_code == 403
    assert channel_for_key(key) is None
    assert rows_left(tenant), "nothing is gone yet"
    assert removal_start(tenant, "system") == begun
    assert ApiKey.objects.unscoped().filter(tenant=tenant).exists()  # unscoped: as above


def test_no_other_way_removes_a_tenant_that_has_anything(tenant) -> None:
    populate(tenant)
    with pytest.raises(ProtectedError):
        tenant.delete()


def test_every_table_that_a_tenant_owns_goes_before_what_it_points_to() -> None:
    order = removal.tables()
    assert set(order) == set(OWNED)
    places = {model: place for place, model in enumerate(order)}
    pointed = [
        (model, field.related_model)
        for model in OWNED
        for field in model._meta.concrete_fields
        if field.related_model in places and field.related_model is not model
    ]
    assert pointed
    assert [pair for pair in pointed if places[pair[0]] > places[pair[1]]] == []
    assert places[Role] > 0 and batches.BATCH == 500


# ------------------------------------------------------------------------------- command


def run(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command("remove_tenant", *words, stdout=out, **options)
    return out.getvalue()


def test_the_command_removes_to_the_end(tenant, storage) -> None:
    populate(tenant)
    assert run("acme", "--confirm", "acme").startswith("acme is removed: ")
    assert (rows_left(tenant), files(tenant, storage)) == ({}, 0)


def test_the_command_goes_on_with_what_was_begun(tenant) -> None:
    populate(tenant)
    assert run("acme", "--confirm", "acme", "--background") == "acme is refused from now on; workers remove it.\n"
    assert rows_left(tenant)
    assert "removed" in run("acme")
    assert rows_left(tenant) == {}


@pytest.mark.parametrize("typed", ["", "globex", "ACME"])
def test_the_command_wants_the_slug_typed(tenant, other_tenant, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr("builtins.input", lambda _: typed)
    with pytest.raises(CommandError, match="nothing was removed"):
        run("acme")
    assert Tenant.objects.get(slug="acme").status == "active"
    assert not Removal.objects.exists()
