"""A push costs one publish, and goes where a socket may listen."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.models import Channel
from conversations.models import Attachment, Message
from messaging.accept import accept
from messaging.live import push
from messaging.live.frames import message_frame
from messaging.live.hub import conversation_group, hub
from messaging.live.push import push_media
from messaging.reports.delivery_status import mark_read
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants.staff import Face

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Group and type of every push."""
    pushes: list[tuple[str, str]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: pushes.append((group, frame["t"])))
    return pushes


def test_everything_of_a_conversation_goes_to_its_widgets_once(
    scope: Any, web: Channel, said: Any, pushed: list[Any]
) -> None:
    conversation = accept(web, said("Hello", id="m1")).conversation
    take_over(conversation.id, None)
    agent_reply(conversation.id, None, text("Hi"))
    push_media(Message.objects.get(seq=3), Attachment(state="stored"))
    mark_read(conversation.id, 3)
    conversation_end(conversation.id)
    group = conversation_group(conversation.id)
    told = [kind for of, kind in pushed if of == group]  # staff are told beside it, a moment later
    assert told == ["msg", "state", "read", "msg", "media", "state"]


@pytest.mark.parametrize(("listens", "made"), [(False, []), (True, ["a", "b"])], ids=["nobody", "somebody"])
def test_no_frame_is_made_where_no_socket_listens(
    scope: Any, web: Channel, said: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, listens: bool, made: list[str]
) -> None:
    settings.REDIS_URL = ""  # by Redis a socket of another process may listen
    frames: list[str] = []

    def counted(message: Message, author: Face) -> dict[str, Any]:
        frames.append(message.text)
        return message_frame(message, author)

    monkeypatch.setattr(push, "message_frame", counted)
    conversation = accept(web, said("a", id="m1")).conversation
    if listens:
        monkeypatch.setitem(hub.groups, conversation_group(conversation.id), {lambda text, frame: None})
        push.push_message(Message.objects.get())
    accept(web, said("b", id="m2"))
    assert frames == made
