"""What is said near us, not to us: it counts while we talk with this person in this thread, else not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conversations.models import Contact, Conversation, Message
from messaging.accept import accept
from tenants.errors import Invalid

pytestmark = pytest.mark.django_db


def test_it_joins_the_open_conversation(scope, whatsapp, said):
    opened = accept(whatsapp, said("@bot hello", id="m1"))
    followed = accept(whatsapp, replace(said("and another thing", id="m2"), follow_up=True))
    assert followed.conversation.id == opened.conversation.id
    assert followed.message.seq == 2


def test_it_opens_none_and_leaves_no_contact_behind(scope, whatsapp, said):
    with pytest.raises(Invalid) as refused:
        accept(whatsapp, replace(said("talking to a colleague", id="m1"), follow_up=True))
    assert refused.value.code == "not_addressed"
    assert (Conversation.objects.count(), Message.objects.count(), Contact.objects.count()) == (0, 0, 0)


def test_the_person_can_still_begin_afterwards(scope, whatsapp, said):
    with pytest.raises(Invalid):
        accept(whatsapp, replace(said("talking to a colleague", id="m1"), follow_up=True))
    assert accept(whatsapp, said("@bot hello", id="m2")).message.seq == 1
