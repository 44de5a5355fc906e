"""What the assistant keeps of a person goes with them, encrypted columns included: vectors, questions that were not answered,
judgements, agreed calls of tools, translations and remembered answers (PRIV-2, AI-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from assistant.evaluations.models import AnswerMark
from assistant.llm_models import CachedAnswer, ModelUse
from assistant.models import KnowledgeEntry, Translation, Unanswered, Vector
from assistant.tools.models import AgreedCall
from conversations.models import Contact, Conversation, Message
from messaging.privacy.tables import OWNED
from tenants.models import Tenant
from tenants.storage.db import new_id, now
from tests.messaging.privacy.rita import erased, left_in

pytestmark = pytest.mark.django_db(transaction=True)
OF_THE_ASSISTANT = [apps.get_model(label) for label in OWNED if label.startswith("assistant.")]


def decrypted() -> str:
    """Every field of every row of ours, as the service reads it."""
    ours = {"assistant", "channels_app", "conversations", "messaging", "tenants"}
    found = []
    for model in (model for model in apps.get_models() if model._meta.app_label in ours):
        rows: Any = model._default_manager
        # unscoped: of every tenant
        found += list(rows.unscoped().values_list() if hasattr(rows, "unscoped") else rows.values_list())
    return "\n".join(map(str, found))


def kept_of(tenant: Tenant, person: Contact) -> None:
    """A row of this person in each table of the assistant that can hold one."""
    talk = Conversation.objects.get(contact=person)
    message = Message.objects.filter(conversation=talk).order_by("seq")[0]
    here: dict[str, Any] = {"tenant": tenant, "conversation_id": talk.id}
    Vector.objects.create(**here, model="m", kind="message", ref_id=message.id, digest="d", stored=True, numbers=b"1")
    Unanswered.objects.create(**here, message_id=message.id)
    AnswerMark.objects.create(**here, message_id=message.id, good=False, by=new_id())
    AgreedCall.objects.create(**here, mark="m", tool="cancel_order", outcome="done", answer=f"sent to {person.name}")
    Translation.objects.create(
        **here, message_id=message.id, language="de", digest="d", text=f"für {person.name}", model="m"
    )
    CachedAnswer.objects.create(
        tenant=tenant,
        contact=person,
        digest="d",
        answer={"text": f"Dear {person.name}"},
        expires_at=now() + timedelta(1),
    )


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in OF_THE_ASSISTANT}


def test_nothing_that_the_assistant_keeps_of_the_person_is_left(scope: Tenant, rita: Contact) -> None:
    otto = Contact.objects.get(name="Otto")
    kept_of(scope, rita)
    kept_of(scope, otto)
    KnowledgeEntry.objects.create(tenant=scope, title="Tents", answer="They are dry.")
    ModelUse.objects.create(tenant=scope, day=now().date(), model="twin/m", questions=1)
    assert set(counts().values()) == {2}, "a row of both in each table; one is missing here: write it in `kept_of`"
    before = decrypted()
    assert all(words in before for words in ("sent to Ritaluna", "für Ritaluna", "Dear Ritaluna"))
    erased(rita)
    assert set(counts().values()) == {1}
    after = decrypted()
    assert left_in(after) == []
    assert all(words in after for words in ("sent to Otto", "für Otto", "Dear Otto", "They are dry."))
    assert ModelUse.objects.get().questions == 1, "counts of all stay"
