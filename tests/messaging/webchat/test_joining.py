"""From an anonymous visitor to the site's user: what goes along, and what must not."""

from __future__ import annotations

import pytest

from conversations.models import Contact, Conversation, Event, Identity
from messaging.webchat import rules as webchat
from messaging.webchat.frames import Identity as Proof
from messaging.webchat.frames import SessionRequest
from messaging.webchat.sessions import session_begin
from tests.conftest import Api
from tests.messaging.webchat.clients import Page

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_said_before_the_login_goes_on_after_it(page, channel, proof):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    data = page.begin(visitor_token=token, identity=proof())
    assert data["last_seq"] == 1
    assert Api.data_of(page.say("Hello"))["duplicate"] is True
    assert Page(channel).begin(visitor_token=token)["conversation"] is None


def test_both_are_one_contact_from_then_on(page, proof, scope):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    page.begin(visitor_token=token, identity=proof())
    assert sorted(Identity.objects.values_list("scheme", "contact_id")) == [
        ("user", Contact.objects.get().id),
        ("web", Contact.objects.get().id),
    ]
    assert list(Event.objects.filter(type="chat.contact.identity_changed").values_list("seq", flat=True)) == [4]


def test_a_user_who_talks_already_keeps_their_conversation(page, channel, proof, scope):
    Page(channel).begin(identity=proof())
    elsewhere = Page(channel)
    elsewhere.begin(identity=proof())
    elsewhere.say("At home")
    token = page.begin()["visitor_token"]
    page.say("In the office", cid="c2")
    page.begin(visitor_token=token, identity=proof())
    (frame,) = Api.data_of(page.read())["messages"]
    assert frame["text"] == "At home"
    assert (Conversation.objects.count(), Contact.objects.count()) == (2, 1)


def test_the_next_user_of_a_shared_browser_is_another_person(page, proof, scope):
    """Even if the page shows the token from before the first login again."""
    token = page.begin()["visitor_token"]
    page.say("Hello")
    page.begin(visitor_token=token, identity=proof("first"))
    page.begin(visitor_token=token, identity=proof("second"))
    assert Api.data_of(page.read())["messages"] == []
    page.say("I am new", cid="c2")
    assert Contact.objects.count() == 2


def test_who_has_said_nothing_is_not_joined(page, proof, scope):
    token = page.begin()["visitor_token"]
    page.begin(visitor_token=token, identity=proof())
    assert not Identity.objects.exists()


async def test_the_anonymous_socket_hears_no_more_of_it(ready, said, rows, channel, visitor, proof):
    """The old token is no proof of who the user is."""
    conversation = await said("Hello")
    socket, _ = await ready(conversation=str(conversation.id), after=1)
    token = webchat.token_issue(channel, visitor)
    request = SessionRequest(visitor_token=token, identity=Proof(**proof()))
    session = await rows(session_begin, channel, request, "192.0.2.1")
    assert await socket.closed_with() == 4404
    assert session.conversation.id == conversation.id
    assert await rows(webchat.conversation_of, channel, visitor) is None
