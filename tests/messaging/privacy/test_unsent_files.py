"""Files that were meant for a person and never sent go with the person, and with the reply that was planned (PRIV-2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels_app.content.types import Content
from conversations.files.attachments import UNUSED
from conversations.files.media_links import media_address
from conversations.models import Attachment, Contact, Conversation
from messaging.agents.scheduled import schedule, scheduled_cancel
from messaging.media.uploads import upload
from tenants.storage.db import new_id, now
from tests.messaging.privacy.rita import erased

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.4\nzebrafink\n%%EOF\n"


def kept(talk: Conversation, identity_id: Any = None) -> Attachment:
    return upload(new_id(), talk.channel, identity_id, "bill.pdf", "application/pdf", iter([PDF]))


def planned(talk: Conversation, file: Attachment) -> Any:
    content = Content(type="file", media={"url": media_address(file.id), "type": "application/pdf"})
    return schedule(talk.id, None, content, now() + timedelta(days=30))


def talk_of(name: str) -> Conversation:
    return Conversation.objects.select_related("channel").get(contact__name=name)


def left() -> set[Any]:
    return set(Attachment.objects.values_list("id", flat=True))


def test_what_was_for_the_person_goes_and_what_is_for_others_stays(rita: Contact, tmp_path: Path) -> None:
    hers, his = talk_of("Ritaluna"), talk_of("Otto")
    unsent, alone, shared, others = kept(hers, hers.identity_id), kept(hers), kept(hers), kept(his)
    planned(hers, alone), planned(hers, shared), planned(his, shared), planned(his, others)
    assert {unsent.id, alone.id, shared.id, others.id} <= left()
    erased(rita)
    assert left() == {shared.id, others.id}
    names = {path.parent.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {shared.id.hex, others.id.hex}


def test_a_reply_that_is_taken_back_keeps_its_file_for_a_day(rita: Contact) -> None:
    talk = talk_of("Ritaluna")
    file, shared = kept(talk), kept(talk)
    back, other = planned(talk, file), planned(talk, shared)
    planned(talk, shared)
    assert Attachment.objects.get(id=file.id).due_at > now() + timedelta(days=30)
    scheduled_cancel(back.id)
    scheduled_cancel(other.id)
    assert Attachment.objects.get(id=file.id).due_at <= now() + UNUSED
    assert Attachment.objects.get(id=shared.id).due_at > now() + timedelta(days=30)
