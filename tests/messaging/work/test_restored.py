"""A database that was set back to a backup: what is told of it, and what is put aside so that it does not happen twice
(OPS-11)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from conversations.files.attachments import NEVER
from conversations.models import Attachment, Conversation, Event
from messaging.deliver import redeliver
from messaging.housekeeping import restored
from messaging.models import Delivery, InboundEvent, Turn
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory, ConversationFactory, DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(scope: Any, other_tenant: Any, whatsapp: Any) -> dict[str, Any]:
    """Open work of two tenants, a part of it in the hands of a worker that is gone."""
    conversation = ConversationFactory(tenant=scope, channel=whatsapp)
    turn = Turn.objects.create(
        tenant=scope, conversation=conversation, first_seq=1, last_seq=1, status=Turn.Status.RUNNING, claim=scope.id
    )
    receipt = InboundEvent.objects.create(tenant=scope, channel=whatsapp, digest="d", request={})
    sending = DeliveryFactory(tenant=scope, status=Delivery.Status.SENDING, claim=scope.id)
    done = DeliveryFactory(tenant=scope, status=Delivery.Status.SENT)
    with tenant_scope(other_tenant.id):
        theirs = DeliveryFactory(tenant=other_tenant)
    return {"turn": turn, "receipt": receipt, "sending": sending, "done": done, "theirs": theirs}


def again(row: Any) -> Any:
    # unscoped: the rows are of two tenants
    return type(row).objects.unscoped().get(id=row.id)


def test_what_waits_is_counted(waiting: Any) -> None:
    waits = {name: count for name, count in restored.open_work().items() if count}
    assert waits == {"turns": 1, "receipts": 1, "deliveries": 2}


def test_what_was_put_aside_waits_for_staff_and_is_told(waiting: Any) -> None:
    assert restored.put_aside() == {"receipts": 1, "turns": 1, "scheduled": 0, "deliveries": 2}
    assert not any(restored.open_work().values())
    dead = [again(waiting[name]) for name in ("sending", "theirs")]
    assert [(row.status, row.error_code, row.dead_at is None) for row in dead] == [("failed", "restored", False)] * 2
    assert again(waiting["done"]).status == "sent"
    assert (again(waiting["turn"]).status, again(waiting["turn"]).outcome) == ("failed", "restored")
    assert (again(waiting["receipt"]).status, again(waiting["receipt"]).reason) == ("failed", "restored")
    assert again(waiting["turn"].conversation).status == Conversation.Status.ERROR
    # unscoped: of both tenants
    told = Event.objects.unscoped().values_list("type", flat=True)
    assert sorted(told) == [
        "chat.conversation.updated", "chat.message.failed", "chat.message.failed",
        "chat.system.work_given_up", "chat.system.work_given_up",
    ]  # fmt: skip


def test_what_was_put_aside_can_be_started_again(waiting: Any) -> None:
    restored.put_aside()
    assert redeliver(Delivery.objects.filter(error_code="restored")) == 1  # of the tenant in scope
    assert again(waiting["sending"]).status == "queued"
    assert again(waiting["theirs"]).status == "failed"


def test_secrets_under_another_key_are_named(scope: Any, whatsapp: Any, settings: Any) -> None:
    assert restored.secrets_unreadable() == []
    settings.ENCRYPTION_KEYS = ["of-another-place-0123456789-0123456789"]
    readable = ChannelFactory(tenant=scope, kind="sms", secrets={"auth_token": "token-0123456789"})
    assert restored.secrets_unreadable() == [f"channel {whatsapp.id}"]
    assert readable.id != whatsapp.id


def test_files_that_are_not_there_are_named(scope: Any, whatsapp: Any) -> None:
    facts = {"tenant": scope, "channel": whatsapp, "kind": "file", "state": "stored", "due_at": NEVER}
    kept = default_storage.save("attachments/restored.txt", ContentFile(b"here"))
    Attachment.objects.create(file=kept, created_at=now(), **facts)
    Attachment.objects.create(file="attachments/gone.txt", thumbnail="thumbnails/gone.webp", **facts)
    try:
        assert restored.files_missing() == ["attachments/gone.txt", "thumbnails/gone.webp"]
    finally:
        default_storage.delete(kept)
