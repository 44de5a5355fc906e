"""Staff write to a person whose conversation has ended: a new one begins, which is theirs (ADM-2, CH-6, CONV-11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Event, Identity, Message
from messaging.accept import accept
from messaging.models import Delivery
from messaging.rules.agent_replies import ReplyOutdated, agent_reply
from messaging.rules.control import conversation_end
from messaging.rules.opening import write_again
from tenants.errors import Conflict, NotFound, ServiceError
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory, ConversationFactory, IdentityFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended(scope: Any, whatsapp: Any, said: Any, ana: Any) -> Conversation:
    """A person's question was answered, and the conversation closed."""
    conversation = accept(whatsapp, said("Where is my parcel?", id="w.1")).conversation
    Conversation.objects.update(reply_window_expires_at=now() + timedelta(hours=1))
    agent_reply(conversation.id, ana, text("On its way"))
    return conversation_end(conversation.id)


def refusal(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        call()
    return refused.value


def test_it_begins_a_conversation_that_is_theirs_and_goes_to_the_same_person(ended, ben) -> None:
    message = write_again(ended.id, ben, text("It comes tomorrow"))
    talk = Conversation.objects.get(id=message.conversation_id)
    assert (talk.id != ended.id, talk.contact_id, talk.identity_id) == (True, ended.contact_id, ended.identity_id)
    assert (talk.assignee, talk.held_by, talk.control_owner, talk.waiting_since) == (ben, "staff", "human", None)
    assert talk.reply_window_expires_at == Conversation.objects.get(id=ended.id).reply_window_expires_at
    assert not Conversation.objects.get(id=ended.id).is_open, "what has ended stays so"
    assert list(Delivery.objects.filter(conversation=talk).values_list("message_id", flat=True)) == [message.id]
    events = Event.objects.filter(conversation=talk).order_by("seq")
    assert [event.type for event in events] == [
        "chat.conversation.started", "chat.conversation.updated", "chat.message.sent",
    ]  # fmt: skip
    assert events[1].payload["first_escalation"] is True


def test_what_they_answer_comes_to_the_colleague_who_wrote(ended, ben, whatsapp, said) -> None:
    message = write_again(ended.id, ben, text("It comes tomorrow"))
    answer = accept(whatsapp, said("Great", id="w.2"))
    assert (answer.conversation.id, answer.conversation.assignee_id) == (message.conversation_id, ben.id)
    assert answer.turn is None, "the bot does not talk over them"


def test_the_same_id_is_one_message_and_one_conversation(ended, ben) -> None:
    first, again = (write_again(ended.id, ben, text("Hello"), client_message_id="r-1") for _ in range(2))
    assert (again.id, again.repeated, Conversation.objects.count()) == (first.id, True, 2)


def test_where_they_are_in_another_by_now_it_is_named_and_nothing_said(ended, ben, whatsapp, said) -> None:
    newer = accept(whatsapp, said("One more thing", id="w.2")).conversation
    error = refusal(lambda: write_again(ended.id, ben, text("It comes tomorrow")))
    assert (error.code, error.details["conversation_id"]) == ("conversation_goes_on", str(newer.id))
    assert not Message.objects.filter(conversation=newer, role="agent").exists()


def stopped(ended: Conversation) -> None:
    Identity.objects.filter(id=ended.identity_id).update(stopped_at=now())


def shut(ended: Conversation) -> None:
    Conversation.objects.filter(id=ended.id).update(reply_window_expires_at=now() - timedelta(minutes=1))


def test_a_window_that_was_not_known_is_not_known_closed(ended, ben) -> None:
    Conversation.objects.update(reply_window_expires_at=None)
    talk = write_again(ended.id, ben, text("It comes tomorrow")).conversation
    assert talk.reply_window_expires_at is None


@pytest.mark.parametrize(("cause", "code"), [(stopped, "contact_stopped"), (shut, "window_closed")])
def test_consent_and_window_hold_and_no_empty_conversation_is_left(ended, ben, cause, code) -> None:
    cause(ended)
    assert refusal(lambda: write_again(ended.id, ben, text("It comes tomorrow"))).code == code
    assert Conversation.objects.count() == 1


def test_who_has_hung_up_is_not_written_to(scope, ben) -> None:
    call = ChannelFactory(tenant=scope, kind="voice")
    over = ConversationFactory(tenant=scope, channel=call, is_open=False, status="completed")
    assert refusal(lambda: write_again(over.id, ben, text("Hello"))).code == "person_writes_first"


def test_the_place_is_the_same_thread_and_another_one_keeps_none(scope, ben) -> None:
    slack = ChannelFactory(tenant=scope, kind="slack")
    identity = IdentityFactory(tenant=scope, channel=slack, scheme="slack", scope="T1", value="U1")
    facts = {"tenant": scope, "channel": slack, "identity": identity, "contact": identity.contact}
    over = ConversationFactory(
        **facts, thread="C1:100.1", reference={"channel": "C1", "thread_ts": "100.1"}, is_open=False, status="completed"
    )
    ConversationFactory(**facts, thread="C1:200.2", last_seq=4)
    talk = write_again(over.id, ben, text("Solved")).conversation
    assert (talk.thread, talk.reference) == (over.thread, over.reference)


def test_while_it_goes_on_it_is_a_reply_as_others(scope, web, said, ben) -> None:
    conversation = accept(web, said("Hello")).conversation
    seen = conversation.last_seq
    accept(web, said("and one thing more"))
    with pytest.raises(ReplyOutdated):
        write_again(conversation.id, ben, text("Hello"), seen_seq=seen)
    sent = write_again(conversation.id, ben, text("Hello"), seen_seq=seen, anyway=True)
    assert sent.conversation_id == conversation.id


def test_of_another_tenant_there_is_none(ended, other_tenant, ben) -> None:
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        write_again(ended.id, ben, text("Hello"))


def test_a_plain_reply_is_still_refused(ended, ben) -> None:
    with pytest.raises(Conflict) as refused:
        agent_reply(ended.id, ben, text("Hello"))
    assert refused.value.code == "conversation_closed"
