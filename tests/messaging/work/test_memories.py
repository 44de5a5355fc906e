"""What a process remembers of rows: a change forgets its own row, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from assistant.port import EngineReply
from channels_app.content.types import text
from channels_app.health import _rows, health_forget
from channels_app.selectors import channel_for_key, channel_forget
from conversations.contacts import people
from conversations.models import Contact, Conversation
from messaging import respond
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.turns import thinking
from tenants.access import auth
from tests.factories import ChannelFactory, ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_repeat_keeps_the_memory_of_identities(scope, whatsapp, said) -> None:
    accept(whatsapp, said("one", by="+4911111111", id="w1"))
    for name in ("w2", "w3"):
        accept(whatsapp, said("two", by="+4922222222", id=name))
    accept(whatsapp, said("one again", by="+4911111111", id="w4"))
    before = dict(people._known._entries)
    assert len(before) == 2
    assert accept(whatsapp, said("two", by="+4922222222", id="w2")).duplicate
    assert people._known._entries == before


def test_a_refreshed_token_empties_no_other(tenant, django_assert_num_queries) -> None:
    other = auth.issue_access_token(tenant, "bea")
    auth.principal_for(other)
    refresh = auth.issue_refresh_token(tenant, "anna")
    auth.tokens_refresh(refresh)
    with django_assert_num_queries(0):
        auth.principal_for(other)


def test_a_channel_is_forgotten_alone(scope, django_assert_num_queries) -> None:
    changed, other = ChannelFactory(tenant=scope), ChannelFactory(tenant=scope)
    assert channel_for_key(changed.key) and channel_for_key(other.key)
    changed.enabled = False
    changed.save()
    channel_forget(changed)
    assert channel_for_key(changed.key) is None
    with django_assert_num_queries(0):
        assert channel_for_key(other.key) == other
    _rows.get(changed.id, lambda: "x")  # type: ignore[arg-type,return-value]
    _rows.get(other.id, lambda: "y")  # type: ignore[arg-type,return-value]
    health_forget(changed.id)
    assert list(_rows._entries) == [other.id]


def test_a_contact_that_has_come_to_a_conversation_meanwhile_is_not_deleted_with_it(
    scope, whatsapp, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process began a conversation with the joined contact between the moving and the deleting."""
    accept(whatsapp, said("one", id="w1"))
    former, kept = Contact.objects.get(), ContactFactory(tenant=scope)
    real = Contact.save

    def late(contact: Contact, **options: Any) -> None:
        real(contact, **options)
        Conversation.objects.update(contact=former)

    monkeypatch.setattr(Contact, "save", late)
    with pytest.raises(IntegrityError):
        people.contacts_join(kept.id, [former.id])
    assert Conversation.objects.count() == 1


def test_a_remembered_contact_that_was_joined_elsewhere_is_looked_up_again(
    scope, whatsapp, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB has no foreign key that would fail on it."""
    monkeypatch.setattr(people, "on_mongo", lambda: True)
    accept(whatsapp, said("one", id="w1"))
    accept(whatsapp, said("two", id="w2"))
    [remembered] = list(people._known._entries)
    former = Contact.objects.get()
    with people._known._lock:  # another process joins them; this one has yet to hear of it
        known = people._known._entries[remembered]
    kept = ContactFactory(tenant=scope)
    people.contacts_join(kept.id, [former.id])
    people._known._entries[remembered] = known
    Conversation.objects.update(is_open=False)
    accept(whatsapp, said("three", id="w3"))
    assert set(Conversation.objects.values_list("contact_id", flat=True)) == {kept.id}


def test_who_turned_out_to_be_another_before_the_answer_gets_it(scope, web, said, monkeypatch) -> None:
    """The conversation that the caller holds names a contact that is gone."""
    asked: list[Any] = []

    class Engine:
        name = "test"

        def respond(self, request: Any) -> EngineReply:
            asked.append(request)
            return EngineReply(contents=(text("answer"),), engine=self.name)

    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    kept = ContactFactory(tenant=scope, name="Mira")
    accepted = accept(web, said("hello"), Entrance(answer_now=True))
    people.contacts_join(kept.id, [accepted.conversation.contact_id])
    assert respond.answer(accepted.turn).status == "answered"
    assert asked[0].profile["name"] == "Mira"
