"""Rita and Otto, two people of one tenant."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from conversations.models import Attachment, Contact, ContactMerge, Conversation, Note
from messaging.models import StaffAlert
from messaging.privacy import erase
from tenants.models import IdempotencyRecord
from tenants.storage.db import new_id, now
from tests.factories import DeliveryFactory, MessageFactory, SessionFactory
from tests.messaging.privacy.rita import OTTO, RITA, writes


@pytest.fixture(autouse=True)
def at_once(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "PAUSE", timedelta(0))
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def rita(scope: Any, whatsapp: Any) -> Contact:
    """Rita and Otto have both written; of Rita there is a row in every table that can hold one."""
    writes(whatsapp, OTTO, "Otto", "My walrus", "wamid.O")
    writes(whatsapp, RITA, "Ritaluna", "My zebrafink", "wamid.R")
    row = Contact.objects.get(name="Ritaluna")
    Contact.objects.filter(id=row.id).update(email="rita@example.com", profile={"pet": "giraffal"})
    talk = Conversation.objects.get(contact=row)
    answer = MessageFactory(tenant=scope, conversation=talk, direction="outbound", role="bot", text="Your lionesso")
    DeliveryFactory(tenant=scope, message=answer)
    Note.objects.create(tenant=scope, conversation=talk, text="ocelotum")
    SessionFactory(tenant=scope, channel=whatsapp, contact=row, device={"name": "tapirus"})
    ContactMerge.objects.create(
        tenant=scope,
        contact=row,
        former_id=new_id(),
        former={"name": "Ritaluna"},
        by="system",
        moved={"identities": [], "merges": [], "sessions": {}},
    )
    file = Attachment.objects.create(tenant=scope, channel=whatsapp, message=answer, kind="image", name="giraffal.png")
    name = default_storage.save(f"{scope.id.hex}/{file.id.hex}/original", ContentFile(b"zebrafink"))
    Attachment.objects.filter(id=file.id).update(file=name, state="stored", mime="image/png")
    StaffAlert.objects.create(tenant=scope, event=new_id(), way="email", subject="Ritaluna", facts={"id": str(talk.id)})
    IdempotencyRecord.objects.create(
        tenant=scope,
        key="k",
        fingerprint="f",
        running_until=now(),
        body=json.dumps({"contact": str(row.id), "n": RITA}),
    )
    return row
